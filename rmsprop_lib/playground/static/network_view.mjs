// Pictures of the trainings: the curvature against the edge, and what the networks make of their points.

import { LOOKS } from "./colours.mjs";
import { INPUTS, POINTS, SIZE, fitted, target } from "./network.mjs";
import { measurement } from "./network_words.mjs";
import { EVERY } from "./training.mjs";
import { context, drawSign } from "./view.mjs";

const TOP = 1.75; // of the picture, in units of the edge
const [LEFT, FOOT] = [50, 24];

function along(ctx, run, theme, points) {
  Object.assign(ctx, { strokeStyle: theme.colour(run.name), lineWidth: 2 });
  ctx.setLineDash(LOOKS[run.name][2]);
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

// The largest eigenvalue of P⁻¹H over the edge of each optimizer, step by step.
export function drawEdge(canvas, state, runs, at, theme) {
  const { ctx, width, height: tall } = context(canvas);
  const toX = (t) => LEFT + (t / state.steps) * (width - LEFT - 16);
  const toY = (v) => 6 + (1 - v / TOP) * (tall - FOOT - 6);
  ctx.fillStyle = theme.ink;
  ctx.globalAlpha = 0.07;
  ctx.fillRect(LEFT, 0, width - LEFT, toY(1));
  ctx.globalAlpha = 1;
  Object.assign(ctx, { font: `13px ${theme.font}`, textBaseline: "middle", textAlign: "right" });
  for (const v of [0, 0.5, 1, 1.5]) ctx.fillText(v === 1 ? "edge 1" : String(v), LEFT - 4, toY(v));
  ctx.fillText("unstable", width - 10, toY(TOP - 0.09));
  ctx.fillText("stable", width - 10, toY(0.07));
  ctx.textAlign = "left";
  ctx.fillText("curvature λ over the edge", LEFT + 8, toY(TOP - 0.09));
  ctx.textBaseline = "bottom";
  for (let k = 0; k <= 4; k++) {
    ctx.textAlign = ["left", "center", "center", "center", "right"][k];
    const t = Math.round((k * state.steps) / 4);
    ctx.fillText(k ? String(t) : "step 0", k < 4 ? toX(t) : width - 6, tall - 3);
  }
  ctx.globalAlpha = 0.25;
  ctx.fillRect(LEFT, toY(0), width - LEFT, 1);
  if (at < state.steps) ctx.fillRect(toX(at), 0, 1, toY(0));
  ctx.globalAlpha = 1;
  ctx.fillStyle = theme.accent;
  ctx.fillRect(LEFT, toY(1) - 1, width - LEFT, 2);
  ctx.save();
  ctx.beginPath();
  ctx.rect(LEFT, 0, width - LEFT, tall - FOOT);
  ctx.clip();
  for (const run of runs) {
    const points = [];
    for (let k = 1; k <= measurement(run, at); k++) points.push([toX(k * EVERY), toY(Math.max(-1, Math.min(9, run.curvature[k] / run.edge)))]);
    if (!points.length) continue;
    along(ctx, run, theme, points);
    ctx.fillStyle = theme.colour(run.name);
    const [x, y] = points.at(-1);
    drawSign(ctx, run.diverged && at > run.steps ? "✕" : LOOKS[run.name][3], x, Math.max(10, Math.min(tall - FOOT, y)), 14, theme.forced ? null : theme.paper);
  }
  ctx.restore();
}

// The points, and each network's output between them.
export function drawFit(canvas, state, runs, at, theme) {
  const { ctx, width, height: tall } = context(canvas);
  const toX = (x) => 10 + ((x + 1) / 2) * (width - 20);
  const toY = (y) => tall / 2 - (y / 1.5) * (tall / 2);
  for (const run of runs) {
    const from = measurement(run, at) * SIZE;
    const theta = run.weights.subarray(from, from + SIZE);
    along(ctx, run, theme, Array.from({ length: 101 }, (_, k) => [toX(-1 + k / 50), toY(fitted(theta, -1 + k / 50))]));
  }
  ctx.fillStyle = theme.ink;
  for (let p = 0; p < POINTS; p++) {
    ctx.beginPath();
    ctx.arc(toX(INPUTS[p]), toY(target(INPUTS[p])), 2.6, 0, 2 * Math.PI);
    ctx.fill();
  }
}
