// A rule of the reader's that races with the others. Its runs are computed elsewhere, and come when they are ready.

import { ETAS } from "./race.mjs";
import { OWN, toAddress } from "./state.mjs";

// racer.run(address, eta) resolves to what a run of race.mjs is, racer.ends(address, etas) to a loss for each rate, null
// for one that diverged; both to null where there is none. told hears of every new run. While one is awaited the one
// before it stays, for a slider that moves asks more often than it is answered: then only the last question counts.
export function entrant(racer, told) {
  let run = null;
  let surface = "";
  let wanted = null;
  let busy = false;
  async function follow(state, eta) {
    if (state.surface !== surface) run = null;
    surface = state.surface;
    wanted = [toAddress({ ...state, at: null }), eta];
    if (busy) return;
    busy = true;
    while (wanted) {
      const [asked, asking] = [wanted, surface];
      wanted = null;
      const found = await racer.run(...asked);
      if (asking !== surface) continue;
      run = found && { ...found, name: OWN, state: [] };
      told();
    }
    busy = false;
  }
  // The rate, of those of the map, whose run ends lowest; null if none is known.
  async function best(state) {
    const losses = await racer.ends(toAddress({ ...state, at: null }), ETAS);
    if (!losses) return null;
    const known = losses.map((loss) => loss ?? Infinity);
    return Number(ETAS[known.indexOf(Math.min(...known))].toPrecision(3));
  }
  return {
    best,
    follow,
    get code() {
      return racer.code;
    },
    get run() {
      return run;
    },
  };
}
