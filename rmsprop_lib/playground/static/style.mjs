// The playground's style. Widths follow its container, not the window; colours and typefaces follow the text around it.
export const STYLE = `
:host { display: block; container-type: inline-size; color: inherit; text-align: left;
  font: 1rem/1.4 var(--book-interface, system-ui, sans-serif); }
* { box-sizing: border-box; }
.playground { --line: color-mix(in srgb, currentColor 28%, transparent); --fill: color-mix(in srgb, currentColor 6%, transparent);
  --accent: var(--book-blue, currentColor); display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.8rem; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.row > .name { margin-inline-end: auto; }
.row + .row, .equations { margin-top: 0.6rem; }
.name { display: flex; flex-wrap: wrap; gap: 0.2em 0.5em; align-items: center; min-width: 0; max-width: 100%; }
.name select { font-weight: 600; min-width: 0; }
.main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.8rem 1.1rem; }
.time { grid-row: 2; }
.curves { grid-row: 3; }
@container (min-width: 620px) {
  .main { grid-template-columns: minmax(0, 1.65fr) minmax(0, 1fr); }
  .stage { grid-area: 1 / 1; }
  .time { grid-area: 2 / 1 / 3 / 3; }
  .main .curves { grid-area: 1 / 2; grid-template: auto / minmax(0, 1fr); grid-auto-rows: minmax(0, 1fr); grid-template-rows: auto; }
}
p { margin: 0; }
#about { font-size: 1.02em; }
#look { border-inline-start: 3px solid var(--accent); padding-inline-start: 0.7em; }
#status { min-height: 1.4em; }
textarea { width: 100%; font: 0.9em var(--book-code, ui-monospace, monospace); }
canvas { display: block; width: 100%; border: 1px solid var(--line); border-radius: 4px; }
.stage { position: relative; }
.stage canvas { aspect-ratio: 1; cursor: crosshair; }
.network .plane { display: none; }
.network .stage canvas { cursor: auto; }
#handle { position: absolute; width: 44px; height: 44px; padding: 0; margin: -22px; border: 0; border-radius: 50%;
  background: none; touch-action: none; cursor: grab; }
#handle:active { cursor: grabbing; }
#handle::before { content: ""; position: absolute; inset: 8px; border: 3px solid; border-radius: 50%;
  outline: 2px solid color-mix(in srgb, currentColor 20%, transparent); outline-offset: 2px; }
#step { flex: 1 1 3em; width: auto; }
button, select { font: inherit; color: inherit; background: var(--fill); min-height: 34px; min-width: 34px; max-width: 100%;
  padding: 0.15em 0.8em; border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
button:hover { border-color: currentColor; }
#play { min-width: 6.2em; border-color: var(--accent); color: var(--accent); font-weight: 600; }
#play::before { content: ""; display: inline-block; margin-inline-end: 0.5em; border: solid transparent; border-width: 0.36em 0 0.36em 0.6em;
  border-inline-start-color: currentColor; }
#play.playing::before { border-width: 0 0.2em; border-color: currentColor; height: 0.7em; width: 0.6em; }
option { color: CanvasText; background: Canvas; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
input { margin: 0; accent-color: var(--accent); }
input[type="range"] { height: 26px; width: 100%; min-width: 0; }
input[type="checkbox"] { flex: none; width: 24px; height: 24px; }
.sliders { display: grid; gap: 0.4rem 1.6rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15em), 1fr)); }
.slider { display: grid; grid-template-columns: 1fr auto; gap: 0 0.6em; align-items: baseline; }
.slider input { grid-area: 2 / 1 / 3 / 3; }
.slider b { font-weight: 600; }
.slider[hidden], .sliders[hidden] { display: none; }
.tick { display: flex; gap: 0.4em; align-items: center; }
.value, td { font-variant-numeric: tabular-nums; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: normal; }
thead th { font-weight: 600; border-bottom: 1px solid var(--line); padding-bottom: 0.25em; }
:is(td, th):nth-child(n + 3) { text-align: right; padding-left: 0.8em; }
td .slider { grid-template-columns: minmax(5em, 1fr) 3.4em; align-items: center; }
td .slider input { grid-area: auto; }
td .slider .words { display: none; }
.folded tr + tr { display: none; }
#unfold { border: 0; padding: 0; background: none; font-weight: 600; }
#unfold::before { content: "▾"; display: inline-block; width: 0.7em; font-size: 1.5em; line-height: 0; }
.folded #unfold::before { content: "▸"; }
.mark { width: 1.1em; text-align: center; }
.scroll { overflow-x: auto; }
.equations { display: grid; gap: 0.8em; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20em), 1fr)); }
.equations pre { margin: 0; font: 0.9em/1.5 var(--book-code, ui-monospace, monospace); white-space: pre-wrap; }
.curves { display: grid; gap: 0.5rem 0.8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 190px), 1fr)); }
.curves .name { grid-column: 1 / -1; }
figure { margin: 0; display: flex; flex-direction: column-reverse; justify-content: flex-end; min-height: 120px; }
figure canvas { flex: 1 1 90px; min-height: 0; height: 90px; } figcaption { font-size: 0.95em; }
#map { display: block; width: 100%; padding: 0; border: 0; border-radius: 0; cursor: crosshair; touch-action: manipulation; }
#map canvas { height: 240px; } #map.stale canvas { opacity: 0.4; }
details { border-top: 1px solid var(--line); padding-top: 0.5rem; }
details > * + * { margin-top: 0.6rem; } summary { cursor: pointer; min-height: 26px; font-weight: 600; }
`;
