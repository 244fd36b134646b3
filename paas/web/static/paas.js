// What the pages can do beyond reading: copy buttons, coloured logs, and a log that grows. Everything works without it.

const COLOURS = new Set(["1", "31", "32", "33", "34", "35", "36", "90"]);

/** Replace the colour codes of a terminal (SGR) in an element's text by spans. Text stays text: nothing is parsed as HTML. */
function colour(element) {
  for (const node of [...element.childNodes]) {
    if (node.nodeType === Node.ELEMENT_NODE) { colour(node); continue; }
    if (!node.data?.includes("\x1b[")) continue;
    let style = "";
    const pieces = document.createDocumentFragment();
    for (const piece of node.data.split(/(\x1b\[[0-9;]*m)/)) {
      const code = /^\x1b\[([0-9;]*)m$/.exec(piece);
      if (code) { style = code[1].split(";").filter((each) => COLOURS.has(each)).map((each) => `c${each}`).join(" "); continue; }
      if (!piece) continue;
      const span = document.createElement("span");
      span.className = style;
      span.textContent = piece;
      pieces.append(span);
    }
    node.replaceWith(pieces);
  }
}

/** Append lines as they come; the browser reconnects by itself and names the last byte it has. */
function follow(log) {
  let atEnd = true;
  let count = log.children.length;
  log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40; });
  const source = new EventSource(`${log.dataset.stream}?offset=${log.dataset.offset}`);
  source.addEventListener("log", (event) => {
    for (const line of JSON.parse(event.data)) {
      const row = document.createElement("span");
      row.className = "row";
      row.id = `L${++count}`;
      row.textContent = `${line}\n`;
      colour(row);
      log.append(row);
    }
    if (atEnd) log.scrollTop = log.scrollHeight;
  });
  source.addEventListener("end", () => { source.close(); location.reload(); });
}

for (const element of document.querySelectorAll("[data-ansi]")) {
  colour(element);
  element.scrollTop = element.scrollHeight;
}
const growing = document.querySelector("[data-stream]");
if (growing) follow(growing);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1200);
});
