"""The page around the tabs: boxes, actions, settings, models, links."""
