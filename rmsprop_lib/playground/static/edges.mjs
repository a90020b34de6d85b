// How far out the curvature may be: with P, the diagonal matrix of what divides the gradient, held fixed, a run on a
// quadratic converges if the largest eigenvalue of P⁻¹H is below the optimizer's edge (chapter 15). The same table is in
// rmsprop_lib/playground/edges.py.

import { accumulatorsOf } from "./state.mjs";

// The edge times the learning rate, as a formula and as a number. An optimizer without a row is trained without an edge.
// Where gradients are averaged, when the corrections of the averages have faded.
const OF_AN_AVERAGE = ["2(1 + β₁)/(1 − β₁)", ({ beta1 }) => (2 * (1 + beta1)) / (1 - beta1)];
const EDGES = {
  sgd: ["2", () => 2],
  momentum: ["2(1 + γ)", ({ gamma }) => 2 * (1 + gamma)],
  nesterov: ["2(1 + γ)/(1 + 2γ)", ({ gamma }) => (2 * (1 + gamma)) / (1 + 2 * gamma)],
  adagrad: ["2", () => 2],
  rmsprop: ["2", () => 2],
  centered: ["2", () => 2],
  rmspropm: ["2(1 + γ)", ({ gamma }) => 2 * (1 + gamma)],
  adam: OF_AN_AVERAGE,
  adadelta: ["2", () => 2],
  adamax: OF_AN_AVERAGE,
  // Nesterov's step with γ = β₁ and the rate (1 − β₁)η.
  nadam: ["2(1 + β₁)/((1 − β₁)(1 + 2β₁))", ({ beta1 }) => (2 * (1 + beta1)) / ((1 - beta1) * (1 + 2 * beta1))],
  radam: OF_AN_AVERAGE,
  laprop: OF_AN_AVERAGE,
  adabelief: OF_AN_AVERAGE,
  yogi: OF_AN_AVERAGE,
};
export const edgeOf = (name, h) => (EDGES[name] ? EDGES[name][1](h) / h.eta[name] : NaN);
export const edgeFormula = (name) => EDGES[name]?.[0];

// Which of an optimizer's accumulators holds squares, or for AdaMax the largest gradient; −1 if none does, and P is the
// identity.
export const squaresOf = (name) => accumulatorsOf(name).findIndex((symbol) => "Gvsu".includes(symbol));
