// The believed card's document: a click drops a word, letters replace it, Escape puts all back. Its score comes from the server.
const EDITABLE = '.rl-card:has(.rl-badge-verdict) [data-side="document"] .rl-text, .rl-zoom';
const edits = new Map(); // a word's key -> what stands there now, "" where it was dropped
const opened = new Set(); // numbers of the sentences whose words are open
let of; // the texts that both are of, as `textsOf`: of another result than the one that is shown, while a link's is awaited
let hero; // the card whose words they are; Gradio fills the same element with another result
let shown; // its method and texts
let answered; // there was a score of the edited text
const textsOf = (card) => JSON.stringify([...card.querySelectorAll(".rl-text")].map((text) => text.textContent));
const isShown = () => Boolean(hero) && textsOf(hero) === of;
const HOW = "; Enter drops a word, letters replace it, Escape puts all back";
const copies = (key) => [...all.querySelectorAll(`:is(${EDITABLE}) [data-w="${CSS.escape(key)}"]`)];
const holds = (says) => {
  const now = JSON.parse(says.dataset.edits);
  return Object.keys(now).length === edits.size && [...edits].every(([key, text]) => now[key] === text);
};
// The link has what is edited and open; the server scores it.
const tell = (event) => {
  const any = edits.size || opened.size;
  const words = Object.fromEntries(edits);
  window.rerankEdits.now = any ? JSON.stringify({ method: hero.dataset.method, words, open: [...opened] }) : "";
  trigger(event);
};
const drawEdits = () => {
  const isMine = isShown();
  all.toggleAttribute("data-edits", edits.size > 0);
  all.querySelectorAll(".rl-sentence").forEach((sentence, i) => {
    const isOpen = isMine && opened.has(i) && keysOf(sentence).length > 0;
    const open = sentence.querySelector(".rl-zoom");
    if (isOpen && !open) sentence.append(zoom(sentence));
    if (!isOpen) open?.remove();
    sentence.querySelector("button.rl-sentence-open")?.setAttribute("aria-expanded", isOpen);
    const gone = isMine && keysOf(sentence).every((key) => edits.get(key) === "");
    sentence.querySelector("button.rl-sentence-text")?.setAttribute("aria-pressed", gone);
  });
  all.querySelectorAll(`:is(${EDITABLE}) [data-w]`).forEach((word) => {
    const now = isMine ? edits.get(word.dataset.w) : undefined;
    word.classList.toggle("rl-dropped", now !== undefined);
    if (now) word.dataset.now = now;
    else delete word.dataset.now;
  });
  const says = all.querySelector(".rl-edit-says");
  if (answered && !says && isMine && edits.size) tell("select"); // a run of the same text took the line away
  answered = Boolean(says);
  if (!says) return;
  if (!edits.size && says.contains(document.activeElement)) hero.querySelector(EDITABLE)?.focus({ preventScroll: true });
  says.hidden = !edits.size;
  says.classList.toggle("rl-waiting", !holds(says));
};
// Nothing is edited or open of another text than this one's.
const begin = (texts) => {
  if (texts === of) return;
  of = texts;
  edits.clear();
  opened.clear();
};
const edit = (keys, text) => {
  begin(textsOf(hero));
  keys.forEach((key) => (text === undefined ? edits.delete(key) : edits.set(key, text)));
  const slider = hero.querySelector(".rl-remove input");
  if (slider && slider.value !== "0") {
    slider.value = 0;
    remove(slider);
  }
  drawEdits();
  tell(edits.size ? "select" : "input");
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
  // A double click, which selects the word, takes back what its first click did.
  if (word && (event.detail === 2 || !String(getSelection()))) toggle(word.dataset.w);
  if (event.target.closest?.(".rl-put-back")) putBack();
  if (event.target.closest?.(".rl-to-key")) document.querySelector('a[href="#key"]').click();
  if (other) replace(copies(other.dataset.word)[0], "");
});
all.addEventListener("keydown", (event) => {
  const text = event.target.closest?.(EDITABLE);
  const word = text?.querySelector(".rl-same");
  if (event.key === "Escape" && edits.size) putBack();
  else if (word && ["Enter", "Delete", "Backspace"].includes(event.key)) toggle(word.dataset.w);
  else if (word && isTyped(event)) replace(word, event.key);
  else return;
  event.preventDefault();
});
// The slider takes away words of the text as it was.
all.addEventListener("input", (event) => {
  if (!event.target.closest?.(".rl-remove") || !edits.size) return;
  edits.clear();
  drawEdits();
  tell("input");
});
// A new result of the same text keeps what was edited, and is asked for its score; one of another text has words of its own.
const meet = () => {
  hero = all.querySelector(".rl-card:has(.rl-badge-verdict)");
  const before = shown;
  shown = hero && hero.dataset.method + textsOf(hero);
  if (hero && shown !== before) {
    const any = edits.size + opened.size;
    all.querySelectorAll(".rl-zoom").forEach((zoom) => zoom.remove());
    begin(textsOf(hero));
    if (any) tell(edits.size ? "select" : "input");
  }
  const text = hero?.querySelector(EDITABLE);
  if (text && !text.ariaLabel.endsWith(HOW)) text.ariaLabel += HOW;
  drawEdits();
};
// What a link holds of these texts: now, or once their result is there. It may hold anything.
const read = (state) => {
  try {
    const { words, open } = JSON.parse(state);
    Object.entries(words).forEach(([key, text]) => edits.set(key, String(text)));
    open.forEach((i) => opened.add(i));
  } catch {
    edits.clear();
  }
};
const given = (state, ...texts) => {
  begin(JSON.stringify(texts));
  edits.clear();
  opened.clear();
  if (state) read(state);
  drawEdits();
};
// After the start that the link makes, which would withdraw it.
const ask = () => isShown() && edits.size && tell("select");
window.rerankEdits = { now: "", given, ask };
new MutationObserver(meet).observe(all, { childList: true, characterData: true, subtree: true, attributeFilter: ["data-method"] });
queueMicrotask(meet); // the rest of this script is read by then
