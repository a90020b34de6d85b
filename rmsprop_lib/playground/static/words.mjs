// What the pictures show, in words: the update equation with its numbers, a sentence for the race, and Python.

import { divisor } from "./rules.mjs";
import { NUMBERS, OPTIMIZERS, SPECIAL, SURFACES, titleOf } from "./state.mjs";

export function shown(x, digits = 4) {
  if (!Number.isFinite(x)) return String(x);
  const size = Math.abs(x);
  const number = Number(x.toPrecision(digits));
  const text = size && (size >= 1e5 || size < 1e-3) ? number.toExponential() : String(number);
  return text.replace("e+", "e").replaceAll("-", "−");
}
const bracketed = (x) => (x < 0 ? `(${shown(x)})` : shown(x));

// The accumulator of a run after step t, for a coordinate (0 or 1); before the first step it is 0.
export function accumulator(run, symbol, t, k) {
  const values = run.state[OPTIMIZERS[run.name][1].indexOf(symbol)];
  return values && (t < 1 ? 0 : values[2 * t - 2 + k]);
}
export const squares = (run, t, k) => accumulator(run, "v", t, k) ?? accumulator(run, "G", t, k);

// What the gradient is multiplied by at step t: η over what divides it.
export function effectiveRate(run, t, k, state) {
  const v = squares(run, t, k);
  const eta = state.eta[run.name];
  return v === undefined ? eta : eta / divisor(run.name, v, t, state);
}

// The equations of step t for a coordinate, as lines of text.
export function equations(run, t, k, state) {
  if (t < 1) return ["Before the first step every accumulator is zero."];
  if (t > run.steps) return ["Diverged."];
  const { rho, gamma, beta1, beta2, eps } = state;
  const [g, d, from, to] = [run.g[2 * t - 2 + k], run.d[2 * t - 2 + k], run.theta[2 * t - 2 + k], run.theta[2 * t + k]];
  const now = (symbol) => accumulator(run, symbol, t, k);
  const old = (symbol) => bracketed(accumulator(run, symbol, t - 1, k));
  const square = `${bracketed(g)}²`;
  const ema = (symbol, decay, what) =>
    `${symbol} = ${shown(decay)} · ${old(symbol)} + ${shown(1 - decay)} · ${what} = ${shown(now(symbol))}`;
  const quotient = (v) =>
    `${shown(g)} / ${state.inside ? `√(${shown(v)} + ${shown(eps)})` : `(√${shown(v)} + ${shown(eps)})`}`;
  const direction = (text) => `d = ${text} = ${shown(d)}`;
  const lines = {
    sgd: () => [direction("g")],
    momentum: () => [`b = ${shown(gamma)} · ${old("b")} + ${bracketed(g)} = ${shown(now("b"))}`, direction("b")],
    nesterov: () => [
      `b = ${shown(gamma)} · ${old("b")} + ${bracketed(g)} = ${shown(now("b"))}`,
      direction(`${shown(g)} + ${shown(gamma)} · ${bracketed(now("b"))}`),
    ],
    adagrad: () => [`G = ${old("G")} + ${square} = ${shown(now("G"))}`, direction(quotient(now("G")))],
    rmsprop: () => [ema("v", rho, square), direction(quotient(now("v")))],
    centered: () => [
      `v = ${shown(rho)} · ${old("v")} + ${shown(rho * (1 - rho))} · (${shown(g)} − ${old("μ")})²` +
        ` = ${shown(now("v"))}`,
      ema("μ", rho, bracketed(g)),
      direction(quotient(now("v"))),
    ],
    rmspropm: () => [
      ema("v", rho, square),
      `b = ${shown(gamma)} · ${old("b")} + ${quotient(now("v"))} = ${shown(now("b"))}`,
      direction("b"),
    ],
    adam: () => [
      ema("m", beta1, bracketed(g)),
      ema("v", beta2, square),
      `m̂ = ${shown(now("m"))} / (1 − ${shown(beta1)}^${t}) = ${shown(now("m") / (1 - beta1 ** t))}`,
      `v̂ = ${shown(now("v"))} / (1 − ${shown(beta2)}^${t}) = ${shown(now("v") / (1 - beta2 ** t))}`,
      direction(`m̂ / (√v̂ + ${shown(eps)})`),
    ],
  };
  const step = `${shown(from)} − ${shown(state.eta[run.name])} · ${bracketed(d)}`;
  const held = Math.abs(from - state.eta[run.name] * d - to) > 1e-9 ? ", held at" : " ="; // by the bounds of Reddi's x
  return [`g = ${shown(g)}`, ...lines[run.name](), `${"xy"[k]} = ${step}${held} ${shown(to)}`];
}

// How the race stands at a step.
export function summary(runs, at) {
  const going = runs.filter((run) => !(run.diverged && at > run.steps));
  const gone = runs.filter((run) => !going.includes(run)).map((run) => `${titleOf(run.name)} (step ${run.steps + 1})`);
  const lossOf = (run) => run.loss[Math.min(at, run.steps)];
  const best = going.sort((a, b) => lossOf(a) - lossOf(b))[0];
  const lowest = best ? `Lowest loss: ${titleOf(best.name)}, ${shown(lossOf(best), 3)}.` : "";
  return `Step ${at}. ${lowest}${gone.length ? ` Diverged: ${gone.join(", ")}.` : ""}`;
}

// Python that runs as pasted and reaches the same points.
export function python(state) {
  const { settings } = SURFACES[state.surface];
  const names = Object.keys(NUMBERS).filter((name) => settings.includes(name) || !SPECIAL.has(name));
  return `# ${SURFACES[state.surface].title}
from rmsprop_lib.playground import run

settings = {
    "surface": "${state.surface}",
    "start": (${state.start.join(", ")}),
${names.map((name) => `    "${name}": ${state[name]},\n`).join("")}    "inside": ${state.inside ? "True" : "False"},
    "eta": {${state.on.map((name) => `"${name}": ${state.eta[name]}`).join(", ")}},
}
for optimizer in settings["eta"]:
    theta = run(optimizer, settings)
    print(f"{optimizer:9} after {len(theta) - 1} steps: x = {theta[-1, 0]:.6g}, y = {theta[-1, 1]:.6g}")
`;
}
