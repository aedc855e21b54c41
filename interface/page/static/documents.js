// The documents of the Compare tab as boxes: how many are in sight, one more, one less. What is pasted as one list is read by
// the server alone (attribution/batch/pasted.py). All take and give values of components; `layout` is [form, boxes in sight].
window.rerankLens.documents = (() => {
  const filled = (of, texts) => Array.from({ length: of.most }, (_, i) => texts[i] ?? "");
  const settle = (of, mode, ...boxes) => [[mode, Math.max(of.least, boxes.findLastIndex((text) => text.trim()) + 1)]];
  const add = (of, [mode, n]) => [[mode, Math.min(of.most, n + 1)]];
  const remove = (of, i, [mode, n], ...boxes) => [
    [mode, Math.max(of.least, n - 1)],
    ...filled(of, boxes.filter((_, j) => j !== i)),
  ];
  return { settle, add, remove };
})();
