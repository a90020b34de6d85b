// The state of a playground, and its address: the text behind # that holds all of it.

import SETTINGS from "./settings.json";

// numbers: name → [smallest, largest, default, scale, symbol, what it is]; rate: the same for learning rates;
// optimizers: name → [title, accumulators, learning rate, shown at first?, the decay that its map varies, folded under
// "the family"?].
export const { numbers: NUMBERS, rate: RATE, optimizers: OPTIMIZERS, surfaces: SURFACES, presets: PRESETS } = SETTINGS;
export const NAMES = Object.keys(OPTIMIZERS);
// A rule that a reader has written: it has no address, and stands in none of the tables.
export const OWN = "own";
export const titleOf = (name) => (name === OWN ? "Your rule" : OPTIMIZERS[name][0]);
export const accumulatorsOf = (name) => OPTIMIZERS[name]?.[1] ?? [];
export const inFamily = (name) => Boolean(OPTIMIZERS[name][5]);
// Settings that only some surfaces have.
export const SPECIAL = new Set(Object.values(SURFACES).flatMap(({ settings }) => settings));
// The range of a number on a surface.
export function rangeOf(surface, name) {
  const [low, high] = SURFACES[surface].ranges?.[name] ?? NUMBERS[name];
  return [low, high, ...NUMBERS[name].slice(2)];
}
const LONGEST = 2000;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
// All numbers of a state have six digits, so that an address gives exactly the state that it was made from.
export const rounded = (x) => Number(x.toPrecision(6));
const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
const each = (object, of) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, of(value)]));

export const defaults = (surface = "ravine") => ({
  surface,
  ...each(NUMBERS, ([, , value]) => value),
  ...SURFACES[surface].defaults,
  inside: false, // whether ε stands inside the root
  start: SURFACES[surface].start ? [...SURFACES[surface].start] : null, // a network has none but its seed
  on: NAMES.filter((name) => OPTIMIZERS[name][3]),
  eta: { ...each(OPTIMIZERS, ([, , eta]) => eta), ...SURFACES[surface].rates },
  at: null, // the step that is looked at; null is the last
});

// What differs from the defaults of the surface.
export function toAddress(state) {
  const base = defaults(state.surface);
  const parts = [`surface=${state.surface}`];
  const add = (key, value, usual) => `${value}` === `${usual}` || parts.push(`${key}=${value}`);
  for (const key in NUMBERS) add(key, state[key], base[key]);
  add("inside", Number(state.inside), 0);
  add("start", state.start, base.start);
  add("on", state.on, base.on);
  for (const name of NAMES) add(`eta.${name}`, state.eta[name], base.eta[name]);
  add("at", state.at, null);
  return parts.join("&");
}

// A state from any text, and the names of what was not taken as it stood: what makes no sense is left at its default,
// what is out of its range is brought into it.
export function fromAddress(text) {
  text = String(text).replace(/^#/, "");
  if (text.length > LONGEST) return { state: defaults(), refused: ["all of it, as it is too long"] };
  const given = new Map();
  const refused = new Set();
  for (const part of text.split("&").filter(Boolean)) {
    const [key, value = ""] = part.split(/=(.*)/s);
    try {
      if (given.has(key)) refused.add(key);
      else given.set(key, decodeURIComponent(value));
    } catch {
      refused.add(key);
    }
  }
  const surface = given.get("surface");
  const known = surface !== undefined && has(SURFACES, surface);
  if (surface !== undefined && !known) refused.add("surface");
  given.delete("surface");
  const state = defaults(known ? surface : undefined);
  for (const [key, value] of given) {
    const number = ([low, high, , scale], written = value) => {
      if (!NUMBER.test(written) || !Number.isFinite(Number(written))) throw RangeError();
      const x = Number(written);
      if (x < low || x > high) refused.add(key);
      return scale === "whole" ? Math.round(clamp(x, low, high)) : rounded(clamp(x, low, high));
    };
    const name = key.slice(4);
    try {
      if (has(NUMBERS, key)) state[key] = number(rangeOf(state.surface, key));
      else if (key.startsWith("eta.") && has(OPTIMIZERS, name)) state.eta[name] = number(RATE);
      else if (key === "at") state.at = number([0, rangeOf(state.surface, "steps")[1], 0, "whole"]);
      else if (key === "inside" && /^[01]$/.test(value)) state.inside = value === "1";
      else if (key === "start") {
        const [x, y, ...more] = value.split(",");
        if (y === undefined || more.length || !state.start) throw RangeError();
        const [x0, x1, y0, y1] = SURFACES[state.surface].box;
        state.start = [number([x0, x1], x), number([y0, y1], y)];
      } else if (key === "on") {
        const names = value.split(",");
        if (names.some((other) => !has(OPTIMIZERS, other))) throw RangeError();
        state.on = NAMES.filter((other) => names.includes(other));
      } else throw RangeError();
    } catch {
      refused.add(key);
    }
  }
  if (state.at !== null && state.at >= state.steps) state.at = null;
  return { state, refused: [...refused].map((key) => key.slice(0, 20)) };
}
