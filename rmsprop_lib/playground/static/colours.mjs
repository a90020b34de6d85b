// The colours of the pictures: those of the optimizers, of the page around, and of heights.

// A colour on white, one on black, a dash and a mark for each optimizer, as in the book's figures. Those of the family
// have open marks.
export const LOOKS = {
  sgd: ["#3b3b3b", "#d8d8d8", [], "●"],
  momentum: ["#b8420f", "#ff8a5c", [8, 3], "■"],
  nesterov: ["#8c2d04", "#ffc0a6", [2, 2], "▶"],
  adagrad: ["#0a62a8", "#6cb6f5", [2, 2], "▲"],
  rmsprop: ["#00734f", "#40c79a", [8, 3, 2, 3], "◆"],
  centered: ["#9a3f86", "#e79bd4", [12, 3], "▼"],
  rmspropm: ["#1f6f78", "#6fd0da", [5, 2, 2, 2, 2, 2], "✚"],
  adam: ["#8a5a00", "#e6b450", [], "★"],
  adadelta: ["#0c8474", "#7ff0dc", [10, 2, 2, 2, 2, 2], "△"],
  adamax: ["#7a6a00", "#e8dc5a", [5, 2], "▽"],
  nadam: ["#b36200", "#ff9c33", [4, 4], "▷"],
  radam: ["#6b3f14", "#c99a6b", [12, 4, 4, 4], "◁"],
  laprop: ["#2477ad", "#9ad4ff", [5, 2, 2, 2], "☆"],
  adabelief: ["#b5479d", "#ffc2f0", [2, 4], "○"],
  yogi: ["#577300", "#b4d63c", [14, 2, 3, 2], "□"],
  lion: ["#8b1e3f", "#ff7fa0", [7, 4], "◇"],
  own: ["#c8007a", "#ff5cc0", [], "✦"], // a reader's rule
};

// What to draw with, from what the text around has; the system's own colours where it forces them.
export function themeOf(node) {
  const { color: ink, fontFamily: font } = getComputedStyle(node);
  const dark = ink.match(/[\d.]+/g).slice(0, 3).reduce((sum, x) => sum + Number(x), 0) > 380;
  const forced = matchMedia("(forced-colors: active)").matches;
  const colour = (name) => (forced ? ink : LOOKS[name][dark ? 1 : 0]);
  return { ink, font, dark, forced, paper: dark ? "#12161c" : "#fff", accent: forced ? ink : dark ? "#ffb000" : "#c00000", colour };
}

// From lightness, chroma and hue (OKLCH, in which equal steps look equal) to what a screen shows.
function screened(lightness, chroma, hue) {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((x) => Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055)));
}

// Heights from the lowest to the highest as 64 colours, the lowest brightest: from sand over green to blue, and in the
// dark from green to violet. Lightness falls evenly. Where colours are forced, the ink in as many strengths.
const SHADES = 64;
const ramps = {};
export function ramp({ ink, dark, forced }) {
  const shade = (u) => {
    if (forced) return [...ink.match(/[\d.]+/g).slice(0, 3).map(Number), 130 * (1 - u)];
    return [...(dark ? screened(0.43 - 0.25 * u, 0.07, 165 + 115 * u) : screened(0.97 - 0.3 * u, 0.04 + 0.05 * u, 100 + 150 * u)), 255];
  };
  return (ramps[`${[ink, dark, forced]}`] ??= Array.from({ length: SHADES }, (_, k) => shade(k / (SHADES - 1))));
}
