// Example lists fill the boxes in the order of the clicks; results of another list than the boxes are marked.
const chips = () => [...element.querySelectorAll(".rl-chip")];
let latest; // A and B after the clicks so far
window.rerankLists = {
  chosen: [],
  clicks: [], // on A or B; Gradio asks for each of them, a moment later, when the next may have come
  // The places of A and B after the clicks, from those before them, which may not be drawn yet.
  pick: (picked) => {
    const drawn = ["A", "B"].map((which) => document.querySelector(`#compare-rows .rl-rank-${which}`)?.dataset.place);
    const stale = document.querySelector("#compare-result").hasAttribute("data-rl-stale");
    const before = picked && !stale ? JSON.parse(picked).slice(0, 2).map(String) : drawn;
    const clicks = window.rerankLists.clicks.splice(0);
    if (clicks.length) latest = clicks.reduce(([a, b], [which, place]) => {
      const now = which === "A" ? [place, b] : [a, place];
      return now[0] === now[1] ? [b, a] : now;
    }, before);
    return JSON.stringify([...latest.map(Number), {}]);
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
