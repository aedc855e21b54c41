// A click on an example, or on an edited text of a probe, puts it into the boxes, by the `select` event.
const chips = () => [...element.querySelectorAll(".rl-chip")];
element.addEventListener("click", (event) => {
  const button = event.target.closest(".rl-chip, .rl-probe-take");
  if (!button) return;
  stop(chips(), button);
  const texts = [button.dataset.query, button.dataset.document];
  window.rerankLens.chosen = texts;
  window.rerankLens.link.put(...texts);
  trigger("select");
});
element.addEventListener("keydown", (event) => step(event, chips()));
