// A document's sentences: a click on a bar opens that sentence's words on a scale of their own, one on the text drops it.
function keysOf(sentence) {
  const [from, to] = sentence.dataset.words.split(" ").map(Number);
  return Array.from({ length: to - from }, (_, i) => `d${from + i}`).filter((key) => hero?.querySelector(`[data-w="${key}"]`));
}
const FULL = 0.62; // as `text.MAX_ALPHA`
const zoom = (sentence) => {
  const words = keysOf(sentence).map((key) => hero.querySelector(`[data-w="${key}"]`));
  const most = Math.max(...words.map((word) => Number(word.dataset.p))) || 1;
  const text = document.createElement("p");
  text.className = "rl-text rl-zoom";
  text.dir = "auto";
  text.tabIndex = 0;
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", `${sentence.querySelector(".rl-sentence-open").getAttribute("aria-label")}; Enter drops a word, letters replace it`);
  for (let node = words[0]; node; node = node === words.at(-1) ? null : node.nextSibling) text.append(node.cloneNode(true));
  text.querySelectorAll("[data-w]").forEach((word) => {
    const strength = Number(word.dataset.p) / most;
    const sign = word.dataset.v[0];
    word.className = `rl-w rl-${sign === "+" ? "raises" : sign === "\u2212" ? "lowers" : "strength"}${strength >= 0.25 ? " rl-strong" : ""}`;
    word.style.setProperty("--a", (FULL * strength).toFixed(2));
    word.dataset.p = Math.round(100 * strength);
  });
  return text;
};
all.addEventListener("click", (event) => {
  const open = event.target.closest?.("button.rl-sentence-open");
  const take = event.target.closest?.("button.rl-sentence-text");
  const sentence = (open ?? take)?.closest(".rl-sentence");
  if (!sentence || !keysOf(sentence).length) return;
  if (take) return edit(keysOf(sentence), take.getAttribute("aria-pressed") === "true" ? undefined : "");
  const number = [...all.querySelectorAll(".rl-sentence")].indexOf(sentence);
  begin(textsOf(hero));
  if (!opened.delete(number)) opened.add(number);
  drawEdits();
  tell("input");
});
all.addEventListener("keydown", (event) => {
  const button = event.target.closest?.(".rl-sentences button");
  if (button) step(event, [...all.querySelectorAll(`button.${button.className}`)]);
});
