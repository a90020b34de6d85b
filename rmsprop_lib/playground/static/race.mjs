// Runs: one optimizer from one start, recorded; and a map of where many runs end.

import { normal } from "./noise.mjs";
import { STEPS } from "./rules.mjs";
import { NAMES, OPTIMIZERS, RATE } from "./state.mjs";
import { LANDSCAPES, prepared } from "./surfaces.mjs";

export const FAR = 1e12; // a run whose point is farther out has diverged

// The noise of a whole run, two numbers a step, or null where there is none.
export function noiseOf(h, steps) {
  return h.noise ? Float64Array.from({ length: 2 * steps }, (_, i) => h.noise * normal(h.seed, i)) : null;
}

// A recorded run. Two numbers a point or step, x then y: theta (the start first), g, d, and state[k], the k-th
// accumulator after the step. loss has one number a point, eta is the rate. steps says how far it went before it diverged, if it did.
export function run(name, settings, steps = settings.steps, noise = noiseOf(settings, steps)) {
  const h = prepared(settings);
  const step = STEPS[name];
  const { value, gradient, project } = LANDSCAPES[h.surface];
  const eta = h.eta[name];
  const numbers = (points) => new Float64Array(2 * points);
  const [theta, g, d] = [numbers(steps + 1), numbers(steps), numbers(steps)];
  const state = OPTIMIZERS[name][1].map(() => numbers(steps));
  const loss = new Float64Array(steps + 1);
  const [sx, sy] = [state.map(() => 0), state.map(() => 0)];
  let [x, y] = h.start;
  let done = 0;
  for (let t = 1; ; t++) {
    const i = 2 * t - 2;
    theta[i] = x;
    theta[i + 1] = y;
    loss[done] = value(x, y, Math.min(t, steps), h);
    if (done === steps) break;
    const slope = gradient(x, y, t, h);
    g[i] = noise ? slope[0] + noise[i] : slope[0];
    g[i + 1] = noise ? slope[1] + noise[i + 1] : slope[1];
    d[i] = step(g[i], sx, t, h);
    d[i + 1] = step(g[i + 1], sy, t, h);
    for (let k = 0; k < sx.length; k++) {
      state[k][i] = sx[k];
      state[k][i + 1] = sy[k];
    }
    x = x - eta * d[i];
    y = y - eta * d[i + 1];
    if (project) [x, y] = project(x, y);
    if (!(Math.abs(x) < FAR && Math.abs(y) < FAR)) break;
    done = t;
  }
  return { name, eta, theta, g, d, state, loss, steps: done, diverged: done < steps };
}

export function race(settings) {
  const noise = noiseOf(settings, settings.steps);
  return NAMES.filter((name) => settings.on.includes(name)).map((name) => run(name, settings, settings.steps, noise));
}

// Rates and decays of the map, evenly spaced in log η and log(1 − ρ).
export const [COLUMNS, ROWS] = [40, 24];
export const ETAS = Array.from({ length: COLUMNS }, (_, k) => RATE[0] * (RATE[1] / RATE[0]) ** (k / (COLUMNS - 1)));
const DECAYS = Array.from({ length: ROWS }, (_, k) => 1 - 10 ** ((-4 * k) / (ROWS - 1)));

// Final losses of an optimizer, a row for each decay: the mean over the last tenth of at most 200 steps, infinite
// where the run diverged.
export function map(name, settings, etas = ETAS, decays = DECAYS, steps = Math.min(200, settings.steps)) {
  const noise = noiseOf(settings, steps);
  const late = Math.max(1, Math.floor(steps / 10));
  const ending = (eta, decay) => {
    const h = { ...settings, [OPTIMIZERS[name][4]]: decay, eta: { [name]: eta } };
    const { loss, diverged } = run(name, h, steps, noise);
    return diverged ? Infinity : loss.slice(-late).reduce((sum, x) => sum + x) / late;
  };
  return Float64Array.from(decays.flatMap((decay) => etas.map((eta) => ending(eta, decay))));
}

// The rate, of those of the map, whose run over all the steps ends lowest.
export function bestRate(name, settings) {
  const losses = map(name, settings, ETAS, [settings[OPTIMIZERS[name][4]]], settings.steps);
  return ETAS[losses.indexOf(Math.min(...losses))];
}
