// What the pictures show, in words: the update equation with its numbers, a sentence for the race, and Python.

import { squaresOf } from "./edges.mjs";
import { divisor, rectification } from "./rules.mjs";
import { NUMBERS, OWN, SPECIAL, SURFACES, accumulatorsOf, titleOf } from "./state.mjs";

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
  const values = run.state[accumulatorsOf(run.name).indexOf(symbol)];
  return values && (t < 1 ? 0 : values[2 * t - 2 + k]);
}
export const squares = (run, t, k) => accumulator(run, accumulatorsOf(run.name)[squaresOf(run.name)], t, k);

// What the gradient is multiplied by at step t: η over what divides it. Lion’s sign is no multiple of anything, and of a
// reader's rule nothing is known.
export function effectiveRate(run, t, k, state) {
  if (squares(run, t, k) === undefined) return ["lion", OWN].includes(run.name) ? NaN : run.eta;
  const s = run.state.map((values) => values[2 * t - 2 + k]);
  if (run.name === "adadelta") s[1] = accumulator(run, "u", t - 1, k);
  return run.eta / divisor(run.name, s, t, state);
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
  // A sum of weights 1 − β^n, an accumulator that is divided by it, and what Adam and its family have in common.
  const sum = (beta, n = t) => `(1 − ${shown(beta)}^${n})`;
  const hat = (symbol, beta) =>
    `${symbol}̂ = ${shown(now(symbol))} / ${sum(beta)} = ${shown(now(symbol) / (1 - beta ** t))}`;
  const m = () => ema("m", beta1, bracketed(g));
  const v = () => ema("v", beta2, square);
  const root = (what = "v̂") => `(√${what} + ${shown(eps)})`;
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
    adam: () => [m(), v(), hat("m", beta1), hat("v", beta2), direction(`m̂ / ${root()}`)],
    adadelta: () => [
      ema("v", rho, square),
      direction(`√(${old("u")} + ${shown(eps)}) / √(${shown(now("v"))} + ${shown(eps)}) · ${bracketed(g)}`),
      ema("u", rho, `${bracketed(d)}²`),
    ],
    adamax: () => [
      m(),
      `u = max(${shown(beta2)} · ${old("u")}, |${shown(g)}| + ${shown(eps)}) = ${shown(now("u"))}`,
      hat("m", beta1),
      direction(`m̂ / ${shown(now("u"))}`),
    ],
    nadam: () => [
      m(),
      v(),
      hat("v", beta2),
      `n = ${shown(beta1)} · ${bracketed(now("m"))} / ${sum(beta1, t + 1)}` +
        ` + ${shown(1 - beta1)} · ${bracketed(g)} / ${sum(beta1)}` +
        ` = ${shown((beta1 * now("m")) / (1 - beta1 ** (t + 1)) + ((1 - beta1) * g) / (1 - beta1 ** t))}`,
      direction(`n / ${root()}`),
    ],
    radam() {
      const { length, longest, r } = rectification(beta2, t);
      const [long, short] = [shown(longest), shown(length)];
      const known = `ℓ = ${long} − ${2 * t} · ${shown(beta2)}^${t} / ${sum(beta2)} = ${short}`;
      if (!r) return [m(), v(), hat("m", beta1), known, "r = 0, as ℓ is at most 5", direction("m̂")];
      const quotient = `(${short} − 4)(${short} − 2) · ${long} / ((${long} − 4)(${long} − 2) · ${short})`;
      const scaled = `r · m̂ · √${sum(beta2)} / ${root(shown(now("v")))}`;
      return [m(), v(), hat("m", beta1), known, `r = √(${quotient}) = ${shown(r)}`, direction(scaled)];
    },
    laprop: () => [
      v(),
      hat("v", beta2),
      ema("m", beta1, `${bracketed(g)} / ${root()}`),
      direction(`${shown(now("m"))} / ${sum(beta1)}`),
    ],
    adabelief: () => [
      m(),
      `s = ${shown(beta2)} · ${old("s")} + ${shown(1 - beta2)} · (${shown(g)} − ${bracketed(now("m"))})²` +
        ` + ${shown(eps)} = ${shown(now("s"))}`,
      hat("m", beta1),
      hat("s", beta2),
      direction(`m̂ / ${root("ŝ")}`),
    ],
    yogi() {
      const change = Math.sign(g * g - accumulator(run, "v", t - 1, k));
      const by = change ? ` ${change < 0 ? "−" : "+"} ${shown(1 - beta2)} · ${square}` : "";
      const moved = `v = ${old("v")}${by} = ${shown(now("v"))}`;
      return [m(), moved, hat("m", beta1), hat("v", beta2), direction(`m̂ / ${root()}`)];
    },
    lion: () => [
      direction(`sign(${shown(beta1)} · ${old("m")} + ${shown(1 - beta1)} · ${bracketed(g)})`),
      ema("m", beta2, bracketed(g)),
    ],
    [OWN]: () => [direction(`my_rule(g, state, ${t})`)],
  };
  const step = `${shown(from)} − ${shown(run.eta)} · ${bracketed(d)}`;
  const held = Math.abs(from - run.eta * d - to) > 1e-9 ? ", held at" : " ="; // by the bounds of Reddi's x
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

// Python that runs as pasted and reaches the same points; own is a reader's rule, its lines and its rate.
export function python(state, own = null) {
  const { settings } = SURFACES[state.surface];
  const names = Object.keys(NUMBERS).filter((name) => settings.includes(name) || !SPECIAL.has(name));
  return `# ${SURFACES[state.surface].title}
${own ? GIVEN : ""}from rmsprop_lib.playground import run

settings = {
    "surface": "${state.surface}",
    "start": (${state.start.join(", ")}),
${names.map((name) => `    "${name}": ${state[name]},\n`).join("")}    "inside": ${state.inside ? "True" : "False"},
    "eta": {${state.on.map((name) => `"${name}": ${state.eta[name]}`).join(", ")}},
}
for optimizer in settings["eta"]:
    theta = run(optimizer, settings)
    print(f"{optimizer:9} after {len(theta) - 1} steps: x = {theta[-1, 0]:.6g}, y = {theta[-1, 1]:.6g}")
${own ? programOf(own) : ""}`;
}
// What a reader's rule may use without importing it, as in the page; and its run.
const GIVEN = ["import math", "", "import numpy as np", "", "from rmsprop_lib import rules", ""].join("\n");
const programOf = ({ code, eta }) => `

${code.trim()}


theta = run(my_rule, settings, eta=${eta})
print(f"your rule after {len(theta) - 1} steps: x = {theta[-1, 0]:.6g}, y = {theta[-1, 1]:.6g}")
`;
