// A text file that is dropped on a box fills it, and Back takes it back; anywhere else a browser would leave the page for the file.
(() => {
  const MOST = 500_000; // bytes
  const WINDOWS = "windows-1252"; // what a file is that is no UTF-8 and has no mark of its own
  const MARKS = { "255,254": "utf-16le", "254,255": "utf-16be" };
  const decode = (bytes) => {
    const marked = MARKS[bytes.subarray(0, 2).join()];
    if (marked) return new TextDecoder(marked).decode(bytes);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return new TextDecoder(WINDOWS).decode(bytes);
    }
  };
  const fill = async (box, file) => {
    const say = (what) => window.rerankLens.link.hint(`The file “${file.name.slice(0, 80)}” ${what}`, true);
    if (file.size > MOST) return say(`has ${file.size.toLocaleString("en")} bytes; at most ${MOST.toLocaleString("en")} are read here.`);
    let text;
    try {
      text = decode(new Uint8Array(await file.arrayBuffer()));
    } catch {
      return say("could not be read. Is it a folder?");
    }
    if (text.includes("\0")) return say("holds no text. Save it as text or CSV, then drop it again.");
    await window.rerankLens.link.keep();
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  };
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    const box = event.target.closest(".block")?.querySelector("textarea");
    const [file] = event.dataTransfer.files;
    if (box && file) fill(box, file);
  });
})();
