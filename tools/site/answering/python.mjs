// The page's side of Python: starts a worker once, and ends it when it takes too long.

const WORKER = new URL("worker.mjs", import.meta.url);

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

const trouble = (head, ...lines) => ({ kind: "trouble", head, lines, printed: "" });

// A Python of its own. The worker with this name loads what its name calls for; seconds is how long it may take over a
// question, if there is a limit.
export function python(name, seconds) {
  let worker;
  let starting;
  let asked; // what is being worked on: at most one thing
  let told = () => {}; // who hears how the loading goes

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

  function heard({ data }) {
    if (data.loaded !== undefined) told(data.loaded);
    else if (data.starting) told(1);
    else if (data.begun && seconds) {
      asked.clock = setTimeout(() => {
        const loop = `Not done after ${seconds} seconds: is there a loop without an end?`;
        stop(trouble(loop, "Python was ended and starts anew."));
        start();
      }, 1000 * seconds);
    } else if (data.reply) end(JSON.parse(data.reply));
    else if (data.broken) {
      stop(trouble("Python broke down over it, and starts anew.", data.broken));
      start();
    }
  }

  function start(tell = told) {
    told = tell;
    starting ??= (async () => {
      await keep();
      worker = new Worker(WORKER, { type: "module", name });
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
  async function ask(question) {
    await start();
    return new Promise((resolve) => {
      asked = { resolve };
      worker.postMessage(JSON.stringify(question));
    });
  }

  const busy = () => asked !== undefined;

  // The reader has waited long enough.
  function interrupt() {
    stop({ ...trouble("Stopped.", "Python was ended and starts anew."), kind: "stopped" });
    start();
  }

  return { start, ask, busy, interrupt };
}
