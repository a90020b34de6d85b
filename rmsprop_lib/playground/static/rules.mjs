// The update rules of the book, operation by operation as in rmsprop_lib/rules.py, for one coordinate.
// Each takes the gradient, the accumulators s (an array that it overwrites), the step number from 1 and the settings h,
// and returns the direction d; the step is θ − η d.

import { power } from "./power.mjs";

const ema = (average, x, rho) => rho * average + (1 - rho) * x;
export const root = (v, h) => (h.inside ? Math.sqrt(v + h.eps) : Math.sqrt(v) + h.eps);

// What divides the gradient, or the average of gradients, at step t, where v is the accumulator of squares.
export const divisor = (name, v, t, h) => (name === "adam" ? Math.sqrt(v / (1 - power(h.beta2, t))) + h.eps : root(v, h));

function rmsprop(g, s, t, h) {
  s[0] = ema(s[0], g * g, h.rho);
  return g / root(s[0], h);
}

export const STEPS = {
  sgd: (g) => g,
  momentum: (g, s, t, h) => (s[0] = h.gamma * s[0] + g),
  nesterov: (g, s, t, h) => g + h.gamma * (s[0] = h.gamma * s[0] + g),
  adagrad: (g, s, t, h) => g / root((s[0] = s[0] + g * g), h),
  rmsprop,
  centered(g, s, t, h) {
    s[0] = ema(s[0], h.rho * (g - s[1]) * (g - s[1]), h.rho);
    s[1] = ema(s[1], g, h.rho);
    return g / root(s[0], h);
  },
  rmspropm: (g, s, t, h) => (s[1] = h.gamma * s[1] + rmsprop(g, s, t, h)),
  adam(g, s, t, h) {
    s[0] = ema(s[0], g, h.beta1);
    s[1] = ema(s[1], g * g, h.beta2);
    const m = s[0] / (1 - power(h.beta1, t));
    const v = s[1] / (1 - power(h.beta2, t));
    return m / (Math.sqrt(v) + h.eps); // always outside, as in every framework
  },
};
