// The believed card's document: a click drops a word, letters replace it, Escape puts all back. Its score comes from the server.
const EDITABLE = '.rl-card:has(.rl-badge-verdict) [data-side="document"] .rl-text, .rl-zoom';
const edits = new Map(); // a word's key -> what stands there now, "" where it was dropped
let hero; // the card whose words they are
const copies = (key) => [...all.querySelectorAll(`:is(${EDITABLE}) [data-w="${CSS.escape(key)}"]`)];
const holds = (says) => {
  const of = JSON.parse(says.dataset.edits);
  return Object.keys(of).length === edits.size && [...edits].every(([key, text]) => of[key] === text);
};
const drawEdits = () => {
  all.querySelectorAll(`:is(${EDITABLE}) [data-w]`).forEach((word) => {
    const now = edits.get(word.dataset.w);
    word.classList.toggle("rl-dropped", now !== undefined);
    if (now) word.dataset.now = now;
    else delete word.dataset.now;
  });
  all.querySelectorAll(".rl-sentence").forEach((sentence) => {
    const gone = keysOf(sentence).every((key) => edits.get(key) === "");
    sentence.querySelector("button.rl-sentence-text")?.setAttribute("aria-pressed", gone);
  });
  const says = all.querySelector(".rl-edit-says");
  if (!says) return;
  says.hidden = !edits.size;
  says.classList.toggle("rl-waiting", !holds(says));
};
const edit = (keys, text) => {
  keys.forEach((key) => (text === undefined ? edits.delete(key) : edits.set(key, text)));
  const slider = hero.querySelector(".rl-remove input");
  if (slider && slider.value !== "0") {
    slider.value = 0;
    remove(slider);
  }
  drawEdits();
  window.rerankEdits = { method: hero.dataset.method, words: Object.fromEntries(edits) };
  if (edits.size) trigger("select");
};
const putBack = () => edit([...edits.keys()]);
const toggle = (key) => edit([key], edits.has(key) ? undefined : "");
// A small input in the word's place: Enter and leaving it apply, Escape does not.
const replace = (word, typed) => {
  const text = word.closest(".rl-text");
  const input = document.createElement("input");
  let open = true;
  const close = (apply, back) => {
    if (!open) return;
    open = false;
    const value = input.value.trim();
    input.remove();
    word.hidden = false;
    if (back) text.focus({ preventScroll: true });
    if (apply && (value || back)) edit([word.dataset.w], value === word.textContent ? undefined : value);
  };
  input.className = "rl-replace";
  input.dir = "auto";
  input.maxLength = 200;
  input.size = Math.max(6, word.textContent.length);
  input.value = typed;
  input.setAttribute("aria-label", `In place of “${word.textContent}”`);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter", true);
  });
  input.addEventListener("blur", () => close(true, false));
  word.hidden = true;
  word.after(input);
  input.focus();
};
all.addEventListener("click", (event) => {
  const word = event.target.closest?.(`:is(${EDITABLE}) [data-w]`);
  const other = event.target.closest?.(".rl-put-other");
  if (word && !String(getSelection())) toggle(word.dataset.w);
  if (event.target.closest?.(".rl-put-back")) putBack();
  if (event.target.closest?.(".rl-to-key")) document.querySelector('a[href="#key"]').click();
  if (other) replace(copies(other.dataset.word)[0], "");
});
all.addEventListener("keydown", (event) => {
  const text = event.target.closest?.(EDITABLE);
  const word = text?.querySelector(".rl-same");
  if (event.key === "Escape" && edits.size) putBack();
  else if (word && ["Enter", "Delete", "Backspace"].includes(event.key)) toggle(word.dataset.w);
  else if (word && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) replace(word, event.key);
  else return;
  event.preventDefault();
});
// The slider takes away words of the text as it was.
all.addEventListener("input", (event) => {
  if (event.target.closest?.(".rl-remove") && edits.size) {
    edits.clear();
    drawEdits();
  }
});
// A new result has words of its own.
const meet = () => {
  const now = all.querySelector(".rl-card:has(.rl-badge-verdict)");
  if (now !== hero) {
    hero = now;
    edits.clear();
    all.querySelectorAll(".rl-zoom").forEach((zoom) => zoom.remove());
    const text = hero?.querySelector(EDITABLE);
    text?.setAttribute("aria-label", `${text.getAttribute("aria-label")}; Enter drops a word, letters replace it, Escape puts all back`);
  }
  drawEdits();
};
new MutationObserver(meet).observe(all, { childList: true, subtree: true });
queueMicrotask(meet); // the rest of this script is read by then
