// What the server wrote as `[file name, type, text]`, saved by the browser; a PNG came as SVG.
window.rerankLens.save = (() => {
  const drawn = async (svg) => {
    const picture = new Image();
    picture.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    URL.revokeObjectURL(picture.src);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  };
  return async ([name, type, text]) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(type === "image/png" ? await drawn(text) : new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
})();
