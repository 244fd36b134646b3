// A log: links to its lines, and while its build goes on new lines and phases as they come. The ids of the stream's
// events are byte offsets: after a cut the browser names the last one, and not a line is lost or shown twice.

const LONGEST = 20000; // lines kept on the page

const WORDS = { done: ["✓", "good"], running: ["◐", "busy"], failed: ["✕", "bad"] };
const PHASES = { health: "Health check", switch: "Switch traffic", retire: "Retire old" };

function watch(log) {
  let isAtEnd = true;
  const toEnd = () => { if (isAtEnd) log.scrollTop = log.scrollHeight; };
  const named = document.getElementById(location.hash.slice(1));
  if (named) named.scrollIntoView({ block: "center" });
  else toEnd();
  log.addEventListener("scroll", () => { isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40; }, { passive: true });
  log.addEventListener("click", (event) => {
    const line = event.target.closest("li");
    if (line && event.offsetX < 56 && event.target === line) location.hash = line.id;
  });
  if (log.dataset.stream) follow(log, toEnd);
}

function follow(log, toEnd) {
  const state = document.getElementById("follow-state");
  const say = (word, look) => { state.textContent = word; state.className = look; };
  let offset = log.dataset.offset;
  let number = log.start + log.children.length - 1;
  let source;
  let patience = 1000; // milliseconds before a refused stream is asked for again; doubled each time

  function append(lines) {
    const fresh = document.createDocumentFragment();
    for (const pieces of lines) {
      const line = document.createElement("li");
      line.id = `L${++number}`;
      for (const [text, look] of pieces) {
        if (!look) { line.append(text); continue; }
        const span = document.createElement("span");
        span.className = look;
        span.textContent = text;
        line.append(span);
      }
      fresh.append(line);
    }
    log.append(fresh);
    while (log.children.length > LONGEST) { log.firstChild.remove(); log.start += 1; }
    toEnd();
  }

  function open() {
    source = new EventSource(`${log.dataset.stream}?offset=${offset}`);
    source.addEventListener("open", () => { patience = 1000; say("Following", "live"); });
    source.addEventListener("log", (event) => {
      if (event.lastEventId) offset = event.lastEventId;
      append(JSON.parse(event.data));
    });
    source.addEventListener("progress", (event) => showProgress(JSON.parse(event.data)));
    source.addEventListener("end", () => { source.close(); finish(say); });
    source.addEventListener("error", () => {
      say("Connection lost, reconnecting", "cut");
      if (source.readyState !== EventSource.CLOSED) return; // the browser itself tries again
      patience = Math.min(patience * 2, 60000);
      setTimeout(() => { reloadIfSignedOut().finally(open); }, patience);
    });
  }
  say("Connecting", "");
  open();
  showElapsed();
  setInterval(showElapsed, 1000);
}

function showProgress({ state, steps }) {
  const list = document.getElementById("build-steps");
  if (!steps.length) return;
  list.replaceChildren(...steps.map((step) => {
    const [icon, tone] = WORDS[step.state] ?? ["○", "idle"];
    const line = document.createElement("li");
    line.className = tone;
    const cells = [icon, PHASES[step.name] ?? step.name[0].toUpperCase() + step.name.slice(1), "…"].map((text) => {
      const cell = document.createElement("span");
      cell.textContent = text;
      return cell;
    });
    cells[0].ariaHidden = "true";
    cells[2].className = "number";
    if (step.ended_at) cells[2].textContent = lasting(Date.parse(step.ended_at) - Date.parse(step.started_at));
    else cells[2].dataset.since = step.started_at;
    line.append(...cells);
    return line;
  }));
  showElapsed();
}

function showElapsed() {
  for (const cell of document.querySelectorAll("[data-since]")) {
    cell.textContent = lasting(Math.max(0, Date.now() - Date.parse(cell.dataset.since)));
  }
}

function lasting(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 60 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** A stream is refused as well when the session ended: then the page leads to the sign-in, and back here. */
async function reloadIfSignedOut() {
  const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
  if (answer?.redirected) location.reload();
}

/** The build ended: take what a reload would show, without losing the place in the log. */
async function finish(say) {
  say("Ended", "over");
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer) { setTimeout(() => finish(say), 1000); return; } // no network just now
  if (!answer.ok || answer.redirected) { location.reload(); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = fresh.title;
  for (const id of ["tab-icon", "build-head", "build-verdict", "build-steps", "build-doors", "follow-state"]) {
    const [old, made] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && made) old.replaceWith(made);
  }
}

watch(document.getElementById("log"));
