// The documents of the Compare tab as one list or one box each, as interface/tabs/compare/documents.py reads and writes them: a
// change from one form to the other is made here, so that no text is sent before a start.
window.rerankLens.documents = (() => {
  const LINE_SPACE = "\\t\\x0b-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"; // Python's
  const BLANK = new RegExp(`^[\\n${LINE_SPACE}]*$`);
  const GAP = new RegExp(`\\n[${LINE_SPACE}]*\\n[\\n${LINE_SPACE}]*`);

  const json = (line) => {
    try {
      const value = JSON.parse(line);
      return value && typeof value === "object" && !Array.isArray(value) ? value : null;
    } catch {
      return null;
    }
  };
  const fromJson = ([line, n]) => {
    const value = json(line);
    if (!value) throw new Error(`Line ${n} is no JSON object, as the first line is. Give every document as one JSON line.`);
    const text = Object.hasOwn(value, "text") ? value.text : value.document;
    if (typeof text === "string") return text;
    const keys = Object.keys(value).join(", ") || "none";
    throw new Error(`Line ${n} has no string under text or document. Its keys: ${keys}.`);
  };
  // The texts of a pasted list, however many.
  const read = (given) => {
    const pasted = given.replaceAll("\r\n", "\n");
    const lines = pasted.split("\n").map((line, i) => [line, i + 1]).filter(([line]) => !BLANK.test(line));
    if (lines.length && json(lines[0][0])) return lines.map(fromJson);
    const whole = pasted.replace(/^\n+|\n+$/g, "");
    return whole.split(GAP.test(whole) ? GAP : "\n").filter((text) => !BLANK.test(text));
  };
  // A list that `read` reads as these texts.
  const write = (given) => {
    const texts = given.filter((text) => !BLANK.test(text));
    const plain = texts.join(texts.some((text) => text.includes("\n")) ? "\n\n" : "\n");
    const first = plain.split("\n").find((line) => !BLANK.test(line)) ?? "";
    if (!json(first) && JSON.stringify(read(plain)) === JSON.stringify(texts)) return plain;
    return texts.map((text) => `{"text": ${JSON.stringify(text)}}`).join("\n");
  };

  // What follows takes and gives lists of values of components; `layout` is [form, boxes in sight].
  const layoutOf = (of, mode, boxes) => [mode, Math.max(of.least, boxes.findLastIndex((text) => !BLANK.test(text)) + 1)];
  const filled = (of, texts) => Array.from({ length: of.most }, (_, i) => texts[i] ?? "");
  const says = (text) => (document.querySelector("#compare-problem p").textContent = text);
  // -> [mode, list, layout, ...boxes]; a list that cannot be read stays a list, to the letter, and that is said.
  const convert = (of, mode, pasted, ...boxes) => {
    says("");
    if (mode === of.list) return [mode, write(boxes), layoutOf(of, mode, boxes), ...boxes];
    try {
      const texts = read(pasted);
      if (texts.length > of.most) throw new Error(`${texts.length} documents were given; there are ${of.most} boxes.`);
      return [mode, pasted, layoutOf(of, mode, texts), ...filled(of, texts)];
    } catch (error) {
      says(error.message);
      return [of.list, pasted, layoutOf(of, of.list, boxes), ...boxes];
    }
  };
  const settle = (of, mode, ...boxes) => [layoutOf(of, mode, boxes)];
  const add = (of, [mode, n]) => [[mode, Math.min(of.most, n + 1)]];
  const remove = (of, i, [mode, n], ...boxes) => [
    [mode, Math.max(of.least, n - 1)],
    ...filled(of, boxes.filter((_, j) => j !== i)),
  ];
  return { read, write, convert, settle, add, remove };
})();
