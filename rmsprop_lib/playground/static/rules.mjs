// The update rules of the book, operation by operation as in rmsprop_lib/rules.py, for one coordinate.
// Each takes the gradient, the accumulators s (an array that it overwrites), the step number from 1 and the settings h,
// and returns the direction d; the step is θ − η d.

import { squaresOf } from "./edges.mjs";
import { power } from "./power.mjs";
import { OPTIMIZERS } from "./state.mjs";

const ema = (average, x, rho) => rho * average + (1 - rho) * x;
export const root = (v, h) => (h.inside ? Math.sqrt(v + h.eps) : Math.sqrt(v) + h.eps);
const corrected = (average, beta, t) => average / (1 - power(beta, t));
const correctedRoot = (v, t, h) => Math.sqrt(corrected(v, h.beta2, t)) + h.eps;

// By which RAdam shortens step t, with how many gradients its average of squares knows; 0 while they are too few.
export function rectification(beta, t) {
  const longest = 2 / (1 - beta) - 1;
  const length = longest - (2 * t * power(beta, t)) / (1 - power(beta, t));
  const [above, below] = [(length - 4) * (length - 2) * longest, (longest - 4) * (longest - 2) * length];
  return { length, longest, r: length > 5 ? Math.sqrt(above / below) : 0 };
}
function radamScale(v, t, h) {
  const { r } = rectification(h.beta2, t);
  return (r * Math.sqrt(1 - power(h.beta2, t))) / (Math.sqrt(v) + h.eps) + (r ? 0 : 1);
}

// What divides the gradient, or the average of gradients, at step t, where s are the accumulators. AdaDelta takes a step
// with the u from before it.
export function divisor(name, s, t, h) {
  const v = s[squaresOf(name)];
  if (name === "adadelta") return Math.sqrt(v + h.eps) / Math.sqrt(s[1] + h.eps);
  if (name === "adamax") return v;
  if (name === "radam") return 1 / radamScale(v, t, h);
  return OPTIMIZERS[name][1][0] === "m" ? correctedRoot(v, t, h) : root(v, h);
}

function rmsprop(g, s, t, h) {
  s[0] = ema(s[0], g * g, h.rho);
  return g / root(s[0], h);
}
function averages(g, s, h) {
  s[0] = ema(s[0], g, h.beta1);
  s[1] = ema(s[1], g * g, h.beta2);
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
    averages(g, s, h);
    return corrected(s[0], h.beta1, t) / correctedRoot(s[1], t, h); // ε always outside, as in every framework
  },
  // -- the family: chapter 20 --
  adadelta(g, s, t, h) {
    s[0] = ema(s[0], g * g, h.rho);
    const d = (Math.sqrt(s[1] + h.eps) / Math.sqrt(s[0] + h.eps)) * g;
    s[1] = ema(s[1], d * d, h.rho);
    return d;
  },
  adamax(g, s, t, h) {
    s[0] = ema(s[0], g, h.beta1);
    s[1] = Math.max(ema(s[1], 0, h.beta2), Math.sign(g) * g + h.eps);
    return corrected(s[0], h.beta1, t) / s[1];
  },
  nadam(g, s, t, h) {
    averages(g, s, h);
    const now = 1 - power(h.beta1, t);
    return ema(s[0] / ema(now, 1, h.beta1), g / now, h.beta1) / correctedRoot(s[1], t, h);
  },
  radam(g, s, t, h) {
    averages(g, s, h);
    return corrected(s[0], h.beta1, t) * radamScale(s[1], t, h);
  },
  laprop(g, s, t, h) {
    s[1] = ema(s[1], g * g, h.beta2);
    s[0] = ema(s[0], g / correctedRoot(s[1], t, h), h.beta1);
    return corrected(s[0], h.beta1, t);
  },
  adabelief(g, s, t, h) {
    s[0] = ema(s[0], g, h.beta1);
    s[1] = ema(s[1], (g - s[0]) * (g - s[0]), h.beta2) + h.eps;
    return corrected(s[0], h.beta1, t) / correctedRoot(s[1], t, h);
  },
  yogi(g, s, t, h) {
    s[0] = ema(s[0], g, h.beta1);
    s[1] = ema(s[1], s[1] - Math.sign(s[1] - g * g) * g * g, h.beta2);
    return corrected(s[0], h.beta1, t) / correctedRoot(s[1], t, h);
  },
  lion(g, s, t, h) {
    const d = Math.sign(ema(s[0], g, h.beta1));
    s[0] = ema(s[0], g, h.beta2);
    return d;
  },
};
