const QUOTED = 60; // characters of a word, as in the sentences
const short = ([...word]) => (word.length > QUOTED ? `${word.slice(0, QUOTED - 1).join("")}…` : word.join(""));
// Hover, tap or arrow keys: mark a cell of a heat map and read out its row, column and number.
const say = (cell) => {
  if (cell.classList.contains("rl-same")) return;
  const map = cell.closest(".rl-in-map");
  map.querySelectorAll(".rl-same").forEach((other) => other.classList.remove("rl-same"));
  cell.classList.add("rl-same");
  const [row, column] = [cell.parentElement.querySelector("th"), map.querySelector("thead tr").children[cell.cellIndex]].map(
    (name) => quote(short(name.textContent)),
  );
  map.querySelector(".rl-in-readout").replaceChildren("“", row, "”, ", column, `: ${cell.dataset.v}`);
};
const sayTarget = (event) => {
  const cell = event.target.closest?.("td[data-v]");
  if (cell) say(cell);
};
element.addEventListener("pointermove", sayTarget);
element.addEventListener("click", sayTarget);
element.addEventListener("keydown", (event) => {
  const box = event.target.closest?.(".rl-in-box");
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  if (!box || !step) return;
  event.preventDefault();
  const body = box.querySelector("tbody");
  const now = body.querySelector(".rl-same");
  const next = now
    ? body.rows[now.parentElement.sectionRowIndex + step[0]]?.cells[now.cellIndex + step[1]]
    : body.rows[0]?.cells[1];
  if (!next?.dataset.v) return;
  say(next);
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
});
