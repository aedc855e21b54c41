// A click on an example, or on an edited text of a probe, puts it into the boxes, by the `select` event.
const chips = () => [...element.querySelectorAll(".rl-chip")];
element.addEventListener("click", (event) => {
  const button = event.target.closest(".rl-chip, .rl-probe-take");
  if (!button) return;
  stop(chips(), button);
  const { query, document: text } = button.dataset;
  window.rerankLens.chosen = [query, text];
  window.rerankLens.link.put({ Query: query, Document: text, "Edited words": "" });
  trigger("select");
});
element.addEventListener("keydown", (event) => step(event, chips()));
