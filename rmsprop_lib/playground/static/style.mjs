// The playground's style. Widths follow its container, not the window; colours follow the text around it.
export const STYLE = `
:host { display: block; container-type: inline-size; color: inherit; font-size: 0.95em; line-height: 1.4; text-align: left; }
* { box-sizing: border-box; }
.playground { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.7em; }
.row { display: flex; flex-wrap: wrap; gap: 0.5em; align-items: center; }
.row + .row, .equations { margin-top: 0.6em; }
.main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.7em 1em; }
@container (min-width: 600px) {
  .main { grid-template-columns: minmax(0, 1fr) minmax(0, 1.05fr); }
  .time { grid-area: 2 / 1 / 3 / 3; }
}
p { margin: 0; }
#status { min-height: 1.4em; }
textarea { width: 100%; font: 0.9em ui-monospace, monospace; }
canvas { display: block; width: 100%; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); }
.stage { position: relative; max-width: 640px; }
.stage canvas { aspect-ratio: 1; }
#handle { position: absolute; width: 28px; height: 28px; padding: 0; margin: -14px; border: 3px solid; border-radius: 50%;
  touch-action: none; cursor: grab; }
#step { flex: 1 1 3em; width: auto; }
button, select { font: inherit; color: inherit; background: transparent; min-height: 28px; min-width: 28px; max-width: 100%;
  padding: 0.1em 0.6em; border: 1px solid; border-radius: 4px; cursor: pointer; }
option { color: CanvasText; background: Canvas; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }
input { margin: 0; accent-color: currentColor; }
input[type="range"] { height: 24px; width: 100%; min-width: 0; }
input[type="checkbox"] { flex: none; width: 24px; height: 24px; }
.slider { display: grid; grid-template-columns: 3.2em 1fr 4.2em; gap: 0.4em; align-items: center; }
.slider[hidden] { display: none; }
.tick { display: flex; gap: 0.4em; align-items: center; }
.value, td { font-variant-numeric: tabular-nums; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; font-size: 0.95em; }
caption { text-align: left; font-weight: 600; }
th { text-align: left; font-weight: normal; }
:is(td, th):nth-child(n + 3) { text-align: right; padding-left: 0.7em; }
td .slider { grid-template-columns: minmax(5em, 1fr) 3.2em; }
td .slider span:first-child { display: none; }
.mark { width: 1.1em; text-align: center; }
fieldset { min-width: 0; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); margin: 0; align-self: start; }
.scroll { overflow-x: auto; }
.equations { display: grid; gap: 0.8em; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20em), 1fr)); }
.equations pre { margin: 0; font: 0.88em/1.5 ui-monospace, monospace; white-space: pre-wrap; }
.curves { display: grid; gap: 0.6em; grid-template-columns: repeat(auto-fit, minmax(min(100%, 190px), 1fr)); }
figure { margin: 0; } figure canvas { height: 130px; } figcaption { font-size: 0.9em; }
#map { display: block; width: 100%; padding: 0; border: 0; border-radius: 0; cursor: crosshair; touch-action: manipulation; }
#map canvas { height: 220px; } #map.stale canvas { opacity: 0.4; }
details > * + * { margin-top: 0.5em; } summary { cursor: pointer; min-height: 24px; font-weight: 600; }
`;
