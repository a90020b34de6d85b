// Pictures: the surface with the paths, curves over the steps, and the map of final losses.

import { LOOKS, ramp } from "./colours.mjs";
import { contours } from "./contours.mjs";
import { COLUMNS, ROWS } from "./race.mjs";
import { SURFACES, clamp, titleOf } from "./state.mjs";
import { LANDSCAPES, prepared } from "./surfaces.mjs";

// A canvas's context at the resolution of the screen; its units are those of the page.
export function context(canvas) {
  const scale = Math.min(3, devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const ctx = canvas.getContext("2d");
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height };
}

// A raster of levels from 0, which is brightest, to 1; where there is none, there is nothing. Where the system forces
// its colours, the lowest is the most of its ink.
function raster(columns, rows, level, theme) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(columns, rows);
  const colours = ramp(theme);
  for (let k = 0; k < columns * rows; k++) {
    if (!(level[k] >= 0)) continue;
    const [r, g, b, a] = colours[Math.min(colours.length - 1, Math.floor(level[k] * colours.length))];
    image.data.set([r, g, b, a], 4 * k);
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}

// Between the plane and a picture of it.
export function frame(surface, width, height) {
  const [x0, x1, y0, y1] = SURFACES[surface].box;
  return {
    toX: (x) => ((x - x0) / (x1 - x0)) * width,
    toY: (y) => ((y1 - y) / (y1 - y0)) * height,
    fromX: (px) => x0 + (px / width) * (x1 - x0),
    fromY: (py) => y1 - (py / height) * (y1 - y0),
  };
}

// The surface: colours and level lines over the logarithm of its height above the lowest point in the picture.
const N = 128;
const LINES = 16;
const grounds = new WeakMap();
function ground(canvas, state, t, theme) {
  const settings = SURFACES[state.surface].settings.map((name) => state[name]);
  const key = `${[state.surface, settings, state.surface === "drifting" && t, theme.paper, theme.forced]}`;
  if (grounds.get(canvas)?.key === key) return grounds.get(canvas);
  const h = prepared(state);
  const { value } = LANDSCAPES[state.surface];
  const { fromX, fromY } = frame(state.surface, N, N);
  const level = new Float64Array(N * N);
  for (let k = 0; k < N * N; k++) level[k] = value(fromX((k % N) + 0.5), fromY(Math.floor(k / N) + 0.5), t, h);
  const low = level.reduce((a, b) => Math.min(a, b));
  const high = level.reduce((a, b) => Math.max(a, b));
  for (let k = 0; k < N * N; k++) level[k] = Math.log1p((998 * (level[k] - low)) / (high - low)) / Math.log(1000);
  const made = { key, lines: contours(level, N, LINES), picture: theme.forced ? null : raster(N, N, level, theme) };
  grounds.set(canvas, made);
  return made;
}

