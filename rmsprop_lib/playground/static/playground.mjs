// The playground: mounted into an element, in a shadow tree of its own.

import { LOOKS, themeOf } from "./colours.mjs";
import { entrant } from "./own.mjs";
import { MARKUP, byId, make, slider, toPosition, toValue } from "./parts.mjs";
import { COLUMNS, ROWS, bestRate, map } from "./race.mjs";
import { kindOf, sceneOf } from "./scenes.mjs";
import { NAMES, NUMBERS, OPTIMIZERS, OWN, PRESETS, RATE, SPECIAL, SURFACES } from "./state.mjs";
import { clamp, defaults, fromAddress, inFamily, rangeOf, titleOf, toAddress } from "./state.mjs";
import { STYLE } from "./style.mjs";
import { drawMap, frame, picture } from "./view.mjs";
import { shown } from "./words.mjs";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const FIRST_COLUMNS = ["optimizer", "learning rate η"];
const [NUMBERS_IN_TABLE, CURVES] = [4, 3]; // as many as every scene has
const stillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Mounts a playground that begins at an address. changed is told every new address; linkTo makes a link of one.
export function mount(el, { address = "", changed = () => {}, linkTo = null } = {}) {
  let state;
  let runs = [];
  let scene;
  let playing = 0;
  let working = 0; // while runs are not finished
  let turn = -1;
  let axis = 0; // the coordinate that is looked at
  let focus = "rmsprop"; // the optimizer of the map
  let losses = null; // its map, if it is up to date
  let waiting = 0; // for the sliders to rest before a map is computed
  let unfolded = false; // whether the table shows the family, too
  let own = null; // a rule of the reader's, and its row in the table
  let speaking = 0;
  let last = ""; // the address that has been told
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  root.innerHTML = MARKUP;
  const part = byId(root);
  const at = () => state.at ?? state.steps;
  const describe = (node, text) => node.setAttribute("aria-label", text);
  const on = (id, event, handler) => part[id].addEventListener(event, handler);
  const options = (id, values, title) =>
    part[id].append(...values.map((value) => make("option", { value }, title(value))));

  // A sentence for everyone; what changes fast is said when it has come to rest.
  function say(text, rest = 0) {
    clearTimeout(speaking);
    speaking = setTimeout(() => (part.status.textContent = text), rest);
  }

  // -- parts that depend on the tables ------------------------------------------------------------------------------
  options("surface", Object.keys(SURFACES), (name) => SURFACES[name].title);
  options("preset", Object.keys(PRESETS), (name) => name);
  options("focus", NAMES, titleOf);
  const heads = Array.from({ length: NUMBERS_IN_TABLE }, () => make("th", { scope: "col" }));
  part.columns.append(...FIRST_COLUMNS.map((title) => make("th", { scope: "col" }, title)), ...heads);
  const sliders = {};
  for (const name in NUMBERS) {
    const label = NUMBERS[name].slice(4, 6).join(", ");
    sliders[name] = slider(NUMBERS[name], label, (value) => change({ [name]: value }));
    part[SPECIAL.has(name) ? "special" : "settings"].append(sliders[name].node);
  }
  const inside = make("input", { type: "checkbox", onchange: () => change({ inside: inside.checked }) });
  part.settings.append(make("label", { className: "tick" }, inside, "ε inside the root"));
  // A row of the table: a box for whether it races, its name, a slider for the rate, and cells.
  function row(name, setRate, enters) {
    const box = make("input", { type: "checkbox", onchange: () => enters(box) });
    const rate = slider(RATE, `learning rate of ${titleOf(name)}`, setRate);
    const sign = make("span", { className: "mark", ariaHidden: "true" }, LOOKS[name][3]);
    const title = make("th", { scope: "row" }, make("label", { className: "tick" }, box, sign, titleOf(name)));
    const cells = heads.map(() => make("td"));
    return { name, box, sign, rate, cells, node: make("tr", {}, title, make("td", {}, rate.node), ...cells) };
  }
  const entrants = NAMES.map((name) => {
    const enters = (box) => {
      const chosen = NAMES.filter((other) => (other === name ? box.checked : state.on.includes(other)));
      box.checked ||= !chosen.length;
      if (chosen.length) change({ on: chosen });
    };
    const made = row(name, (eta) => change({ eta: { ...state.eta, [name]: eta } }), enters);
    part[inFamily(name) ? "family" : "entrants"].append(made.node);
    return made;
  });
  const curves = Array.from({ length: CURVES }, () => {
    const [canvas, caption] = [make("canvas", { role: "img" }), make("figcaption")];
    part.curves.append(make("figure", {}, canvas, caption));
    return { canvas, caption };
  });

  // -- changes ------------------------------------------------------------------------------------------------------
  function change(what, quiet = false) {
    const look = Object.keys(what).every((name) => name === "at"); // nothing is computed anew
    Object.assign(state, what);
    if (state.at !== null && state.at >= state.steps) state.at = null;
    if (!look) {
      begin();
      losses = null;
      if (playing) stop();
    }
    draw();
    const next = toAddress(state);
    if (last && next !== last) changed(next);
    last = next;
    if (!quiet && !playing && !working) say(scene.summary(runs, at()), 400);
  }
  // Runs that take longer than a frame are gone on with in the next ones.
  function begin() {
    const before = scene;
    scene = sceneOf(state);
    runs = withOwn(scene.begin(state, before === scene ? runs : []));
    cancelAnimationFrame(working);
    const work = () => {
      working = scene.advance(runs) ? requestAnimationFrame(work) : 0;
      if (!playing && !(working && stillness())) draw();
      if (!working && !playing) say(scene.summary(runs, at()), 400);
    };
    working = scene.advance(runs) ? requestAnimationFrame(work) : 0;
    if (working) clearTimeout(speaking);
    ask();
  }
  // The runs, and after them that of the reader's rule, which races on planes alone.
  function withOwn(others) {
    const found = state.start && own && !own.out && own.racing.run;
    return [...others.filter(({ name }) => name !== OWN), ...(found ? [found] : [])];
  }
  function enter(racer) {
    const told = () => {
      runs = withOwn(runs);
      draw();
      if (!playing && !own.quiet) say(scene.summary(runs, at()), 400);
    };
    if (!own) {
      const enters = (box) => {
        own.out = !box.checked;
        ask();
        told();
      };
      own = { ...row(OWN, setOwnRate, enters), eta: RATE[2] };
      part.own.append(own.node);
    }
    own.out = false;
    own.racing = entrant(racer, told);
    ask();
    draw();
  }
  // quiet: what is being said is not to give way to how the race stands.
  function ask(quiet = false) {
    if (!own) return;
    own.quiet = quiet;
    if (!own.out && state.start) own.racing.follow(state, own.eta);
  }
  function setOwnRate(eta, quiet = false) {
    own.eta = eta;
    ask(quiet);
    draw();
  }
  function take(text, quiet = false) {
    const { state: read, refused } = fromAddress(text);
    state = read;
    unfolded ||= state.on.some(inFamily);
    change(state, true);
    if (own) own.quiet = refused.length > 0;
    if (refused.length) say(`Not as the address has it, since that is not allowed: ${refused.join(", ")}.`);
    else if (!quiet && !working) say(scene.summary(runs, at()), 400);
  }
  function play(now) {
    let before = now;
    const tick = (time) => {
      const by = Math.max(1, Math.round(((time - before) / 5000) * state.steps)); // five seconds for all of it
      before = time;
      playing = requestAnimationFrame(tick);
      change({ at: Math.min(at() + by, scene.reached(runs, state)) });
      if (state.at === null) stop();
    };
    playing = requestAnimationFrame(tick);
    change({ at: state.at ?? 0 });
  }
  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    change({ at: state.at });
  }
  on("play", "click", () => {
    if (playing) stop();
    else if (stillness()) change({ at: state.at === null ? 0 : null });
    else play(performance.now());
  });
  on("back", "click", () => change({ at: Math.max(0, at() - 1) }));
  on("forth", "click", () => change({ at: at() + 1 }));
  on("step", "input", () => change({ at: Number(part.step.value) }));
  on("surface", "change", () => {
    const { steps, seed, on } = state;
    const kept = kindOf(part.surface.value) === kindOf(state.surface) ? { steps, seed, on } : { seed, on };
    change({ ...defaults(part.surface.value), ...kept });
  });
  on("preset", "change", () => change(PRESETS[part.preset.value] ?? {}));
  on("reset", "click", () => change(defaults(state.surface)));
  on("coordinate", "change", () => {
    axis = part.coordinate.selectedIndex;
    draw();
  });
  on("focus", "change", () => {
    focus = part.focus.value;
    losses = null;
    draw();
  });
  on("unfold", "click", () => {
    unfolded = !unfolded;
    draw();
  });
  on("mapped", "toggle", () => draw());
  on("numbers", "toggle", () => draw());
  on("best", "click", async () => {
    const eta = { ...state.eta };
    for (const name of state.on) eta[name] = Number(bestRate(name, state).toPrecision(3));
    change({ eta }, true);
    const found = state.on.map((name) => `${titleOf(name)} ${shown(eta[name])}`);
    const told = () => say(`Best of ${COLUMNS} rates: ${found.join(", ")}.`);
    if (!own || own.out) return told();
    const asked = state.surface;
    const best = await own.racing.best(state);
    if (asked !== state.surface) return;
    if (best) {
      setOwnRate(best, true);
      found.push(`${titleOf(OWN)} ${shown(best)}`);
    }
    told();
  });

  // -- the start point, by pointer and by keys ----------------------------------------------------------------------
  function startAt(x, y, quiet) {
    const [x0, x1, y0, y1] = SURFACES[state.surface].box;
    change({ start: [clamp(x, x0, x1), clamp(y, y0, y1)].map((v) => Number(v.toPrecision(4))) }, quiet);
  }
  function startUnder({ clientX, clientY }, quiet) {
    if (!state.start) return;
    const { left, top, width, height } = part.race.getBoundingClientRect();
    const { fromX, fromY } = frame(state.surface, width, height);
    startAt(fromX(clientX - left), fromY(clientY - top), quiet);
  }
  on("race", "click", (event) => startUnder(event));
  // A finger scrolls the page over the picture, and drags by the ring; a mouse or a pen drags from anywhere.
  for (const id of ["handle", "race"]) {
    let dragging = null; // the pointer: a finger is captured without being asked, and means to scroll
    on(id, "pointerdown", (event) => {
      if (event.button || (id === "race" && event.pointerType === "touch")) return;
      dragging = event.pointerId;
      part[id].setPointerCapture(dragging);
      if (id === "race") startUnder(event);
    });
    on(id, "pointermove", (event) => event.pointerId === dragging && startUnder(event));
    for (const end of ["pointerup", "pointercancel"]) on(id, end, () => (dragging = null));
  }
  function onArrows(id, go) {
    on(id, "keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way) return;
      event.preventDefault();
      go(...way.map((v) => v * (event.shiftKey ? 10 : 1)));
    });
  }
  onArrows("handle", (right, up) => {
    const [x0, x1] = SURFACES[state.surface].box;
    startAt(state.start[0] + (right * (x1 - x0)) / 100, state.start[1] + (up * (x1 - x0)) / 100);
  });

  // -- the map ------------------------------------------------------------------------------------------------------
  const decay = () => OPTIMIZERS[focus][4];
  const cross = () => [toPosition(RATE, state.eta[focus]), decay() ? toPosition(NUMBERS.rho, state[decay()]) : 0];
  function setFromMap(u, v) {
    const what = { eta: { ...state.eta, [focus]: toValue(RATE, u) } };
    if (decay()) what[decay()] = clamp(toValue(NUMBERS.rho, v), ...NUMBERS[decay()].slice(0, 2));
    change(what);
  }
  on("map", "click", ({ detail, clientX, clientY }) => {
    const { left, top, width, height } = part.map.getBoundingClientRect();
    if (detail) return setFromMap((clientX - left) / width, 1 - (clientY - top) / height);
    const best = losses?.indexOf(Math.min(...losses)) ?? 0; // by Enter
    setFromMap((best % COLUMNS) / (COLUMNS - 1), Math.floor(best / COLUMNS) / (ROWS - 1));
  });
  onArrows("map", (right, up) => {
    const [u, v] = cross();
    setFromMap(u + right / COLUMNS, v + up / ROWS);
  });
  function drawTheMap(theme) {
    part.map.classList.toggle("stale", !losses);
    const symbol = decay() ? NUMBERS[decay()][4] : "nothing, as it has no decay,";
    part.decay.textContent = symbol;
    const where = `η ${shown(state.eta[focus])}${decay() ? `, ${symbol} ${shown(state[decay()], 6)}` : ""}`;
    describe(part.map, `Map of ${titleOf(focus)}, now at ${where}. Arrow keys move, Enter goes to the lowest loss.`);
    if (losses) return drawMap(part.map.firstChild, losses, cross(), theme);
    waiting = setTimeout(() => {
      losses = map(focus, state);
      draw();
    }, 150);
  }

  // -- drawing ------------------------------------------------------------------------------------------------------
  // The canvases first, which need their sizes, and then what changes the layout: so it is computed once a frame.
  function draw() {
    const theme = themeOf(root.firstElementChild);
    const reached = Math.min(at(), scene.reached(runs, state));
    scene.draw(part.race, state, runs, at(), theme);
    turn = playing || working ? (turn + 1) % CURVES : -1; // in what moves the small pictures take turns
    scene.curves.forEach((curve, k) => {
      if (turn < 0 || turn === k) curve.draw(curves[k].canvas, state, runs, at(), axis, theme);
    });
    clearTimeout(waiting);
    if (part.mapped.open && state.start) drawTheMap(theme);
    const { about, look, settings, without } = SURFACES[state.surface];
    root.firstElementChild.className = `playground ${kindOf(state.surface)}`;
    describe(part.race, scene.label(state, runs, reached));
    if (state.start) {
      const { toX, toY } = frame(state.surface, 100, 100);
      Object.assign(part.handle.style, { left: `${toX(state.start[0])}%`, top: `${toY(state.start[1])}%` });
      describe(part.handle, `Start at x ${shown(state.start[0])}, y ${shown(state.start[1])}. Arrow keys move it.`);
    }
    part.surface.value = state.surface;
    part.about.textContent = about;
    part.look.textContent = look;
    part.special.hidden = !settings.length;
    const same = ([, preset]) => Object.keys(preset).every((name) => state[name] === preset[name]);
    part.preset.value = Object.entries(PRESETS).find(same)?.[0] ?? "";
    inside.checked = state.inside;
    for (const name in sliders) {
      sliders[name].update(state[name], rangeOf(state.surface, name));
      sliders[name].node.hidden = (SPECIAL.has(name) && !settings.includes(name)) || Boolean(without?.includes(name));
    }
    for (const { name, box, sign, rate, cells } of own ? [...entrants, own] : entrants) {
      const run = runs.find((other) => other.name === name);
      box.checked = Boolean(run);
      sign.style.color = theme.colour(name);
      rate.update(name === OWN ? own.eta : state.eta[name]);
      const texts = run ? scene.cells(run, at(), state) : [];
      cells.forEach((cell, k) => (cell.textContent = texts[k] ?? ""));
    }
    part.family.className = unfolded ? "" : "folded";
    part.unfold.ariaExpanded = unfolded;
    part.step.max = state.steps;
    part.step.value = reached;
    part.at.textContent = `${reached} of ${state.steps}`;
    part.step.setAttribute("aria-valuetext", part.at.textContent);
    part.play.textContent = playing ? "Pause" : "Play";
    part.play.className = playing ? "playing" : "";
    heads.forEach((head, k) => (head.textContent = scene.columns[k]));
    scene.curves.forEach(({ title, label }, k) => {
      curves[k].caption.textContent = title(axis, runs);
      describe(curves[k].canvas, label(axis, runs));
    });
    part.coordinate.selectedIndex = axis;
    part.focus.value = focus;
    if (part.numbers.open) part.equations.replaceChildren(...runs.map(equationsOf));
  }
  function equationsOf(run) {
    const lines = scene.lines(run, at(), axis, state).join("\n");
    return make("div", {}, make("strong", {}, titleOf(run.name)), make("pre", {}, lines));
  }

  // -- taking it along ----------------------------------------------------------------------------------------------
  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} has been copied.`);
    } catch {
      const area = make("textarea", { readOnly: true, rows: 6, value: text, ariaLabel: what });
      part.status.replaceChildren(`${what}, to be copied by hand:`, area);
      area.select();
    }
  }
  const what = linkTo ? "link" : "address"; // a notebook has no page to link to
  part.link.textContent = `Copy ${what}`;
  on("link", "click", () => {
    const without = own ? ", without your rule," : "";
    return copy(linkTo ? linkTo(toAddress(state)) : toAddress(state), `The ${what}${without}`);
  });
  on("python", "click", () => copy(scene.python(state, own && { code: own.racing.code, eta: own.eta }), "The program"));
  on("save", "click", () => {
    const href = picture(part.race, runs, themeOf(root.firstElementChild));
    make("a", { href, download: "race.png" }).click();
  });

  take(address, true);
  const watcher = new ResizeObserver(() => draw());
  watcher.observe(part.race);
  const themes = new MutationObserver(() => draw());
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true });
  return {
    get address() {
      return toAddress(state);
    },
    enter, // a rule of the reader's, or another in its place: see own.mjs
    set: take,
    remove() {
      stop();
      cancelAnimationFrame(working);
      clearTimeout(waiting);
      watcher.disconnect();
      themes.disconnect();
    },
  };
}
