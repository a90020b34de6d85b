// What a playground shows of a kind of surface: of a plane, down which points race, or of a network that is trained.
// begin makes the runs of a state, advance goes on with them for a frame and says whether there is more to do; columns
// and cells are the table's, curves the small pictures.

import { squaresOf } from "./edges.mjs";
import { drawEdge, drawFit } from "./network_view.mjs";
import { measurement, trainingCells, trainingLines, trainingPython, trainingSummary } from "./network_words.mjs";
import { race } from "./race.mjs";
import { SURFACES, accumulatorsOf, titleOf } from "./state.mjs";
import { EVERY, advance, trainings, unfinished } from "./training.mjs";
import { drawCurves, drawRace } from "./view.mjs";
import { effectiveRate, equations, python, shown, squares, summary } from "./words.mjs";

const overSteps = (what) => `${what} over the steps, on a logarithmic axis`;
// What of the squares is drawn: v, and who of the runs calls it otherwise.
function symbolsOf(runs) {
  const symbols = runs.map(({ name }) => [titleOf(name), accumulatorsOf(name)[squaresOf(name)] ?? "v"]);
  const others = symbols.filter(([, symbol]) => symbol !== "v");
  return `v${others.map(([title, symbol]) => `, for ${title} ${symbol}`).join("")}${others.length ? "," : ""}`;
}
const PLANE = {
  begin: (state) => race(state),
  advance: () => false,
  reached: (runs, state) => state.steps,
  columns: ["loss", "x", "y", "effective rate"],
  cells(run, at, state) {
    const t = Math.min(at, run.steps);
    const loss = run.diverged && at > run.steps ? "diverged" : shown(run.loss[t], 3);
    const rates = [0, 1].map((k) => (t ? effectiveRate(run, t, k, state) : NaN)).map((x) => (x >= 0 ? shown(x, 3) : "–"));
    return [loss, shown(run.theta[2 * t]), shown(run.theta[2 * t + 1]), rates.join(", ")];
  },
  curves: [
    [() => "loss", (run, t) => run.loss[t]],
    [(axis, runs) => `${symbolsOf(runs)} of ${"xy"[axis]}`, (run, t, axis) => (t && squares(run, t, axis)) || NaN],
    [
      (axis) => `effective rate of ${"xy"[axis]}`,
      (run, t, axis, state) => (t ? effectiveRate(run, t, axis, state) : NaN),
    ],
  ].map(([title, value]) => ({
    title,
    label: (axis, runs) => overSteps(title(axis, runs)),
    draw(canvas, state, runs, at, axis, theme) {
      drawCurves(canvas, runs, (run, t) => value(run, t, axis, state), state.steps, at, theme);
    },
  })),
  draw: drawRace,
  label: (state, runs, at) =>
    `${SURFACES[state.surface].title}: paths of ${runs.map((run) => titleOf(run.name)).join(", ")} up to step ${at}. ` +
    "The table of optimizers says where they are.",
  lines: equations,
  summary,
  python,
};

const overTraining = (title, value) => ({
  title: () => title,
  label: () => overSteps(title),
  draw(canvas, state, runs, at, axis, theme) {
    drawCurves(canvas, runs, value, state.steps, at, theme, EVERY);
  },
});
const NETWORK = {
  begin: trainings,
  advance: (runs) => advance(runs),
  reached: (runs, state) => Math.min(state.steps, ...unfinished(runs).map((run) => run.steps)),
  columns: ["loss", "curvature λ", "edge", "λ / edge"],
  cells: trainingCells,
  curves: [
    {
      title: () => "the points, and each network’s curve",
      label: () => "The twenty points, and the outputs of each network between them",
      draw: (canvas, state, runs, at, axis, theme) => drawFit(canvas, state, runs, at, theme),
    },
    overTraining("loss", (run, t) => run.loss[t]),
    overTraining("curvature λ", (run, t) => run.curvature[measurement(run, t)]),
  ],
  draw: drawEdge,
  label: (state, runs, at) =>
    `${SURFACES[state.surface].title}: the largest curvature of ${runs.map((run) => titleOf(run.name)).join(", ")} ` +
    `over the edge of each, up to step ${at}. The table of optimizers has the numbers.`,
  lines: (run, at, axis, state) => trainingLines(run, at, state),
  summary: trainingSummary,
  python: trainingPython,
};
const SCENES = { plane: PLANE, network: NETWORK };
export const kindOf = (surface) => SURFACES[surface].kind ?? "plane";
export const sceneOf = (state) => SCENES[kindOf(state.surface)];
