// What the server refuses to start is said in the status lines; the title line's "API" opens Gradio's own panel.
(() => {
  const here = location.pathname.replace(/\/$/, "");
  const SAYS = {
    401: "You are not logged in any more. Your text stays in the address: reload the page and log in.",
    404:
      `The server was not found under this address, so nothing can start. Behind a proxy with a path of its own, ` +
      `the app has to be started with GRADIO_ROOT_PATH=${here || "/its-path"}.`,
    413: "The texts are too long for one request. Shorten them.",
  };
  const asked = window.fetch;
  window.fetch = async (...request) => {
    const answer = await asked(...request);
    const says = SAYS[answer.status];
    if (says && String(request[0].url ?? request[0]).includes("/gradio_api/"))
      document.querySelectorAll(".rl-status").forEach((line) => (line.textContent = says));
    return answer;
  };

  const VIEW = "?view=api"; // which Gradio itself does not heed
  const isOpen = () => document.querySelector(".api-docs");
  const open = () => {
    if (!isOpen()) document.querySelector("footer .show-api")?.click();
    return isOpen();
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest(`a[href="${VIEW}"]`)) return;
    event.preventDefault();
    open();
  });
  if (location.search !== VIEW) return;
  const waiting = new MutationObserver(() => open() && waiting.disconnect());
  waiting.observe(document, { childList: true, subtree: true });
})();
