// A group of buttons is one stop for the Tab key; arrow keys, Home and End go from one button to another.
const stop = (all, at) => all.forEach((one) => (one.tabIndex = one === at ? 0 : -1));
const step = (event, all) => {
  const at = all.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
  const next = all[to[event.key]];
  if (at < 0 || !next) return;
  event.preventDefault();
  stop(all, next);
  next.focus();
};
// A letter that was typed, no command.
const isTyped = ({ key, ctrlKey, metaKey, altKey }) => key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