// On a coloured ground a sign and a path have an edge in the colour of the paper.
export function drawSign(ctx, sign, x, y, size = 16, edge = null) {
  ctx.font = `${size}px sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  if (edge) {
    ctx.save();
    Object.assign(ctx, { strokeStyle: edge, lineWidth: 4, lineJoin: "round" });
    ctx.strokeText(sign, x, y);
    ctx.restore();
  }
  ctx.fillText(sign, x, y);
}

export function drawRace(canvas, state, runs, at, theme) {
  const { ctx, width, height } = context(canvas);
  const { toX, toY } = frame(state.surface, width, height);
  const t = Math.max(1, at);
  const edge = theme.forced ? null : theme.paper;
  const { lines, picture } = ground(canvas, state, t, theme);
  if (picture) ctx.drawImage(picture, 0, 0, width, height);
  const scaled = new Path2D();
  scaled.addPath(lines, new DOMMatrix([width, 0, 0, height, 0, 0]));
  Object.assign(ctx, { strokeStyle: theme.ink, lineWidth: 1, globalAlpha: 0.22 });
  ctx.stroke(scaled);
  ctx.globalAlpha = 1;
  const goal = LANDSCAPES[state.surface].minimum(t, state);
  ctx.fillStyle = theme.ink;
  if (goal) drawSign(ctx, "+", toX(goal[0]), toY(goal[1]), 26, edge);
  for (const { name, theta, steps, diverged } of runs) {
    const last = Math.min(at, steps);
    const path = new Path2D();
    // What leaves the picture far is cut, or the dashes of a diverging path would be drawn for ever.
    const near = (v, size) => clamp(v, -size, 2 * size);
    for (let k = 0; k <= last; k++) path.lineTo(near(toX(theta[2 * k]), width), near(toY(theta[2 * k + 1]), height));
    ctx.lineJoin = "round";
    if (edge) {
      Object.assign(ctx, { strokeStyle: edge, lineWidth: 4.5, globalAlpha: 0.7 });
      ctx.stroke(path);
    }
    Object.assign(ctx, { strokeStyle: theme.colour(name), lineWidth: 2.2, globalAlpha: 1 });
    ctx.setLineDash(LOOKS[name][2]);
    ctx.stroke(path);
    ctx.setLineDash([]);
    ctx.fillStyle = theme.colour(name);
    const [x, y] = [toX(theta[2 * last]), toY(theta[2 * last + 1])];
    const sign = diverged && at > steps ? "✕" : LOOKS[name][3];
    drawSign(ctx, sign, clamp(x, 10, width - 10), clamp(y, 10, height - 10), 18, edge);
  }
}

// Curves of value(run, t) over the steps, or some of them, on a logarithmic axis, marked at one of them.
export function drawCurves(canvas, runs, value, steps, at, theme, every = 1) {
  const { ctx, width, height } = context(canvas);
  const usable = (x) => x >= low && x > 0 && x < Infinity;
  let [low, lowest, high] = [0, Infinity, 0];
  const curves = runs.map((run) => {
    const values = new Float64Array(Math.floor(run.steps / every) + 1);
    for (let k = 0; k < values.length; k++) values[k] = value(run, k * every);
    return [run, values];
  });
  // A run that diverges leaves the picture at its top: on its scale the others would lie on the floor.
  const some = runs.some((run) => !run.diverged);
  for (const [run, values] of curves) {
    if (some && run.diverged) continue;
    for (const x of values) {
      if (!usable(x)) continue;
      if (x < lowest) lowest = x;
      if (x > high) high = x;
    }
  }
  if (!high) return;
  low = Math.max(lowest, high * 1e-14);
  const [a, b] = [Math.floor(Math.log10(low)), Math.floor(Math.log10(high)) + 1];
  const left = 36;
  const toX = (t) => left + (t / steps) * (width - left - 9);
  const toY = (v) => 6 + ((b - Math.log10(v)) / (b - a)) * (height - 12);
  ctx.font = `12px ${theme.font}`;
  ctx.fillStyle = theme.ink;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (let k = a; k <= b; k += Math.ceil((b - a) / 4)) ctx.fillText(`1e${k}`, left - 4, toY(10 ** k));
  ctx.globalAlpha = 0.25;
  ctx.fillRect(toX(at), 0, 1, height);
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.8;
  for (const [{ name }, values] of curves) {
    ctx.strokeStyle = ctx.fillStyle = theme.colour(name);
    ctx.setLineDash(LOOKS[name][2]);
    ctx.beginPath();
    let drawing = false;
    for (let k = 0; k < values.length; k++) {
      const there = usable(values[k]);
      if (there && drawing) ctx.lineTo(toX(k * every), toY(values[k]));
      else if (there) ctx.moveTo(toX(k * every), toY(values[k]));
      drawing = there;
    }
    ctx.stroke();
    const mark = Math.floor(at / every);
    if (usable(values[mark])) drawSign(ctx, LOOKS[name][3], toX(mark * every), toY(values[mark]), 10);
  }
  ctx.setLineDash([]);
}

// The map: brighter is lower, a dot has diverged; the square, at cross in [0, 1]², is where the settings are.
export function drawMap(canvas, losses, cross, theme) {
  const { ctx, width, height } = context(canvas);
  const finite = losses.filter((loss) => loss < Infinity);
  const low = finite.reduce((x, y) => Math.min(x, y), Infinity);
  const logs = losses.map((loss) => Math.log(loss - Math.min(0, low) + 1e-30));
  const [a, b] = [Math.min(...logs), logs.reduce((x, y) => (y < Infinity ? Math.max(x, y) : x), -Infinity)];
  const level = new Float64Array(losses.length);
  const [w, h] = [width / COLUMNS, height / ROWS];
  ctx.fillStyle = theme.ink;
  logs.forEach((log, k) => {
    const [column, row] = [k % COLUMNS, ROWS - 1 - Math.floor(k / COLUMNS)];
    level[row * COLUMNS + column] = log < Infinity ? (log - a) / (b - a || 1) : -1;
    if (log === Infinity) ctx.fillRect((column + 0.5) * w - 1, (row + 0.5) * h - 1, 2, 2);
  });
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(raster(COLUMNS, ROWS, level, theme), 0, 0, width, height);
  ctx.strokeStyle = theme.accent;
  ctx.lineWidth = 2;
  ctx.strokeRect(cross[0] * width - 6, (1 - cross[1]) * height - 6, 12, 12);
}

// The picture of the race with its legend, for a file.
export function picture(race, runs, theme) {
  const canvas = document.createElement("canvas");
  const line = 22 * (race.width / race.clientWidth);
  [canvas.width, canvas.height] = [race.width, race.height + line * runs.length];
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = theme.paper;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(race, 0, 0);
  runs.forEach(({ name }, k) => {
    ctx.fillStyle = theme.colour(name);
    drawSign(ctx, LOOKS[name][3], line / 2, race.height + line * (k + 0.5), 0.7 * line);
    ctx.font = `${0.7 * line}px ${theme.font}`;
    ctx.textAlign = "left";
    ctx.fillText(titleOf(name), line, race.height + line * (k + 0.5));
  });
  return canvas.toDataURL("image/png");
}
