// A rule that a reader writes, raced in the playground of the page. Loaded when a reader asks for it.

import { edit } from "./editor.mjs";
import { forget, keep, kept } from "./kept.mjs";
import { button, codeOf, element, loading, lost, show, style } from "./parts.mjs";
import { python } from "./python.mjs";

const NAME = "my-rule"; // under which the browser keeps it
const { ask, interrupt, start } = python("rule", 10);

// Put the field above the first playground of the page. `place` is the element whose button was pressed, below the cell
// that holds a rule to begin with.
export async function open(place) {
  await style();
  const stub = place.previousElementSibling;
  const given = codeOf(stub);
  const [{ host, playground }] = window.playground.mounted;

  const reply = element("div", { className: "answer-reply" });
  reply.setAttribute("role", "status");
  const { place: loads, told } = loading();
  const stopping = button("Stop", interrupt);
  stopping.hidden = true;

  // One question at a time. A rule that has failed is not asked again until it is raced anew, or every move of a slider
  // would have to wait for a loop without an end.
  let last = Promise.resolve();
  const inTurn = (work) => (last = last.then(work, work));
  function racer(code) {
    let failed = false;
    let raced = false;
    const question = (kind, asked) =>
      inTurn(async () => {
        if (failed) return null;
        stopping.hidden = false;
        const said = await ask({ kind, code, ...asked }).catch((error) => lost(error, "Race"));
        stopping.hidden = true;
        failed = said.kind !== (kind === "race" ? "raced" : kind);
        if (failed) show(reply, said);
        else if (!raced) show(reply, { kind: "ran", head: "It races.", lines: [], printed: said.printed });
        raced = true;
        return failed ? null : said;
      });
    return {
      code,
      run: (address, eta) => question("race", { address, eta }),
      ends: async (address, etas) => (await question("ends", { address, etas }))?.losses ?? null,
    };
  }
  function race() {
    show(reply, { kind: "other", head: "Racing …", lines: [] });
    playground.enter(racer(editor.value()));
  }
  function reset() {
    if (editor.value() !== given && !confirm("Put the book's rule back? What you have written is lost.")) return;
    forget(NAME);
    editor.set(given);
    race();
    editor.field.focus();
  }

  const row = element("p", { className: "answer-buttons" }, button("Race", race, "answer-check"), button("Reset", reset), stopping);
  const box = element("div", { className: "answer answer-rule" }, row, loads, reply);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Your rule");
  (host.closest("figure") ?? host).before(box);
  place.replaceChildren(element("p", { textContent: "The field is above the picture at the top of this page." }));
  const editor = await edit(box, kept().answers.get(NAME) ?? given, {
    label: "Python: your rule",
    said: "Ctrl+Enter races. The rule stays in this browser.",
    run: race,
    changed: (text) => keep(NAME, text),
  });
  editor.field.focus();
  box.scrollIntoView({ block: "start" });
  told(0);
  start(told).then(
    () => {
      loads.remove();
      race();
    },
    (error) => {
      loads.remove();
      show(reply, lost(error, "Race"));
    },
  );
}
