// Random numbers that are a function of where they are used, the same in JavaScript and Python to the last bit.
// Only exact arithmetic: 32-bit integers, and sums of multiples of 2^-32.

// Wellons' lowbias32: a bijection of 32-bit integers whose output bits depend on every input bit.
function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

// Uniform in [0, 1), for a seed and a counter.
export function uniform(seed, counter) {
  return mix((mix(seed) + counter) | 0) * 2 ** -32;
}

// Nearly normal with mean 0 and variance 1: twelve uniform numbers, less six. Never beyond ±6.
export function normal(seed, counter) {
  let sum = -6;
  for (let k = 0; k < 12; k++) sum += uniform(seed, 12 * counter + k);
  return sum;
}
