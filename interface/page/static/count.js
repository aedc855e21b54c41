// The pair's length, without sending it: about how many tokens, until there is a result of this very pair, which knows.
Object.assign(window.rerankLens, (() => {
  const PIECES = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}]|[\p{L}\p{M}\p{N}]+|\S/gu;
  const LATIN = /^[a-z]+$/i;
  const DIGITS = /^\p{N}+$/u;
  const UNSURE = 1.3; // short texts are up to so many times longer or shorter than they seem
  const place = () => document.querySelector("#count .rl-count");
  const n = (value) => Math.round(value).toLocaleString("en");

  // Vocabularies hold common words whole; long words, numbers and other alphabets come in pieces.
  const pieces = (text) => {
    let sum = 0;
    const longest = Number(place()?.dataset.longest) || Infinity;
    for (const [word] of text.matchAll(PIECES)) {
      const long = word.length;
      sum += long > longest ? 1 : LATIN.test(word) ? 1 + Math.max(0, long - 8) / 4 : DIGITS.test(word) ? 1 + Math.max(0, long - 3) / 3
        : Math.max(1, long / 2.5);
    }
    return sum;
  };
  const words = (text) => (text.match(PIECES) ?? []).length;
  const ends = new Intl.Segmenter(undefined, { granularity: "sentence" });
  const sentences = (text) => [...ends.segment(text)].filter(({ segment }) => segment.trim()).length;
  const size = (_model, query, text) => {
    const template = Number(place()?.dataset.template || 0);
    return [Math.round(pieces(query) + pieces(text) + template), words(query), words(text), sentences(text)];
  };

  // The sentence, and whether it warns.
  const says = (of, [model, query, text]) => {
    for (const [name, side, most] of [["query", query, of.mostQuery], ["document", text, of.mostDocument]]) {
      if ([...side].length > most) {
        return [`The ${name} has ${n([...side].length)} characters; at most ${n(most)} are allowed.`, true];
      }
      if (!side.trim()) return [`The ${name} is empty. Type or paste some text.`, false];
    }
    const known = document.querySelector("#identity [data-rl-identity]")?.dataset;
    if (known?.count && known.model === model && known.query === query && known.document === text) {
      return [known.count, known.over === "true"];
    }
    const [about] = size(model, query, text);
    const limit = Number(of.limit);
    if (!limit) return [`About ${n(about)} tokens; the model's limit is known once it is loaded.`, false];
    if (about * UNSURE < limit) return [`About ${n(about)} of ${n(limit)} tokens; a result has the exact number.`, false];
    if (about < limit * UNSURE) {
      return [`About ${n(about)} tokens, near the limit of ${n(limit)}: the end of the document may be cut.`, true];
    }
    const room = Math.max(0, limit - Number(of.template) - pieces(query)) / pieces(text);
    const whole = [...text].length; // characters as the server counts them
    const read = `about ${n(room * whole)} of the document's ${n(whole)} characters`;
    return [`Over ${n(limit)} tokens, about ${n(about)}: the model will read ${read}.`, true];
  };
  const count = (boxes) => {
    const line = place();
    if (!line) return;
    const [text, warns] = says(line.dataset, boxes);
    if (!window.rerankLens.say(line, text)) return;
    line.classList.toggle("rl-count-over", warns);
    line.toggleAttribute("role", warns);
    if (warns) line.setAttribute("role", "status");
  };
  return { size, count };
})());
