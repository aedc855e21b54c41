// Gradio's server closes the page's stream of answers once it has sent all of them. A start may have joined the queue in
// the meantime; Gradio's client closes the stream all the same, and that start's answer never comes. Here the stream is
// opened again while an answer is awaited.
(() => {
  const asked = window.fetch;
  const CLOSE = 'data: {"msg":"close_stream"}\n\n';
  const answered = new Set();
  const joined = new Set(); // events, and requests to join that are on their way
  const waits = () => [...joined].some((event) => !answered.has(event));

  const join = async (...request) => {
    joined.add(request);
    try {
      const answer = await asked(...request);
      if (answer.ok) joined.add((await answer.clone().json()).event_id);
      return answer;
    } finally {
      joined.delete(request);
    }
  };
  // Each message, and whether the stream is to be followed by another.
  const follow = async (answer, send) => {
    const read = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "", part = await read.read(); !part.done; part = await read.read()) {
      const messages = (rest + part.value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) {
        if (message.startsWith('data: {"msg":"close_stream"')) return waits() || send(CLOSE);
        if (message.startsWith('data: {"msg":"process_completed"')) answered.add(JSON.parse(message.slice(6)).event_id);
        send(`${message}\n\n`);
      }
    }
    return undefined;
  };
  const stream = async (...request) => {
    const first = await asked(...request);
    if (!first.ok) return first;
    const messages = new ReadableStream({
      async start(out) {
        const bytes = new TextEncoder();
        const send = (message) => out.enqueue(bytes.encode(message));
        try {
          for (let answer = first; await follow(answer, send); answer = await asked(...request));
        } catch (error) {
          if (waits()) return out.error(error);
          send(CLOSE); // a connection that broke while nothing was awaited
        }
        return out.close();
      },
    });
    return new Response(messages, { headers: first.headers });
  };
  window.fetch = (...request) => {
    const { pathname } = new URL(request[0].url ?? request[0], location.href);
    const as = { join, data: stream }[/\/gradio_api\/queue\/(join|data)$/.exec(pathname)?.[1]] ?? asked;
    return as(...request);
  };
})();
