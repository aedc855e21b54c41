// The page's shell: which example is in the boxes, which results are of another pair than the boxes, keys, focus.
window.rerankLens = (() => {
  const find = (selector) => document.querySelector(selector);
  let boxes; // [model, query, document], as Gradio last told
  let settings; // the methods, in order, and the options, as text

  // A result is of another text (""), by another model ("model"), of other settings ("settings"), or as the page has it (null).
  const stale = (result, of) =>
    of === null ? result.removeAttribute("data-rl-stale") : result.setAttribute("data-rl-stale", of);

  // What a place says; whether that is new. What it said is remembered, since a browser that translates the page changes its text.
  const say = (place, text) => {
    const isNew = (place.dataset.says ?? place.textContent) !== text;
    place.dataset.says = text;
    if (isNew) place.textContent = text;
    return isNew;
  };

  // Results carry the pair they are of; mark those of another pair, and the example whose text is in the boxes.
  const mark = () => {
    if (!boxes) return;
    const [model, query, document_] = boxes;
    window.rerankLens.count(boxes);
    document.querySelectorAll("[data-rl-identity]").forEach((identity) => {
      const of = identity.dataset;
      const text = of.query !== query || of.document !== document_ ? "" : null;
      const other = of.settings && settings && JSON.stringify(JSON.parse(of.settings)) !== settings ? "settings" : null;
      stale(identity.closest(".rl-result"), text ?? (of.model !== model ? "model" : other));
    });
    const chips = [...document.querySelectorAll("#examples .rl-chip")];
    const chosen = chips.find(({ dataset }) => dataset.query === query && dataset.document === document_);
    chips.forEach((chip) => chip.setAttribute("aria-pressed", chip === chosen));
    const why = find("#rl-why");
    const says = chosen ? chosen.dataset.reason : why?.dataset.own;
    if (why) say(why, says);
  };

  // While an input method composes, as for Chinese, its keys are its own: Enter takes a word, and Safari's has just taken one.
  const composes = (event) => (event.isComposing || event.keyCode === 229) && event.stopImmediatePropagation();
  addEventListener("keydown", composes, true);

  // A start opens the Explain tab at once, so a tab that is chosen after it stays; then the score is in view.
  const open = () => {
    const tab = find("#explain-tab-button");
    if (tab?.getAttribute("aria-selected") === "false") tab.click();
  };
  const reveal = () => {
    const score = find("#score");
    const box = score?.getBoundingClientRect();
    if (!box || (box.top >= 0 && Math.min(box.bottom, box.top + 160) <= innerHeight)) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    find("#tabs").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  };

  // A start runs what the open tab shows: the lab, Inside and the probes have a button of their own.
  const own = () => [...document.querySelectorAll(".rl-again")].find((button) => button.closest(".rl-result")?.getClientRects().length);
  const start = () => (own() ?? find("#explain")).click();
  document.addEventListener(
    "keydown",
    (event) => {
      const both = event.ctrlKey || event.metaKey;
      if (event.key !== "Enter" || event.shiftKey || !event.target.closest(both ? "#query, #document" : "#query")) return;
      if (!both && !own()) return open(); // Gradio's own Enter explains
      event.preventDefault();
      event.stopPropagation();
      start();
    },
    true,
  );
  // The list of methods closes by Escape, with the focus back on its button, and by a click anywhere else.
  const opener = () => find("#settings > button");
  const close = () => opener()?.classList.contains("open") && (opener().click(), true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && close()) opener().focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#settings, [role=listbox], .options")) close();
  });
  document.addEventListener("click", (event) => event.target.closest("#explain") && open(), true);
  // Gradio opens a menu's list for the Tab key too, which leaves its box, and goes past the list, which is about to vanish.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Tab" || !event.target.matches("input[role=combobox]")) return;
      event.stopPropagation();
      event.target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
      document.querySelectorAll("[role=listbox]").forEach((list) => (list.tabIndex = -1));
    },
    true,
  );
  // Arrow keys, Home and End go from tab to tab; Enter opens one, since opening runs it.
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest("#tabs [role=tab]");
    const all = tab ? [...tab.parentElement.querySelectorAll("[role=tab]")] : [];
    const at = all.indexOf(tab);
    const next = all[{ ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key]];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  // A button that vanishes, since what it was for is over, hands its focus on.
  const inSight = (one) => one.checkVisibility({ visibilityProperty: true });
  let held; // such a button, while it has the focus
  document.addEventListener("focusin", ({ target }) => {
    held = target.closest("#stop, #compare-stop, .rl-again, .rl-remove-document");
  });
  const handOn = () => {
    if (!held || inSight(held) || ![held, document.body].includes(document.activeElement)) return;
    const heirs = ["#explain", "#compare-start", "#tabs [role=tab][aria-selected=true]"].map(find);
    heirs.find((one) => one && inSight(one))?.focus({ preventScroll: true });
  };
  document.addEventListener("focusout", () => setTimeout(handOn)); // where it fades before it is out of sight
  // The title line's link opens the key; the address stays, a link to this page is kept in it.
  document.addEventListener("click", (event) => {
    if (!event.target.closest('a[href="#key"]')) return;
    event.preventDefault();
    const key = find("#key > button");
    if (!key.classList.contains("open")) key.click();
    key.focus({ preventScroll: true });
    find("#key").scrollIntoView({ block: "start" });
  });
  const ready = () => {
    document.querySelectorAll("footer img").forEach((icon) => (icon.alt = "")); // the text beside it says the same
    document.querySelectorAll("#query textarea, #document textarea").forEach((box) => {
      if (box.dir !== "auto") box.dir = "auto";
    });
    opener()?.setAttribute("aria-expanded", opener().classList.contains("open"));
  };
  // What Stop may end: an answer may overtake a newer one, so the highest number holds.
  let newest = 0;
  const offer = () => {
    const [number, ...stops] = (find("#offered .prose")?.textContent ?? "").trim().split(" ");
    if (Number(number) <= newest) return;
    newest = Number(number);
    document.body.dataset.rlStops = stops.join(" ");
    handOn();
  };
  new MutationObserver(offer).observe(document, { childList: true, characterData: true, subtree: true });
  new MutationObserver(() => {
    ready();
    mark();
    handOn();
  }).observe(document, { childList: true, subtree: true, attributeFilter: ["class", "dir"] });

  return {
    chosen: [],
    changed: (...now) => {
      boxes = now.map((text) => (text ?? "").replaceAll("\0", "\ufffd")); // as a result has it: HTML holds no NUL
      mark();
      return [window.rerankLens.size(...now)];
    },
    set: (...now) => {
      settings = JSON.stringify([now.filter(Array.isArray).flat().sort(), ...now.filter((one) => !Array.isArray(one))]);
      mark();
      return [];
    },
    say,
    stale,
    reveal,
    start,
  };
})();
