// Hover, tap or arrow keys: mark the same word on all cards; each card reads out its own number, one region announces them.
// `all`: the cards, several components on the page, or this one.
const all = element.closest("#cards") ?? element;
const words = (text) => [...text.querySelectorAll("[data-w]")];
let marked, focused; // the marked word, the element that has the focus: results redraw the cards while one reads them
let again; // what takes the focused element's place
const quoted = (word) => ["“", quote(word.textContent), "” "];
const mark = (word) => {
  if (!word.dataset.w || (marked === word.dataset.w && word.classList.contains("rl-same"))) return;
  marked = word.dataset.w;
  all.querySelectorAll(".rl-same").forEach((other) => other.classList.remove("rl-same"));
  const said = [];
  all.querySelectorAll(`[data-w="${CSS.escape(word.dataset.w)}"]`).forEach((same) => {
    same.classList.add("rl-same");
    const card = same.closest(".rl-card");
    const readout = card?.querySelector(".rl-readout");
    if (!readout) return;
    readout.replaceChildren(...quoted(same), `${same.dataset.v} (${same.dataset.p} % of the strongest)`);
    said.push(`${card.querySelector("h3").textContent} ${same.dataset.v}`);
  });
  all.querySelector(".rl-live")?.replaceChildren(...quoted(word), said.join("; "));
};
// Texts scroll in their boxes to the word, on every card; the page itself stays, or goes to the text that one reads.
const show = (text, word) => {
  mark(word);
  all.querySelectorAll(`[data-w="${CSS.escape(word.dataset.w)}"]`).forEach((same) => {
    const frame = same.closest(".rl-text");
    const [box, at] = [frame.getBoundingClientRect(), same.getBoundingClientRect()];
    if (frame.scrollHeight > frame.clientHeight && (at.top < box.top || at.bottom > box.bottom))
      frame.scrollTop += at.top - box.top - frame.clientHeight / 2;
  });
  word.scrollIntoView({ block: "nearest" });
};
const markTarget = (event) => {
  const word = event.target.closest?.("[data-w]");
  if (word) mark(word);
};
all.addEventListener("pointermove", markTarget);
all.addEventListener("click", (event) => {
  markTarget(event);
  const strip = event.target.closest?.(".rl-strip");
  if (!strip) return;
  const box = strip.getBoundingClientRect();
  const at = ((event.clientY - box.top) / box.height) * 1000;
  const nearest = [...strip.children].sort((a, b) => Math.abs(a.getAttribute("y") - at) - Math.abs(b.getAttribute("y") - at))[0];
  const text = strip.parentElement.querySelector(".rl-text");
  const word = nearest && text.querySelector(`[data-w="${CSS.escape(nearest.dataset.to)}"]`);
  if (word) show(text, word);
});
all.addEventListener("focusin", (event) => {
  const text = event.target.closest?.(".rl-text");
  if (text && !text.querySelector(".rl-same") && words(text).length) mark(words(text)[0]);
});
all.addEventListener("keydown", (event) => {
  const text = event.target.closest?.(".rl-text");
  if (!text) return;
  const onwards = getComputedStyle(text).direction === "rtl" ? -1 : 1;
  const step = { ArrowRight: onwards, ArrowLeft: -onwards, ArrowDown: 1, ArrowUp: -1 }[event.key];
  const every = words(text);
  const end = { Home: every[0], End: every.at(-1) }[event.key];
  if (end) {
    event.preventDefault();
    return show(text, end);
  }
  if (!step) return;
  const strong = event.key === "ArrowDown" || event.key === "ArrowUp"; // to the next strong word
  let next = every.indexOf(text.querySelector(".rl-same")) + step;
  while (strong && every[next] && !every[next].classList.contains("rl-strong")) next += step;
  if (!every[next]) return;
  event.preventDefault();
  show(text, every[next]);
});
// The slider takes the top words away, one share after the other; scores and band are what faithfulness has measured.
const remove = (slider) => {
  const box = slider.closest(".rl-remove");
  const steps = JSON.parse(box.dataset.steps);
  const step = steps[slider.value];
  const card = box.closest(".rl-card");
  card.querySelectorAll("[data-w]").forEach((word) => word.classList.toggle("rl-removed", step.gone.includes(word.dataset.w)));
  const n = step.gone.length;
  const what = n ? `${step.share} of the document, ${n} word${n > 1 ? "s" : ""}` : "none";
  box.querySelector("output").textContent = what;
  slider.setAttribute("aria-valuetext", what);
  const scale = box.querySelector(".rl-remove-scale").style;
  Object.entries({ at: step.at, low: step.band[0], high: step.band[1] }).forEach(([name, at]) => scale.setProperty(`--${name}`, `${at}%`));
  box.querySelector(".rl-remove-says").textContent = n
    ? `The score goes from ${steps[0].logit} to ${step.logit}. With ${n} random word${n > 1 ? "s" : ""} gone it is ${step.low} to ${step.high}.`
    : `The score is ${step.logit}, with every word in place.`;
};
all.addEventListener("input", (event) => event.target.closest?.(".rl-remove") && remove(event.target));
// A compact text shows its strongest part.
const compact = () => all.querySelectorAll(".rl-card:not(.rl-large, :has(.rl-details[open])) .rl-text").forEach((text) => {
  if (text.dataset.placed) return; // once: then it goes where the reader goes
  text.dataset.placed = true;
  const strong = words(text).sort((a, b) => b.dataset.p - a.dataset.p)[0];
  if (strong) text.scrollTop = strong.offsetTop - text.offsetTop - text.clientHeight / 3;
});
compact();
all.addEventListener("toggle", compact, true);
document.addEventListener("focusin", ({ target }) => {
  const like = target.classList[0] ? `.${CSS.escape(target.classList[0])}` : target.localName;
  const place = [...all.querySelectorAll(like)].indexOf(target);
  focused = target;
  again = () => all.querySelectorAll(like)[place];
});
new MutationObserver(() => {
  if (all.querySelector(".rl-large")) compact();
  if (!all.querySelector("[data-w]")) marked = undefined; // another run
  const fresh = marked && all.querySelector(`[data-w="${CSS.escape(marked)}"]:not(.rl-same)`);
  if (fresh) mark(fresh);
  if (focused?.isConnected === false && document.activeElement === document.body) again()?.focus({ preventScroll: true });
}).observe(all, { childList: true, subtree: true });
