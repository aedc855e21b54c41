// Starts and stops reach the server in the order of the clicks: each is sent once the one before it is answered.
(() => {
  const sent = window.fetch;
  const ORDERED = /^(claim|halt)(_|$)/;
  const LOST_AFTER = 5_000; // ms; an answer that does not come holds up nothing for longer
  let answered = Promise.resolve();

  const named = ({ body }) => {
    const asked = JSON.parse(body).fn_index;
    return window.gradio_config.dependencies.find(({ id }) => id === asked)?.api_name;
  };
  window.fetch = (...request) => {
    const [url, options] = request;
    if (!String(url.url ?? url).includes("/gradio_api/run/predict") || !ORDERED.test(named(options))) return sent(...request);
    const answer = answered.then(() => sent(...request));
    const lost = answered.then(() => new Promise((go) => setTimeout(go, LOST_AFTER)));
    answered = Promise.race([answer.catch(() => {}), lost]);
    return answer;
  };
})();
