// A click on an edited text puts it into the page's boxes; the tab's `select` event carries it there.
element.addEventListener("click", (event) => {
  const button = event.target.closest?.(".rl-probe-take");
  if (!button) return;
  window.rerankLens.chosen = [button.dataset.query, button.dataset.document];
  trigger("select");
});
