// Example lists fill the boxes in the order of the clicks; results of another list than the boxes are marked.
const chips = () => [...element.querySelectorAll(".rl-chip")];
window.rerankLists = {
  chosen: [],
  // The places of A and B after a click on one of them, from those before it, which may not be drawn yet.
  pick: (picked) => {
    const drawn = ["A", "B"].map((which) => document.querySelector(`#compare-rows .rl-rank-${which}`)?.dataset.place);
    const stale = document.querySelector("#compare-result").hasAttribute("data-rl-stale");
    const [a, b] = picked && !stale ? JSON.parse(picked).slice(0, 2).map(String) : drawn;
    const { place, which } = window.rerankLists.clicked;
    const now = which === "A" ? [place, b] : [a, place];
    return JSON.stringify([...(now[0] === now[1] ? [b, a] : now).map(Number), {}]);
  },
};
const follow = () => {
  const { documents } = window.rerankLens;
  documents.mark();
  const now = documents.now();
  const chip = now && chips().find((one) => one.dataset.query === now.query && one.dataset.text === now.text);
  const pressed = chips().find((one) => one.getAttribute("aria-pressed") === "true");
  if (!now || chip === pressed) return;
  chips().forEach((other) => other.setAttribute("aria-pressed", other === chip));
  stop(chips(), chip ?? chips()[0]);
  const why = element.querySelector(".rl-why");
  why.textContent = chip ? chip.dataset.reason : why.dataset.own;
};
new MutationObserver(follow).observe(document, { childList: true, subtree: true });
element.addEventListener("click", (event) => {
  const chip = event.target.closest(".rl-chip");
  if (!chip) return;
  const { query, mode, text } = chip.dataset;
  window.rerankLists.chosen = [query, mode, text];
  window.rerankLens.link.put({ Query: query, "Documents as": mode, Documents: text, A: "" }, "findLastIndex"); // A: "A, B and what if"
  trigger("select");
});
element.addEventListener("keydown", (event) => step(event, chips()));
