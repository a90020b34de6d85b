// What the pictures of the trainings show, in words and numbers.

import { edgeFormula, squaresOf } from "./edges.mjs";
import { SURFACES, titleOf } from "./state.mjs";
import { EVERY } from "./training.mjs";
import { shown, summary } from "./words.mjs";

// The last measurement at a step: its number, from 1; 0 before the first.
export const measurement = (run, at) => Math.floor(Math.min(at, run.steps) / EVERY);
const height = (run, at) => run.curvature[measurement(run, at)] / run.edge;
const ratio = (x) => (x < 1000 ? x.toFixed(2) : shown(x, 3));

export function trainingCells(run, at) {
  const gone = run.diverged && at > run.steps;
  const k = measurement(run, at);
  const written = (x, write) => (Number.isNaN(x) ? "–" : write(x, 3));
  const loss = gone ? "diverged" : shown(run.loss[Math.min(at, run.steps)], 3);
  return [loss, written(k ? run.curvature[k] : NaN, shown), written(run.edge, shown), written(height(run, at), ratio)];
}

export function trainingLines(run, at, state) {
  const k = measurement(run, at);
  const eta = state.eta[run.name];
  const matrix = squaresOf(run.name) < 0 ? "H" : "P⁻¹H";
  const lines = [`loss = ${shown(run.loss[Math.min(at, run.steps)])}`];
  if (edgeFormula(run.name))
    lines.push(`edge = ${edgeFormula(run.name)} / η = ${shown(run.edge * eta)} / ${shown(eta)} = ${shown(run.edge)}`);
  if (k) lines.push(`λ = ${shown(run.curvature[k])}, the largest eigenvalue of ${matrix} after step ${k * EVERY}`);
  if (k && run.edge) lines.push(`λ / edge = ${ratio(height(run, at))}`);
  return run.diverged && at > run.steps ? ["Diverged."] : lines;
}

// How the trainings stand at a step.
export function trainingSummary(runs, at) {
  const heights = runs.filter((run) => !(run.diverged && at > run.steps) && height(run, at) >= 0);
  const said = heights.map((run) => `${titleOf(run.name)} ${ratio(height(run, at))}`);
  return `${summary(runs, at)}${said.length ? ` Curvature over its edge: ${said.join(", ")}.` : ""}`;
}

// Python that runs as pasted and trains the same networks.
export function trainingPython(state) {
  const names = ["seed", "rho", "gamma", "beta1", "beta2", "eps", "steps"];
  return `# ${SURFACES[state.surface].title}
from rmsprop_lib.playground import train

settings = {
${names.map((name) => `    "${name}": ${state[name]},\n`).join("")}    "inside": ${state.inside ? "True" : "False"},
    "eta": {${state.on.map((name) => `"${name}": ${state.eta[name]}`).join(", ")}},
}
for optimizer in settings["eta"]:
    training = train(optimizer, settings)
    steps, height = len(training.loss) - 1, training.curvature[-1] / training.edge
    print(f"{optimizer:9} after {steps} steps: loss {training.loss[-1]:.6g}, curvature over its edge {height:.4f}")
`;
}
