// Tab "Compare": rows open, A and B are picked, words are dropped, query words light up their partners.
const dropped = () =>
  Object.fromEntries(
    [...element.querySelectorAll(".rl-panel")].map((panel) => [
      panel.dataset.which,
      [...panel.querySelectorAll('[aria-pressed="true"]')].map((word) => Number(word.dataset.i)),
    ]),
  );
const readOut = (word) => {
  const panel = word.closest(".rl-panel");
  panel.querySelector(".rl-readout").textContent = `“${word.textContent}” ${word.dataset.v}`;
};
const light = (link) => {
  const all = link.closest(".rl-meet");
  all.querySelectorAll(".rl-link").forEach((other) => other.setAttribute("aria-pressed", other === link));
  const cells = JSON.parse(link.dataset.cells); // [kind, alpha, label, readout] a document word
  const partners = [...all.querySelectorAll(".rl-partner")];
  partners.forEach((word, j) => {
    const [kind, alpha] = cells[j];
    word.className = `rl-w rl-partner${kind ? ` rl-${kind}` : ""}`;
    word.style.setProperty("--a", alpha);
  });
  const told = cells
    .map((cell, j) => ({ text: partners[j].textContent, kind: cell[0], alpha: Number(cell[1]), value: cell[2] }))
    .filter((one) => one.kind)
    .sort((a, b) => b.alpha - a.alpha)
    .slice(0, 4)
    .map((one) => `“${one.text}” ${one.value}`);
  all.querySelector(".rl-readout").textContent = `“${link.textContent}” with ${told.join(", ") || "nothing"}`;
};
// One stop for the Tab key in a group of buttons; arrow keys go from one to the next.
const step = (event, group, selector, then) => {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const all = [...group.querySelectorAll(selector)];
  const next = all[all.indexOf(event.target) + by];
  if (!by || !next) return;
  event.preventDefault();
  all.forEach((one) => (one.tabIndex = one === next ? 0 : -1));
  next.focus();
  then(next);
};
element.addEventListener("click", (event) => {
  const pick = event.target.closest(".rl-pick");
  const word = event.target.closest(".rl-drop button");
  const link = event.target.closest(".rl-link");
  const row = event.target.closest(".rl-rank-row");
  if (pick) {
    window.rerankLists.clicked = { place: row.dataset.place, which: pick.dataset.as };
    trigger("select");
  } else if (word) {
    word.setAttribute("aria-pressed", word.getAttribute("aria-pressed") !== "true");
    word.closest(".rl-drop").querySelectorAll("button").forEach((one) => (one.tabIndex = one === word ? 0 : -1));
    window.rerankLists.dropped = dropped();
    trigger("select");
  } else if (link) light(link);
  else if (row && !String(getSelection())) trigger("click", { place: Number(row.dataset.place) });
});
element.addEventListener("pointerover", (event) => {
  const word = event.target.closest?.(".rl-drop button");
  const link = event.target.closest?.(".rl-link");
  if (word) readOut(word);
  if (link) light(link);
});
element.addEventListener("focusin", (event) => {
  if (event.target.matches?.(".rl-drop button")) readOut(event.target);
  if (event.target.matches?.(".rl-link")) light(event.target);
});
element.addEventListener("keydown", (event) => {
  const drop = event.target.closest?.(".rl-drop");
  const query = event.target.closest?.(".rl-link-query");
  if (drop) step(event, drop, "button", readOut);
  if (query) step(event, query, ".rl-link", light);
});
