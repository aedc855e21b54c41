// Example lists fill the boxes in the order of the clicks; results of another list than the boxes are marked.
const chips = () => [...element.querySelectorAll(".rl-chip")];
const mark = () => {
  const identity = document.querySelector("#compare-identity [data-inputs]");
  const result = document.querySelector("#compare-result");
  const now = window.rerankLists.now;
  if (!identity || !result || !now) return;
  const stale = JSON.stringify(JSON.parse(identity.dataset.inputs)) !== JSON.stringify(now);
  if (result.hasAttribute("data-rl-stale") !== stale) result.toggleAttribute("data-rl-stale", stale);
};
const press = (chip) => chips().forEach((other) => {
  other.setAttribute("aria-pressed", other === chip);
  other.tabIndex = other === chip || (!chip && other === chips()[0]) ? 0 : -1;
});
window.rerankLists = {
  chosen: [],
  now: undefined,
  changed: (now) => {
    window.rerankLists.now = now;
    const chip = chips().find((one) => one.dataset.query === now[1] && one.dataset.text === now[3]);
    press(chip);
    element.querySelector(".rl-why").textContent = chip ? chip.dataset.reason : element.querySelector(".rl-why").dataset.own;
    mark();
    return [];
  },
  // "3,1": the places of A and B after a click on one of them, from those before it, which may not be drawn yet.
  pick: (picked) => {
    const drawn = ["A", "B"].map((which) => document.querySelector(`#compare-rows .rl-rank-${which}`)?.dataset.place);
    const stale = document.querySelector("#compare-result").hasAttribute("data-rl-stale");
    const [a, b] = picked && !stale ? picked.split(",") : drawn;
    const { place, which } = window.rerankLists.clicked;
    const now = which === "A" ? [place, b] : [a, place];
    return (now[0] === now[1] ? [b, a] : now).join(",");
  },
};
new MutationObserver(mark).observe(document.querySelector("#compare-result") ?? document.body, {
  childList: true,
  subtree: true,
});
element.addEventListener("click", (event) => {
  const chip = event.target.closest(".rl-chip");
  if (!chip) return;
  window.rerankLists.chosen = [chip.dataset.query, chip.dataset.mode, chip.dataset.text];
  trigger("select");
});
element.addEventListener("keydown", (event) => {
  const all = chips();
  const now = all.indexOf(event.target.closest(".rl-chip"));
  const next = all[now + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0)];
  if (now < 0 || !next || next === all[now]) return;
  event.preventDefault();
  all.forEach((one) => (one.tabIndex = one === next ? 0 : -1));
  next.focus();
});
