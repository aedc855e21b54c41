"""One run a visitor: lanes, handlers, what a run costs, where the GPU is asked for, answers that are kept."""
