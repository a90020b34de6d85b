// The parts that the playground is put together from. No state of a playground is ever read as markup.

import { clamp, rounded } from "./state.mjs";
import { shown } from "./words.mjs";

export const MARKUP = `
<div class="playground">
  <div class="row">
    <label class="name">Surface <select id="surface"></select></label>
    <button id="best" class="plane">Best rates</button>
    <button id="reset">Reset</button>
  </div>
  <p id="about"></p>
  <p id="look"></p>
  <div class="main">
    <div class="stage"><canvas id="race" role="img"></canvas><button id="handle" class="plane"></button></div>
    <div class="curves" id="curves">
      <label class="name plane">Curves and equations of <select id="coordinate"><option>x</option><option>y</option></select></label>
    </div>
    <div class="row time">
      <button id="play"></button>
      <button id="back" aria-label="One step back">−1</button>
      <button id="forth" aria-label="One step on">+1</button>
      <input id="step" type="range" min="0" aria-label="Step"><span id="at" class="value"></span>
    </div>
  </div>
  <p id="status" role="status"></p>
  <div class="sliders" id="special"></div>
  <div class="scroll" tabindex="0" role="region" aria-label="Optimizers and where they are">
    <table>
      <thead><tr id="columns"></tr></thead>
      <tbody id="entrants"></tbody>
      <tbody id="own"></tbody>
      <tbody id="family">
        <tr><th scope="rowgroup" colspan="6"><button id="unfold">The family of RMSprop and Adam</button></th></tr>
      </tbody>
    </table>
  </div>
  <details id="more">
    <summary>More settings: decays, noise, length</summary>
    <div class="sliders" id="settings"></div>
    <div class="row">
      <label class="name">ρ and ε of <select id="preset"><option value="">the sliders</option></select></label>
    </div>
  </details>
  <details id="numbers">
    <summary>This step in numbers</summary>
    <div class="equations" id="equations"></div>
  </details>
  <details id="mapped" class="plane">
    <summary>Map: where an optimizer ends, by rate and decay</summary>
    <div class="row"><label class="name">Optimizer <select id="focus"></select></label></div>
    <button id="map"><canvas></canvas></button>
    <p>The learning rate η grows to the right from 1e−5 to 10, <span id="decay"></span> upwards. Brighter is a lower
      loss, a dot has diverged. A click or the arrow keys set both, Enter takes the lowest loss. Runs of at most 200 steps.</p>
  </details>
  <div class="row">
    <button id="link"></button>
    <button id="python">Copy as Python</button>
    <button id="save">Save picture</button>
  </div>
</div>`;

// An element with properties and children.
export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Every element of a tree that has an id, by it.
export const byId = (root) => Object.fromEntries([...root.querySelectorAll("[id]")].map((node) => [node.id, node]));

// Between the values of a range and its positions in [0, 1].
const linear = [(u, low, high) => low + (high - low) * u, (v, low, high) => (v - low) / (high - low)];
const SCALES = {
  linear,
  whole: linear,
  log: [(u, low, high) => low * (high / low) ** u, (v, low, high) => Math.log(v / low) / Math.log(high / low)],
  decay: [(u, low, high) => 1 - (1 - high) ** u, (v, low, high) => Math.log(1 - v) / Math.log(1 - high)],
};
export const toPosition = ([low, high, , scale], value) => SCALES[scale][1](value, low, high);
export function toValue([low, high, , scale], position) {
  const value = clamp(SCALES[scale][0](clamp(position, 0, 1), low, high), low, high);
  if (scale === "whole") return Math.round(value);
  // A decay near 1 is told by its distance from 1.
  const near = scale === "decay" ? 1 - Number((1 - value).toPrecision(2)) : Number(value.toPrecision(3));
  return clamp(rounded(near), low, high);
}

// A slider with its value beside it, which is also what is spoken. Its range can be another at every update.
export function slider(range, label, set) {
  const input = make("input", { type: "range", min: 0, max: 1 });
  const value = make("span", { className: "value" });
  let [now, ends] = [];
  const update = (next, given = range) => {
    if (next === now && `${given}` === ends) return;
    [now, ends, range] = [next, `${given}`, given];
    input.step = range[3] === "whole" ? 1 / (range[1] - range[0]) : 0.001;
    if (toValue(range, Number(input.value)) !== next) input.value = toPosition(range, next);
    value.textContent = shown(next, 6);
    input.setAttribute("aria-valuetext", value.textContent);
  };
  input.setAttribute("aria-label", label);
  input.addEventListener("input", () => set(toValue(range, Number(input.value))));
  const [symbol, , name = symbol] = range.slice(4);
  const words = make("span", { className: "words" }, name === symbol ? "" : `${name} `, make("b", {}, symbol));
  const node = make("label", { className: "slider", title: label }, words, input, value);
  return { node, update };
}
