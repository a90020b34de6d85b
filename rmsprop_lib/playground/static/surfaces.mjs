// What is descended: values and gradients over the plane, by the formulas of rmsprop_lib/playground/surfaces.py.
// t is the step number from 1, on which some of them depend; h holds the settings, prepared.

import { uniform } from "./noise.mjs";
import { clamp } from "./state.mjs";

// Settings with the Hessian of the ravine: curvatures κ and 1, the steep axis turned by an angle.
export function prepared(h) {
  const c = Math.cos((h.angle * Math.PI) / 180);
  const s = Math.sin((h.angle * Math.PI) / 180);
  return { ...h, hessian: [h.kappa * c * c + s * s, (h.kappa - 1) * c * s, h.kappa * s * s + c * c] };
}

const ravine = {
  minimum: () => [0, 0],
  value: (x, y, t, { hessian: [a, b, d] }) => 0.5 * (a * x * x + 2 * b * x * y + d * y * y),
  gradient: (x, y, t, { hessian: [a, b, d] }) => [a * x + b * y, b * x + d * y],
};

// A point that goes to and fro between −2 and 2 at a speed per step, from 0.
function drift(t, speed) {
  const way = (speed * t + 2) % 8;
  return way < 4 ? way - 2 : 6 - way;
}

export const LANDSCAPES = {
  ravine,
  noisy: ravine,
  rosenbrock: {
    minimum: () => [1, 1],
    value: (x, y) => (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x),
    gradient: (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
  },
  beale: {
    minimum: () => [3, 0.5],
    value(x, y) {
      const [r, s, u] = [1.5 - x * (1 - y), 2.25 - x * (1 - y * y), 2.625 - x * (1 - y * y * y)];
      return r * r + s * s + u * u;
    },
    gradient(x, y) {
      const [r, s, u] = [1.5 - x * (1 - y), 2.25 - x * (1 - y * y), 2.625 - x * (1 - y * y * y)];
      return [
        -2 * (r * (1 - y) + s * (1 - y * y) + u * (1 - y * y * y)),
        2 * x * (r + 2 * y * s + 3 * y * y * u),
      ];
    },
  },
  saddle: {
    minimum: () => null,
    value: (x, y) => 0.5 * (x * x - y * y),
    gradient: (x, y) => [x, -y],
  },
  drifting: {
    minimum: (t, h) => [drift(t, h.speed), 0],
    value(x, y, t, h) {
      const u = x - drift(t, h.speed);
      return 0.5 * (u * u + y * y);
    },
    gradient: (x, y, t, h) => [x - drift(t, h.speed), y],
  },
  sparse: {
    minimum: () => [0, 0],
    value: (x, y) => 0.5 * (x * x + y * y),
    gradient: (x, y, t, h) => [x, uniform(h.seed + 1, t) < h.share ? y : 0],
  },
  // The ripple (1 − s²)² is a polynomial between two whole numbers, where s goes from −1 to 1.
  bumps: {
    minimum: () => [0, 0],
    value(x, y, t, { height }) {
      const s = 2 * (Math.abs(x) % 1) - 1;
      const q = 1 - s * s;
      return 0.5 * (0.2 * x * x + y * y) + height * (q * q);
    },
    gradient(x, y, t, { height }) {
      const s = 2 * (Math.abs(x) % 1) - 1;
      const slope = 8 * height * s * (1 - s * s);
      return [0.2 * x + (x < 0 ? slope : -slope), y];
    },
  },
  reddi: {
    minimum: () => [-1, 0],
    // The mean of the three gradients of x is (C − 2)/3; x has to stay in [−1, 1].
    value: (x, y, t, h) => ((h.large - 2) / 3) * (x + 1) + 0.5 * y * y,
    gradient: (x, y, t, h) => [t % 3 === 1 ? h.large : -1, y],
    project: (x, y) => [clamp(x, -1, 1), y],
  },
};
