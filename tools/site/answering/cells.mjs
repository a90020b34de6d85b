// The cells of a page, run in it. Loaded when a reader asks for it.
//
// A cell is run with those above it that it builds on, which Python finds out (cells_in_the_page.py). What it prints and
// draws takes the place of what is stored, and is marked.

import { edit } from "./editor.mjs";
import { button, codeOf, element, loading, show, style } from "./parts.mjs";
import { python } from "./python.mjs";
import { MEGABYTES_OF_CELLS } from "./settings.mjs";

const { ask, interrupt, start } = python("cells");

class Cell {
  constructor(node, index) {
    this.node = node;
    this.index = index;
    this.input = node.querySelector(".cell_input");
    this.highlight = this.input.querySelector(".highlight").parentElement;
    this.code = codeOf(this.highlight);
    this.stored = node.querySelector(".cell_output");
    this.output = element("div", { className: "run-output answer-reply" });
    this.words = element("span", { ariaHidden: "true" }); // they are said once, above
    this.alts = [...(this.stored?.querySelectorAll("img") ?? [])].map((image) => image.alt);
    this.edited = false;
  }
  // What is said of a picture to those who do not see it: what the book says, as long as the cell is the book's.
  describe = (k) => (!this.edited && this.alts[k]) || "A figure, drawn by the cell above.";
}

export async function open(place) {
  await style();
  const nodes = [...document.querySelectorAll("article .cell, main .cell")].filter((n) => n.querySelector(".cell_input pre"));
  const cells = nodes.map((node, index) => new Cell(node, index));
  const { place: loads, told } = loading(MEGABYTES_OF_CELLS);
  const words = element("p", {});
  words.setAttribute("role", "status");
  const stopping = button("Stop", interrupt);
  const all = button("Run all cells", () => work(cells.map((_, k) => k)));
  const buttons = [all];
  let working = false;

  let watched = null; // the cell whose run a reader waits for
  const say = (text) => {
    words.textContent = text;
    if (watched) watched.words.textContent = text;
  };
  const sources = () => cells.map((cell) => cell.code);

  function shown(cell, reply) {
    if (!cell.output.parentElement) (cell.input.closest("details") ?? cell.input).after(cell.output);
    if (cell.stored) cell.stored.hidden = reply.kind !== "without";
    const quiet = reply.kind === "ran" && !reply.printed && !reply.pictures.length;
    show(cell.output, quiet ? { ...reply, lines: ["It has run, and shows nothing."] } : reply, cell.describe);
  }

  // Run these cells in turn, each with what it needs. One that cannot be run ends it, unless all are to be run.
  async function work(wanted) {
    if (working) return;
    working = true;
    if (watched) watched.words.textContent = "";
    watched = wanted.length === 1 ? cells[wanted[0]] : null;
    for (const one of buttons) one.disabled = true;
    (watched?.words ?? all).before(stopping);
    stopping.hidden = false;
    const failed = new Map(); // cell → reply
    try {
      for (const index of wanted) {
        say(`Finding out what cell ${index + 1} needs …`);
        const found = await ask({ kind: "needed", cells: sources(), index });
        if (found.kind !== "needed") return say(found.head);
        for (const k of found.cells) {
          const lost = found.cells.find((j) => j < k && failed.has(j));
          if (failed.has(k)) continue;
          const cell = cells[k];
          if (lost !== undefined) {
            const line = `It needs cell ${lost + 1}, which could not be run.`;
            failed.set(k, { kind: "without", head: line, lines: [], printed: "" });
          } else {
            say(`Running cell ${k + 1}${k === index ? "" : `, which cell ${index + 1} needs`} …`);
            const reply = await ask({ kind: "cell", index: k, code: cell.code });
            if (reply.kind === "stopped") return say("Stopped. Python starts anew, and with no cell run.");
            if (reply.kind === "ran") {
              shown(cell, reply);
              continue;
            }
            if (reply.kind === "without" && document.querySelector(".dropdown-launch-buttons"))
              reply.lines.push("Binder and Colab run it, from the top of the page.");
            failed.set(k, reply);
          }
          shown(cell, failed.get(k));
        }
      }
      const count = wanted.length - wanted.filter((k) => failed.has(k)).length;
      const done = wanted.length === 1 ? `Cell ${wanted[0] + 1} has ${count ? "" : "not "}run.` : `${count} of ${wanted.length} cells have run.`;
      say(failed.size ? `${done} ${failed.values().next().value.head}` : done);
    } catch (error) {
      say(`Python could not be loaded: ${error.message ?? error}`);
    } finally {
      working = false;
      for (const one of buttons) one.disabled = false;
      stopping.hidden = true;
    }
  }

  async function change(cell, own) {
    own.remove();
    buttons.splice(buttons.indexOf(own), 1);
    const box = element("div", { className: "answer" });
    cell.highlight.hidden = true;
    cell.highlight.after(box);
    const editor = await edit(box, cell.code, {
      label: `Python: cell ${cell.index + 1}`,
      said: "Ctrl+Enter runs. Changes are not kept.",
      run: () => work([cell.index]),
      changed: (text) => {
        cell.code = text;
        cell.edited = true;
      },
    });
    editor.field.focus();
  }

  for (const cell of cells) {
    const here = `cell ${cell.index + 1}`;
    const runs = button("Run", () => work([cell.index]));
    const edits = button("Edit", () => change(cell, edits));
    runs.setAttribute("aria-label", `Run ${here}`);
    edits.setAttribute("aria-label", `Edit ${here}`);
    buttons.push(runs, edits);
    const title = element("span", { textContent: here });
    cell.input.append(element("p", { className: "answer run-buttons" }, title, runs, edits, cell.words));
  }
  stopping.hidden = true;
  const row = element("p", { className: "answer-buttons" }, all, stopping);
  const box = element("div", { className: "answer run-all" }, row, loads, words);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "The cells of this page");
  place.replaceChildren(box);
  say("Each cell has a button. What it builds on is run with it; the first one waits for Python.");
  told(0);
  all.focus();
  start(told).then(
    () => loads.remove(),
    (error) => {
      loads.remove();
      say(`Python could not be loaded: ${error.message ?? error}. Press a button to try once more.`);
    },
  );
}
