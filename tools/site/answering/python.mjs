// The page's side of Python: starts the worker once, for all exercises of the page, and ends it when it takes too long.

const SECONDS = 10;
const WORKER = new URL("worker.mjs", import.meta.url);

let worker;
let starting;
let asked; // what is being worked on: at most one thing
let told = () => {}; // who hears how the loading goes

// Have the browser keep what is loaded. Where it may not, such as in a private window, it is loaded each time.
async function keep() {
  try {
    const registration = await navigator.serviceWorker.register(new URL("../keeper.js", import.meta.url));
    const installing = registration.installing ?? registration.waiting;
    if (!registration.active && installing)
      await Promise.race([
        new Promise((done) =>
          installing.addEventListener("statechange", () => installing.state === "activated" && done()),
        ),
        new Promise((done) => setTimeout(done, 3000)),
      ]);
  } catch {
    // nothing is kept
  }
}

function end(answer) {
  const waiting = asked;
  asked = undefined;
  clearTimeout(waiting?.clock);
  waiting?.resolve(answer);
}

function stop(answer) {
  worker?.terminate();
  worker = starting = undefined;
  end(answer);
}

const trouble = (head, ...lines) => ({ kind: "trouble", head, lines, printed: "" });
const LOOP = `Not done after ${SECONDS} seconds: is there a loop without an end?`;

function heard({ data }) {
  if (data.loaded !== undefined) told(data.loaded);
  else if (data.starting) told(1);
  else if (data.begun) {
    asked.clock = setTimeout(() => {
      stop(trouble(LOOP, "Python was ended and starts anew."));
      start();
    }, 1000 * SECONDS);
  } else if (data.reply) end(JSON.parse(data.reply));
  else if (data.broken) {
    stop(trouble("Python broke down over it, and starts anew.", data.broken));
    start();
  }
}

export function start(tell = told) {
  told = tell;
  starting ??= (async () => {
    await keep();
    worker = new Worker(WORKER, { type: "module" });
    const its = worker;
    await new Promise((ready, failed) => {
      its.addEventListener("message", (event) => {
        if (event.data.ready) ready();
        if (event.data.failed) failed(new Error(event.data.failed));
        if (its === worker) heard(event);
      });
      its.addEventListener("error", (event) => failed(new Error(event.message || "the worker did not start")));
    });
  })();
  starting.catch(() => (worker = starting = undefined));
  return starting;
}

// Ask Python for something, and resolve to its reply.
export async function ask(question) {
  await start();
  return new Promise((resolve) => {
    asked = { resolve };
    worker.postMessage(JSON.stringify(question));
  });
}

export const busy = () => asked !== undefined;

// The reader has waited long enough.
export function interrupt() {
  stop(trouble("Stopped.", "Python was ended and starts anew."));
  start();
}
