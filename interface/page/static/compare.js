// Tab "Compare": rows open, A and B are picked, words are dropped, query words light up their partners.
// What is gone or replaced of each text, from what is in sight of it: a sentence, or its words.
const panels = () => [...element.querySelectorAll(".rl-panel")];
const parts = (panel) => [...panel.querySelectorAll(".rl-part")].filter((part) => part.offsetParent);
const buttons = (one) => [...(one.closest(".rl-drop, .rl-link-query")?.querySelectorAll("button") ?? [])];
const isGone = (part) => part.getAttribute("aria-pressed") === "true";
const cuts = () =>
  Object.fromEntries(
    panels().map((panel) => {
      const gone = parts(panel).filter(isGone).map(({ dataset }) => [Number(dataset.start), Number(dataset.end), dataset.put]);
      const front = panel.dataset.front ? [[0, 0, panel.dataset.front]] : [];
      return [panel.dataset.which, [Number(panel.dataset.place), [...front, ...gone]]];
    }),
  );
const sendCuts = () => {
  window.rerankLists.cuts = cuts();
  trigger("select");
};
const readOut = (part) => {
  const panel = part.closest(".rl-panel");
  if (panel.read === part) return;
  panel.read = part;
  panel.querySelector(".rl-readout").replaceChildren("“", quote(part.textContent), `” ${part.dataset.v}`);
};
// A part that is gone may have something in its place: a field below the text, for keyboard, mouse and touch alike.
const offer = (part, text = "") => {
  const panel = part.closest(".rl-panel");
  const field = panel.querySelector(".rl-put");
  const quoted = part.textContent.length > 40 ? `${part.textContent.slice(0, 40)} …` : part.textContent;
  field.hidden = !isGone(part);
  field.querySelector("span").replaceChildren("Instead of “", quote(quoted), "”, then Enter:");
  field.querySelector("input").value = part.dataset.put || text;
  panel.instead = part;
};
const setGone = (part, gone, put = "") => {
  part.setAttribute("aria-pressed", gone);
  part.dataset.put = gone ? put : "";
};
const toggle = (part) => {
  const panel = part.closest(".rl-panel");
  const left = parts(panel).some((other) => other !== part && !isGone(other));
  if (!left && !isGone(part)) {
    panel.querySelector(".rl-readout").textContent = "The last one stays: a text cannot be empty.";
    return;
  }
  setGone(part, !isGone(part));
  offer(part);
  sendCuts();
};
const replace = (input) => {
  const part = input.closest(".rl-panel").instead;
  setGone(part, true, input.value.trim());
  sendCuts();
  part.focus();
};
const putBack = (part) => {
  setGone(part, false);
  offer(part);
  sendCuts();
  part.focus();
};
// A sentence in words: they are gone if it was; and it is gone if all of them were.
const zoom = (button) => {
  const stretch = button.closest(".rl-stretch");
  const opens = !stretch.hasAttribute("data-zoomed");
  const whole = stretch.querySelector(".rl-whole .rl-part");
  const words = [...stretch.querySelectorAll(".rl-inside .rl-part")];
  const before = JSON.stringify(cuts());
  if (opens) words.forEach((word) => setGone(word, isGone(whole)));
  else setGone(whole, words.every(isGone));
  stretch.toggleAttribute("data-zoomed", opens);
  button.setAttribute("aria-expanded", opens);
  if (JSON.stringify(cuts()) !== before) sendCuts();
};
const light = (link) => {
  if (link.getAttribute("aria-pressed") === "true") return;
  const all = link.closest(".rl-meet");
  all.querySelectorAll(".rl-link").forEach((other) => other.setAttribute("aria-pressed", other === link));
  const cells = JSON.parse(link.dataset.cells); // [kind, alpha, label, readout] a document word
  const partners = [...all.querySelectorAll(".rl-partner")];
  partners.forEach((word, j) => {
    const [kind, alpha] = cells[j];
    word.className = `rl-w rl-partner${kind ? ` rl-${kind}` : ""}`;
    word.style.setProperty("--a", alpha);
  });
  const named = cells
    .map((cell, j) => ({ text: partners[j].textContent, kind: cell[0], alpha: Number(cell[1]), value: cell[2] }))
    .filter((one) => one.kind)
    .sort((a, b) => b.alpha - a.alpha)
    .slice(0, 4)
    .flatMap((one, i) => [i ? ", “" : "“", quote(one.text), `” ${one.value}`]);
  all.querySelector(".rl-readout").replaceChildren("“", quote(link.textContent), "” with ", ...(named.length ? named : ["nothing"]));
};
element.addEventListener("click", (event) => {
  const pick = event.target.closest(".rl-pick");
  const part = event.target.closest(".rl-part");
  const zooms = event.target.closest(".rl-zoom");
  const link = event.target.closest(".rl-link");
  const row = event.target.closest(".rl-rank-row");
  if (pick) {
    window.rerankLists.clicks.push([pick.dataset.as, row.dataset.place]);
    trigger("select");
  } else if (part) {
    stop(buttons(part), part);
    toggle(part);
  } else if (zooms) {
    stop(buttons(zooms), zooms);
    zoom(zooms);
  } else if (link) light(link);
  else if (row && !String(getSelection())) trigger("click", { place: Number(row.dataset.place) });
});
element.addEventListener("pointermove", (event) => {
  const part = event.target.closest?.(".rl-part");
  const link = event.target.closest?.(".rl-link");
  if (part) readOut(part);
  if (link) light(link);
});
element.addEventListener("focusin", (event) => {
  if (event.target.matches?.(".rl-part")) readOut(event.target);
  if (event.target.matches?.(".rl-link")) light(event.target);
});
element.addEventListener("keydown", (event) => {
  const part = event.target.closest?.(".rl-part");
  const input = event.target.closest?.(".rl-put input");
  if (input && event.key === "Enter") {
    event.preventDefault(); // else it would press the button that gets the focus
    replace(input);
  }
  if (input && event.key === "Escape") putBack(input.closest(".rl-panel").instead);
  if (part && event.key === "Escape" && isGone(part)) putBack(part);
  if (part && isTyped(event)) {
    event.preventDefault();
    setGone(part, true, part.dataset.put);
    offer(part, event.key);
    const field = part.closest(".rl-panel").querySelector("input");
    field.value = event.key;
    field.focus();
  }
  if (event.target.matches("button")) step(event, buttons(event.target).filter((one) => one.offsetParent));
});
