// Hover, tap or arrow keys: mark the same word on all cards and read out each card's own number for it.
const words = (text) => [...text.querySelectorAll("[data-w]")];
let marked, focused; // the marked word, the focused text's place: results redraw the cards while one reads them
const mark = (word) => {
  marked = word.dataset.w;
  element.querySelectorAll(".rl-same").forEach((other) => other.classList.remove("rl-same"));
  element.querySelectorAll(`[data-w="${CSS.escape(word.dataset.w)}"]`).forEach((same) => {
    same.classList.add("rl-same");
    const readout = same.closest(".rl-card")?.querySelector(".rl-readout");
    if (readout) readout.textContent = `“${same.textContent}” ${same.dataset.v} (${same.dataset.p} % of the strongest)`;
  });
};
const markTarget = (event) => {
  const word = event.target.closest?.("[data-w]");
  if (word) mark(word);
};
element.addEventListener("pointerover", markTarget);
element.addEventListener("click", markTarget);
element.addEventListener("focusin", (event) => {
  const text = event.target.closest?.(".rl-text");
  focused = [...element.querySelectorAll(".rl-text")].indexOf(text);
  if (text && !text.querySelector(".rl-same") && words(text).length) mark(words(text)[0]);
});
element.addEventListener("keydown", (event) => {
  const text = event.target.closest?.(".rl-text");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!text || !step) return;
  const all = words(text);
  const next = all[all.indexOf(text.querySelector(".rl-same")) + step];
  if (!next) return;
  event.preventDefault();
  mark(next);
  next.scrollIntoView({ block: "nearest" });
});
document.addEventListener("focusin", (event) => {
  if (!element.contains(event.target)) focused = -1;
});
new MutationObserver(() => {
  if (!element.querySelector("[data-w]")) marked = undefined; // another run
  const word = marked && element.querySelector(`[data-w="${CSS.escape(marked)}"]`);
  if (!word || element.querySelector(".rl-same")) return;
  mark(word);
  if (document.activeElement === document.body) element.querySelectorAll(".rl-text")[focused]?.focus();
}).observe(element, { childList: true, subtree: true });
