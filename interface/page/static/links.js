// The page's inputs in the address: `#p=1.` + base64url(deflate(JSON)). It never leaves the browser before a start.
window.rerankLens.link = (() => {
  const VERSION = "1";
  // Programs that pass links on encode what stands before the body, once or twice, and hang things on behind it.
  const BEGIN = /^#p(?:=|%(?:25)*3D)/i;
  const LINK = new RegExp(BEGIN.source + "(\\d+)\\.([\\w-]+)", "i");
  const LONGEST = 400_000; // characters of a fragment, and bytes that it may inflate to
  const TOO_LONG = "These texts are too long for a link; download what is on the page instead.";
  const COPIED = "The link is copied.";
  const NOT_COPIED = "The browser did not let the page copy; the link is in the address bar.";
  const TABS = "#tabs button[role=tab]";
  const WERE = [0, 1, 3, 3, 2]; // `t` of older links: Explain, Compare, the lab, Inside, Probes
  let rules; // what each field may hold, in the order of the page's components
  let known = ""; // the address that the page has read, or written; any other is about to be read
  let to; // the tab of the link that was read

  const through = async (bytes, stream, most = Infinity) => {
    const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
    const parts = [];
    let size = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.length;
      if (size > most) throw new Error("too long");
      parts.push(part.value);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  };
  const encode = async (state) => {
    const bytes = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate-raw"));
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return `#p=${VERSION}.${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  };
  const decode = async (hash) => {
    const [, version, body] = LINK.exec(hash) ?? [];
    if (hash.length > LONGEST || version !== VERSION) throw new Error("not a link of ours");
    const text = atob(body.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const json = await through(bytes, new DecompressionStream("deflate-raw"), LONGEST);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  };

  // A field is a text, of any length since its box says what is too long, one of a list, texts, or a number in a range.
  const fits = (value, rule) => {
    if (rule.text) return typeof value === "string";
    if (rule.one) return rule.one.includes(value);
    if (rule.texts) return Array.isArray(value) && value.length <= rule.texts && value.every((item) => typeof item === "string");
    return Number.isInteger(value) && value >= rule.from && value <= rule.to;
  };
  // Or it is some of a list, of which those stay that are on it.
  const isSome = (value, rule) => rule.some && Array.isArray(value);
  const unfit = (value, rule) =>
    isSome(value, rule) ? value.filter((item) => !rule.some.includes(item)) : fits(value, rule) ? [] : [value];
  const taken = (value, rule, own) =>
    isSome(value, rule) ? value.filter((item) => rule.some.includes(item)) : fits(value, rule) ? value : own;
  // What became of a link is said beside each button: one is in sight, and one comes when its tab is first opened.
  let said = "";
  let passes = false; // it is of one address, and goes with it
  const show = () => document.querySelectorAll(".rl-link-says").forEach((place) => window.rerankLens.say(place, said));
  const hint = (text, passing = false) => {
    said = text;
    passes = passing;
    show();
  };
  new MutationObserver(show).observe(document, { childList: true, subtree: true });
  const tabOf = () => [...document.querySelectorAll(TABS)].findIndex((tab) => tab.ariaSelected === "true");

  let waiting;
  let values;
  let initially; // values before any was changed
  let held; // what the address holds: the values, and the tab
  let typed = false; // a text, by hand, since the last start
  let reads = 0; // how often an address was read
  const started = new Set(); // addresses that Back comes to again; all others give way to the next
  // Apart from A and B, which a run chooses too: the address of its start takes them over.
  const asked = (of) => JSON.stringify([of?.tab, of?.v.filter((_, i) => rules?.[i].name !== "A, B and what if")]);
  const write = async (start = false) => {
    values ??= initially;
    if (!values) return; // the page still loads
    if (start) typed = false;
    const now = { v: values, tab: Math.max(0, tabOf()) };
    const before = reads;
    let hash = await encode(now);
    if (location.hash !== known || reads !== before) return; // another address has been read meanwhile
    const same = started.has(location.hash) && asked(now) === asked(held);
    held = now;
    const long = hash.length > LONGEST || new Blob([JSON.stringify(values)]).size + 100 > LONGEST;
    if (long) hash = location.pathname + location.search; // a link that could not be opened is none
    if (start || same) started.add(hash);
    if (hash === location.hash) return;
    if (long || passes) hint(long ? TOO_LONG : "", long);
    history[started.has(location.hash) && !same ? "pushState" : "replaceState"](null, "", hash);
    known = location.hash;
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("#explain, #compare-start, .rl-again")) setTimeout(write, 0, true); // the tab has opened by then
    const tab = event.target.closest(TABS);
    if (tab) setTimeout(write, 100, tab.id !== "explain-tab-button"); // opening any other is a start
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && event.target.closest("#query, #compare-query")) setTimeout(write, 0, true);
  }, true);
  const follow = (...now) => {
    values = now;
    clearTimeout(waiting);
    waiting = setTimeout(write, 400);
  };
  // Gradio tells of no change while the server is away, and loads the page anew once it is back: what is typed meanwhile.
  document.addEventListener("input", ({ target }) => {
    typed ||= target.localName === "textarea";
    const at = rules?.findIndex((rule) => rule.text && target.closest(rule.text)) ?? -1;
    if (at >= 0) follow(...(values ?? initially).with(at, target.value));
  });

  const nameOf = (rule) => rule.name.split(",")[0]; // "Documents, 2 to 20"
  // What was typed and never started is come back to, once it is replaced.
  const keep = async () => typed && write(true);
  // What a click chose is in the address at once: Gradio fills the boxes a moment later, and F5 may come before that.
  const put = (chosen, find = "findIndex") => {
    if (!rules) return; // the page still loads
    const kept = keep();
    values = [...(values ?? initially)];
    Object.entries(chosen).forEach(([name, value]) => (values[rules[find]((rule) => nameOf(rule) === name)] = value));
    kept.then(() => write());
  };

  const has = (name) => rules.some((rule) => nameOf(rule) === name);
  // What of a link cannot be here, by name: the model that it asks for may be known elsewhere.
  const called = (name, value) => (["string", "number"].includes(typeof value) ? `${name} “${String(value).slice(0, 80)}”` : name);
  const without = (missing) => {
    const others = missing.length > 5 ? `; and ${missing.length - 5} more` : "";
    const instead = missing[0].startsWith("Model") ? " The model in the box runs instead." : "";
    return `Filled from a link, except for what this page does not have: ${missing.slice(0, 5).join("; ")}${others}.${instead}`;
  };

  // A link that another program wrote has some fields by name, see compare_link in attribution/views/page.py.
  const byName = (named, defaults) =>
    rules.map((rule, i) => {
      const name = nameOf(rule);
      return Object.hasOwn(named, name) ? named[name] : defaults[i];
    });

  // What the address says, checked field by field; the page's own values where it says nothing or nonsense.
  const read = async (given, ...defaults) => {
    rules = given;
    initially = defaults;
    to = held = undefined;
    const { hash } = location;
    try {
      if (!BEGIN.test(hash)) return defaults;
      const state = await decode(hash);
      const read = Array.isArray(state.v) ? state.v : byName(state.v, defaults);
      const missing = rules.flatMap((rule, i) => (i < read.length ? unfit(read[i], rule).map((value) => called(rule.name, value)) : []));
      const more = Array.isArray(state.v) ? read.slice(rules.length) : Object.keys(state.v).filter((name) => !has(name));
      if (more.length) missing.push(`${more.length} of the settings of another version`);
      const tabs = document.querySelectorAll(TABS);
      const tab = state.tab ?? WERE[state.t];
      to = Number.isInteger(tab) && tabs[tab] ? tab : 0;
      if (to !== (tab ?? 0)) missing.push("the tab that it opens");
      hint(missing.length ? without(missing) : "Filled from a link.");
      values = rules.map((rule, i) => taken(read[i], rule, defaults[i])); // at once: `open` writes an address
      held = { v: values, tab: to };
      return values;
    } catch {
      hint("The link could not be read; this is the page as it opens. Ask for the link again.");
      return defaults;
    } finally {
      reads += 1;
      if (location.hash === hash) known = hash;
    }
  };

  // What a link holds runs by itself, on its tab; Explain asks before a long run, as it does for a click.
  const open = () => {
    const tab = document.querySelectorAll(TABS)[to];
    if (!tab) return [];
    const opened = tab.ariaSelected === "true";
    const compare = tab.id === "compare-tab-button";
    if (compare) window.rerankLens.documents.open(true, opened);
    if (!opened) tab.click(); // which starts all but Explain
    if (to === 0 || (opened && !compare)) window.rerankLens.start();
    window.rerankEdits.ask();
    return [];
  };

  const copy = async (base, ...now) => {
    values = now;
    await write();
    const link = base + location.hash;
    if (!location.hash) return hint(TOO_LONG, true);
    try {
      await navigator.clipboard.writeText(link);
      hint(COPIED, true);
    } catch {
      hint(NOT_COPIED, true);
    }
  };

  // Back, Forward or another link typed into the address bar: the page as that address has it.
  window.addEventListener("hashchange", () => {
    if (location.hash !== known) document.querySelector("#read-link")?.click();
  });
  return { read, follow, keep, put, copy, hint, encode, decode, open };
})();
