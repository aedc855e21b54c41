// Example chips are one stop for the Tab key; arrow keys go from chip to chip, Enter or a click chooses.
const chips = () => [...element.querySelectorAll(".rl-chip")];
const stop = (chip) => chips().forEach((other) => (other.tabIndex = other === chip ? 0 : -1));
element.addEventListener("click", (event) => {
  const chip = event.target.closest(".rl-chip");
  if (!chip) return;
  stop(chip);
  window.rerankLens.chosen = [chip.dataset.query, chip.dataset.document];
  trigger("select");
});
element.addEventListener("keydown", (event) => {
  const all = chips();
  const now = all.indexOf(event.target.closest(".rl-chip"));
  const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1 }[event.key];
  if (now < 0 || !all[to]) return;
  event.preventDefault();
  stop(all[to]);
  all[to].focus();
});
