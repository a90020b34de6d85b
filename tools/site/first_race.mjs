// The race on the book's first page. tools/site/first_race.py draws it as it ends; here it runs, over the elements of
// that picture, and begins anew wherever its start is put. Nothing can be set but the start. It stands behind the
// playground's modules: race, clamp, fromAddress and titleOf are theirs.

const SECONDS = 4.5;
const EDGE = 0.3; // how near to the picture's edge the start may come
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function liven(host) {
  const { state } = fromAddress(host.dataset.race);
  const near = Number(host.dataset.near);
  const [left, right, low, high] = host.dataset.view.split(" ").map(Number); // what the picture shows of the plane
  const stage = host.querySelector(".race-stage");
  const svg = stage.querySelector("svg");
  const { width, height } = svg.viewBox.baseVal;
  const of = (kind, name) => host.querySelector(`${kind}[data-name="${name}"]`);
  let runs = [];
  let playing = 0;

  const element = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const handle = element("button", { className: "race-handle", type: "button" });
  const button = element("button", { className: "race-button", type: "button" });
  const hint = element("span", { className: "race-hint" });
  const status = element("span", { className: "visually-hidden" });
  hint.textContent = "Drag the ring to start elsewhere.";
  status.setAttribute("role", "status");
  const bar = element("p", { className: "race-bar" });
  bar.append(button, hint, status);
  stage.append(handle);
  stage.after(bar);
  host.classList.add("race-live");

  const toX = (x) => ((x - left) / (right - left)) * width;
  const toY = (y) => ((high - y) / (high - low)) * height;
  // Far outside a path is cut, or a diverging one would be drawn for ever.
  const cut = (v, size) => clamp(v, -size, 2 * size).toFixed(1);

  // The first step from which on a run is near the minimum, or null.
  function arrival({ theta, steps, diverged }) {
    let from = null;
    for (let t = steps; t >= 0 && Math.hypot(theta[2 * t], theta[2 * t + 1]) <= near; t--) from = t;
    return diverged ? null : from;
  }

  // A moment between two steps, for motion without jerks.
  function draw(moment) {
    for (const run of runs) {
      const t = Math.min(moment, run.steps);
      const [whole, part] = [Math.floor(t), t % 1];
      const at = (k) => {
        const [now, then] = [run.theta[2 * whole + k], run.theta[2 * Math.min(whole + 1, run.steps) + k]];
        return now + part * (then - now);
      };
      const points = [];
      for (let k = 0; k <= whole; k++) points.push([run.theta[2 * k], run.theta[2 * k + 1]]);
      points.push([at(0), at(1)]);
      const texts = points.map(([x, y]) => `${cut(toX(x), width)} ${cut(toY(y), height)}`);
      of(".race-path", run.name).setAttribute("d", `M${texts.join("L")}`);
      const [x, y] = [clamp(toX(at(0)), 12, width - 12), clamp(toY(at(1)), 12, height - 12)];
      of(".race-sign", run.name).setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      const here = run.arrived !== null && moment >= run.arrived;
      const ended = moment >= state.steps;
      const result = here ? `${run.arrived} steps` : !ended ? "…" : run.diverged ? "diverged" : "not there yet";
      of(".race-result", run.name).textContent = result;
    }
  }

  function place() {
    runs = race(state);
    for (const run of runs) run.arrived = arrival(run);
    const [x, y] = state.start;
    Object.assign(handle.style, { left: `${(100 * toX(x)) / width}%`, top: `${(100 * toY(y)) / height}%` });
    handle.setAttribute("aria-label", `Start at x ${x}, y ${y}. Arrow keys move it.`);
    const ring = svg.querySelector(".race-start");
    ring.setAttribute("cx", toX(x));
    ring.setAttribute("cy", toY(y));
  }

  function end() {
    cancelAnimationFrame(playing);
    playing = 0;
    draw(state.steps);
    button.textContent = "Start again";
    const order = runs.filter((run) => run.arrived !== null).sort((a, b) => a.arrived - b.arrived);
    const first = order.length ? `First: ${titleOf(order[0].name)}, after ${order[0].arrived} steps.` : "None arrives.";
    status.textContent = first;
  }

  function play() {
    cancelAnimationFrame(playing);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return end();
    let begun;
    const tick = (now) => {
      begun ??= now;
      const moment = ((now - begun) / 1000 / SECONDS) * state.steps;
      if (moment >= state.steps) return end();
      draw(moment);
      playing = requestAnimationFrame(tick);
    };
    status.textContent = "";
    button.textContent = "Start again";
    playing = requestAnimationFrame(tick);
  }

  function startAt(x, y) {
    const inside = (v, least, most) => Number(clamp(v, least + EDGE, most - EDGE).toFixed(2));
    state.start = [inside(x, left, right), inside(y, low, high)];
    place();
    end();
  }
  function startUnder({ clientX, clientY }) {
    const box = svg.getBoundingClientRect();
    const [u, v] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    startAt(left + u * (right - left), high - v * (high - low));
  }
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && startUnder(event));
  handle.addEventListener("pointerup", play);
  handle.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const by = event.shiftKey ? 2 : 0.25;
    startAt(state.start[0] + by * move[0], state.start[1] + by * move[1]);
  });
  svg.addEventListener("click", (event) => {
    startUnder(event);
    play();
  });
  button.addEventListener("click", play);

  place();
  end();
  // Once by itself, when it is seen: less than five seconds, and not for readers who want no motion.
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    play();
  });
  seen.observe(stage);
}

document.querySelectorAll(".race").forEach(liven);
