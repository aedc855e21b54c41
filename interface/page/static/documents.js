// The documents of the Compare tab: boxes in sight, one more, one less; whether a result is of the list that the boxes hold.
// What is pasted as one list is read by the server alone (attribution/batch/pasted.py). `layout` is [form, boxes in sight].
window.rerankLens.documents = (() => {
  const find = (selector) => document.querySelector(selector);
  const filled = (of, texts) => Array.from({ length: of.most }, (_, i) => texts[i] ?? "");
  const settle = (of, mode, ...boxes) => [[mode, Math.max(of.least, boxes.findLastIndex((text) => text.trim()) + 1)]];
  const add = (of, [mode, n]) => [[mode, Math.min(of.most, n + 1)]];
  const remove = (of, i, [mode, n], names, ...boxes) => [
    [mode, Math.max(of.least, n - 1)],
    names.filter((_, j) => j !== i),
    ...filled(of, boxes.filter((_, j) => j !== i)),
  ];

  let now; // what the boxes and settings hold
  const changed = (model, query, mode, text, names, method, colour, ...boxes) => {
    now = { model, query, mode, text, settings: [method, colour] };
    now.documents = boxes.map((box, i) => [names?.[i], box]).filter(([, box]) => box.trim());
    now.documents = now.documents.map(([name, box], i) => [name || String(i + 1), box]);
    mark();
    return [];
  };
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const shown = () => JSON.parse(find("#compare-identity [data-inputs]")?.dataset.inputs ?? "null");
  const held = ([, , list, documents]) => (now.mode === "one list" ? now.text === list : same(now.documents, documents));
  const mark = () => {
    const of = shown();
    if (!of || !now) return;
    const [model, query, , , ...settings] = of;
    const other = model !== now.model ? "model" : same(settings, now.settings) ? null : "settings";
    window.rerankLens.stale(find("#compare-result"), query === now.query && held(of) ? other : "");
  };

  // A form that is on its way from or to one list is waited for; a start in between is made then.
  let pending = false;
  let wanted = false;
  let linked = false; // a link's what-ifs are taken over by the start that it makes; any other start is of the list alone
  const hold = (event, starts) => {
    if (!pending || !starts) return;
    event.preventDefault();
    event.stopPropagation();
    wanted = true;
  };
  document.addEventListener("change", (event) => (pending ||= Boolean(event.target.closest("#compare-mode"))), true);
  document.addEventListener("click", (event) => hold(event, event.target.closest("#compare-start")), true);
  document.addEventListener(
    "keydown",
    (event) => hold(event, event.key === "Enter" && !event.shiftKey && event.target.closest("#compare-query")),
    true,
  );
  // Another list has no A and B yet. Gradio's own event of a box misses what is pasted into it first.
  const forget = () => {
    const picked = find("#compare-picked textarea");
    picked.value = "";
    picked.dispatchEvent(new Event("input"));
  };
  document.addEventListener("input", (event) => event.target.closest("#compare-documents, #compare-boxes") && forget());
  document.addEventListener("click", (event) => event.target.closest("#compare-boxes .rl-remove-document") && forget());
  const start = () => find("#compare-start")?.click();
  const settled = () => {
    pending = false;
    if (wanted) start();
    wanted = false;
    return [];
  };
  const open = (byLink = false, opened = true) => {
    linked ||= byLink;
    if (opened && (linked || !find("#compare-identity [data-inputs]"))) start();
    return [];
  };
  const alone = (picked) => picked && JSON.stringify([...JSON.parse(picked).slice(0, 2), {}]);
  const asked = (picked, ...given) => {
    const of = shown();
    const another = of && now && !held(of); // whose A and B may come after a list was pasted
    const first = linked ? picked : another ? "" : alone(picked);
    linked = false;
    return [first, ...given];
  };
  return { settle, add, remove, changed, mark, settled, open, asked, now: () => now };
})();
