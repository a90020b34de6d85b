// Trainings of the network, which go on in each frame of the screen by a bounded amount of work.

import { edgeOf, squaresOf } from "./edges.mjs";
import { SIZE, hessianProduct, initial, pass, room } from "./network.mjs";
import { normal } from "./noise.mjs";
import { FAR } from "./race.mjs";
import { STEPS, divisor } from "./rules.mjs";
import { NAMES, OPTIMIZERS } from "./state.mjs";

export const EVERY = 20; // steps from one measurement to the next
export const ROUNDS = 5; // of the power iteration in each of them, which take one product with the Hessian more
export const FRAME = 120; // steps that are computed in a frame at most, of all trainings together

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
function mixed(x, a, y, b) {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = x * a[i] + y * b[i];
  return out;
}

// The largest eigenvalue of a symmetric matrix, given by its products, and a vector nearer to its eigenvector than q.
// Each round is one of power iteration that takes the best of the plane of q and its product, not the product alone.
export function largest(product, q) {
  q = mixed(1 / Math.sqrt(dot(q, q)), q, 0, q);
  let w = product(q);
  let value = dot(q, w);
  for (let k = 0; k < ROUNDS; k++) {
    const beside = mixed(1, w, -value, q);
    const length = Math.sqrt(dot(beside, beside));
    if (!(length > 0)) break;
    const r = mixed(1 / length, beside, 0, beside);
    const u = product(r);
    const [b, half] = [dot(q, u), (value - dot(r, u)) / 2];
    const root = Math.sqrt(half * half + b * b);
    value = value - half + root;
    // The eigenvector of [[half, b], [b, −half]] to the eigenvalue root, without cancellation.
    const [x, y] = half < 0 ? [b, root - half] : [root + half, b];
    const norm = Math.sqrt(x * x + y * y);
    if (!(norm > 0)) break;
    [q, w] = [mixed(x / norm, q, y / norm, r), mixed(x / norm, w, y / norm, u)];
  }
  return [value, q];
}

// A training before its first step. loss has one number a step; curvature, the largest eigenvalue of P⁻¹H, and weights
// have one, or one set, for every EVERY steps. steps says how far it has come.
function begun(name, h, key) {
  const theta = initial(h.seed);
  const measured = Math.floor(h.steps / EVERY) + 1;
  const run = {
    name,
    key,
    edge: edgeOf(name, h),
    steps: 0,
    diverged: false,
    finished: false,
    theta,
    loss: new Float64Array(h.steps + 1),
    curvature: new Float64Array(measured).fill(NaN),
    weights: new Float64Array(measured * SIZE),
  };
  const memory = Array.from(theta, () => OPTIMIZERS[name][1].map(() => 0));
  const at = room();
  const moved = new Float64Array(SIZE);
  let q = theta.map((_, i) => normal(h.seed + 1, i));
  const scale = theta.map(() => 1);
  const product = (v) => {
    const [inner, out] = [new Float64Array(SIZE), new Float64Array(SIZE)];
    for (let i = 0; i < SIZE; i++) inner[i] = v[i] * scale[i];
    hessianProduct(theta, at, inner, out);
    for (let i = 0; i < SIZE; i++) out[i] *= scale[i];
    return out;
  };
  const record = () => {
    run.loss[run.steps] = at.loss;
    if (run.steps % EVERY) return;
    const k = run.steps / EVERY;
    run.weights.set(theta, k * SIZE);
    if (!k) return;
    if (squaresOf(name) >= 0)
      for (let i = 0; i < SIZE; i++) scale[i] = 1 / Math.sqrt(divisor(name, memory[i], run.steps, h));
    [run.curvature[k], q] = largest(product, q);
  };
  pass(theta, at);
  record();
  const step = STEPS[name];
  const eta = h.eta[name];
  run.advance = (count) => {
    for (; count > 0 && !run.finished; count--) {
      const t = run.steps + 1;
      for (let i = 0; i < SIZE; i++) {
        moved[i] = theta[i] - eta * step(at.gradient[i], memory[i], t, h);
        if (!(Math.abs(moved[i]) < FAR)) run.diverged = true;
      }
      run.finished = run.diverged || t === h.steps;
      if (run.diverged) return;
      theta.set(moved);
      run.steps = t;
      pass(theta, at);
      record();
    }
  };
  return run;
}

// The trainings of a state. Those of before whose settings are the same are kept.
export function trainings(settings, before = []) {
  const { seed, steps, rho, gamma, beta1, beta2, eps, inside } = settings;
  return NAMES.filter((name) => settings.on.includes(name)).map((name) => {
    const key = `${[name, settings.eta[name], seed, steps, rho, gamma, beta1, beta2, eps, inside]}`;
    return before.find((run) => run.key === key) ?? begun(name, settings, key);
  });
}

export const unfinished = (runs) => runs.filter((run) => !run.finished);

// A frame's work: all that are not finished go on by the same number of steps. Whether there is more to do.
export function advance(runs, budget = FRAME) {
  const going = unfinished(runs);
  const each = Math.max(1, Math.floor(budget / going.length));
  for (const run of going) run.advance(each);
  return unfinished(runs).length > 0;
}

// A whole training.
export function train(name, settings) {
  const [run] = trainings({ ...settings, on: [name] });
  run.advance(settings.steps);
  return run;
}
