// A quoted word: of a direction of its own, and the same where a browser translates the page.
const quote = (text) => Object.assign(document.createElement("bdi"), { translate: false, textContent: text });
