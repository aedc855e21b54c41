// A click on an example, or on an edited text of a probe, puts it into the boxes, by the `select` event.
const chips = () => [...element.querySelectorAll(".rl-chip")];
element.addEventListener("click", (event) => {
  const button = event.target.closest(".rl-chip, .rl-probe-take");
  if (!button) return;
  stop(chips(), button);
  window.rerankLens.chosen = [button.dataset.query, button.dataset.document];
  trigger("select");
});
element.addEventListener("keydown", (event) => step(event, chips()));
