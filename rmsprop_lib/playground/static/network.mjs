// The network that is trained, by the formulas of rmsprop_lib/playground/network.py: one input, two hidden layers of
// eight tanh units and one output, on twenty points. Parameters are one vector: weights and biases, layer by layer.
// At its edge of stability a training magnifies the last digit of a sum until nothing is left of it. So that it is the
// same in every browser and in Python, what goes into a step is added in one order, and tanh is made of exact operations.

import { normal } from "./noise.mjs";

const HIDDEN = 8;
export const POINTS = 20;
const [B1, W2, B2] = [HIDDEN, 2 * HIDDEN, (2 + HIDDEN) * HIDDEN]; // where each begins; the first weights at 0
const [W3, B3] = [B2 + HIDDEN, B2 + 2 * HIDDEN];
export const SIZE = B3 + 1;

export const target = (x) => 8 * x * x * (x * x - 1) + 1; // the Chebyshev polynomial of degree four
export const INPUTS = Float64Array.from({ length: POINTS }, (_, p) => -1 + (2 * p) / (POINTS - 1));
const OUTPUTS = INPUTS.map(target);

// Nearly to the last digit: 1 − 2/(e^(2|x|) + 1), with x's sign, and the series of the exponential.
const [LOG2E, LN2_HIGH, LN2_LOW] = [1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10];
const FACTORIALS = [1];
for (let k = 1; k <= 13; k++) FACTORIALS[k] = FACTORIALS[k - 1] * k;
const COEFFICIENTS = Float64Array.from(FACTORIALS, (f) => 1 / f);
const DOUBLED = [1];
for (let k = 1; k < 64; k++) DOUBLED[k] = 2 * DOUBLED[k - 1];
function tanh(x) {
  const y = Math.min(2 * Math.abs(x), 40);
  const k = Math.floor(y * LOG2E + 0.5);
  const r = y - k * LN2_HIGH - k * LN2_LOW;
  let power = COEFFICIENTS[13];
  for (let n = 12; n >= 0; n--) power = power * r + COEFFICIENTS[n];
  const size = 1 - 2 / (power * DOUBLED[k] + 1);
  return x < 0 ? -size : size;
}

// Parameters to begin with: weights of variance one over the inputs of their unit, biases zero.
export function initial(seed) {
  const theta = new Float64Array(SIZE);
  for (let i = 0; i < B1; i++) theta[i] = normal(seed, i);
  for (let i = W2; i < B2; i++) theta[i] = normal(seed, i) / Math.sqrt(HIDDEN);
  for (let i = W3; i < B3; i++) theta[i] = normal(seed, i) / Math.sqrt(HIDDEN);
  return theta;
}

// Room for a pass over all points, which later passes overwrite: activations, what comes back to each layer (u before
// and d behind the slope of tanh), loss and gradient.
export function room() {
  const layer = () => new Float64Array(POINTS * HIDDEN);
  const [d3, gradient] = [new Float64Array(POINTS), new Float64Array(SIZE)];
  return { a1: layer(), a2: layer(), u1: layer(), d2: layer(), d3, loss: 0, gradient };
}

function forward(theta, x, a1, a2, from) {
  for (let i = 0; i < HIDDEN; i++) a1[from + i] = tanh(x * theta[i] + theta[B1 + i]);
  let y = 0;
  for (let j = 0; j < HIDDEN; j++) {
    let z = 0;
    for (let i = 0; i < HIDDEN; i++) z += a1[from + i] * theta[W2 + HIDDEN * i + j];
    a2[from + j] = tanh(z + theta[B2 + j]);
    y += a2[from + j] * theta[W3 + j];
  }
  return y + theta[B3];
}

const unit = [new Float64Array(HIDDEN), new Float64Array(HIDDEN)];
export const fitted = (theta, x) => forward(theta, x, ...unit, 0);

// Half the mean square error and its gradient, and what is between.
export function pass(theta, at) {
  const { a1, a2, u1, d2, d3, gradient } = at;
  gradient.fill(0);
  at.loss = 0;
  for (let p = 0; p < POINTS; p++) {
    const k = HIDDEN * p;
    const residual = forward(theta, INPUTS[p], a1, a2, k) - OUTPUTS[p];
    at.loss += (residual * residual) / (2 * POINTS);
    d3[p] = residual / POINTS;
    gradient[B3] += d3[p];
    for (let j = 0; j < HIDDEN; j++) {
      const a = a2[k + j];
      const d = d3[p] * theta[W3 + j] * (1 - a * a);
      d2[k + j] = d;
      gradient[W3 + j] += a * d3[p];
      gradient[B2 + j] += d;
    }
    for (let i = 0; i < HIDDEN; i++) {
      const a = a1[k + i];
      const w = W2 + HIDDEN * i;
      let u = 0;
      for (let j = 0; j < HIDDEN; j++) {
        const d = d2[k + j];
        u += d * theta[w + j];
        gradient[w + j] += a * d;
      }
      const d = u * (1 - a * a);
      u1[k + i] = u;
      gradient[i] += INPUTS[p] * d;
      gradient[B1 + i] += d;
    }
  }
}

// The Hessian times q, into out: the derivative along q of every line of the pass, the R-operator of Pearlmutter 1994.
const [R1, R2, E2] = [0, 1, 2].map(() => new Float64Array(HIDDEN));
export function hessianProduct(theta, at, q, out) {
  const { a1, a2, u1, d2, d3 } = at;
  out.fill(0);
  for (let p = 0; p < POINTS; p++) {
    const k = HIDDEN * p;
    for (let i = 0; i < HIDDEN; i++) R1[i] = (1 - a1[k + i] * a1[k + i]) * (INPUTS[p] * q[i] + q[B1 + i]);
    let e3 = q[B3];
    for (let j = 0; j < HIDDEN; j++) {
      const a = a2[k + j];
      let z = q[B2 + j];
      for (let i = 0, w = W2 + j; i < HIDDEN; i++, w += HIDDEN) z += R1[i] * theta[w] + a1[k + i] * q[w];
      R2[j] = (1 - a * a) * z;
      e3 += R2[j] * theta[W3 + j] + a * q[W3 + j];
    }
    e3 /= POINTS;
    out[B3] += e3;
    for (let j = 0; j < HIDDEN; j++) {
      const a = a2[k + j];
      const w = theta[W3 + j];
      const e2 = (e3 * w + d3[p] * q[W3 + j]) * (1 - a * a) - 2 * a * R2[j] * d3[p] * w;
      E2[j] = e2;
      out[W3 + j] += R2[j] * d3[p] + a * e3;
      out[B2 + j] += e2;
    }
    for (let i = 0; i < HIDDEN; i++) {
      const a = a1[k + i];
      const r = R1[i];
      const w = W2 + HIDDEN * i;
      let e = 0;
      for (let j = 0; j < HIDDEN; j++) {
        const d = d2[k + j];
        const e2 = E2[j];
        e += e2 * theta[w + j] + d * q[w + j];
        out[w + j] += r * d + a * e2;
      }
      const e1 = e * (1 - a * a) - 2 * a * r * u1[k + i];
      out[i] += INPUTS[p] * e1;
      out[B1 + i] += e1;
    }
  }
}
