// An answer in the page: the field, its buttons, and what Python says. Loaded when a reader asks for it.

import { edit } from "./editor.mjs";
import { finish, forget, forgetAll, keep, kept, read, take, written } from "./kept.mjs";
import { button, codeOf, element, loading, lost, show, style } from "./parts.mjs";
import { python } from "./python.mjs";

const FILE = "progress.json";
const { ask, busy, interrupt, start } = python("answers", 10);

const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
const sizes = ({ answers, done }) => `${counted(answers.size, "answer")}, ${counted(done.size, "exercise")} done`;
function store(shown) {
  const words = element("p", {});
  const count = () => {
    words.textContent = `In this browser: ${sizes(kept())}. They stay on this machine.`;
  };
  const save = () => {
    const address = URL.createObjectURL(new Blob([written(kept())], { type: "application/json" }));
    element("a", { href: address, download: FILE }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  const file = element("input", { type: "file", accept: ".json,application/json", hidden: true });
  file.onchange = async () => {
    const found = file.files[0] && file.files[0].size < 10_000_000 ? read(await file.files[0].text()) : null;
    file.value = "";
    if (!found) words.textContent = "This file holds no answers and no progress: nothing was changed.";
    else if (!confirm(`Take in ${sizes(found)}? Answers to the same exercises are replaced.`)) return;
    else {
      take(found);
      count();
      shown(found);
    }
  };
  const clear = () => {
    if (!confirm("Delete all answers of this book that this browser keeps?")) return;
    forgetAll();
    count();
  };
  const box = element("details", { className: "answer-store" });
  box.ontoggle = count;
  words.setAttribute("role", "status");
  const note = element("p", {
    textContent:
      "The file works in a working copy of the exercises too: put it beside the notebooks, and check.progress() counts what you have done here.",
  });
  const row = element(
    "p",
    {},
    button("Save to a file", save),
    button("Load from a file", () => file.click()),
    button("Delete all", clear),
    file,
  );
  box.append(element("summary", { textContent: "Your answers" }), words, row, note);
  return box;
}

// Put the field in place of the stub. `place` is the element whose button was pressed, below it.
export async function open(place) {
  await style();
  const { exercise: name, answer } = place.dataset;
  const stub = place.previousElementSibling;
  const code = codeOf(stub);
  let level = 0;

  const reply = element("div", { className: "answer-reply" });
  reply.setAttribute("role", "status");

  const { place: loads, told } = loading();
  const stopping = button("Stop", interrupt);
  stopping.hidden = true;

  async function say(question, meanwhile) {
    if (busy()) return show(reply, { kind: "other", head: "Python is at work on another answer.", lines: [] });
    for (const one of buttons) one.disabled = true;
    show(reply, { kind: "other", head: meanwhile, lines: [] });
    stopping.hidden = false;
    try {
      const said = await ask({ name, answer, ...question });
      if (said.kind === "right") finish(name);
      show(reply, said);
    } catch (error) {
      show(reply, lost(error, "the button again"));
    }
    stopping.hidden = true;
    for (const one of buttons) one.disabled = false;
  }
  const check = () => say({ kind: "check", code: editor.value() }, "Checking …");
  const reset = () => {
    if (editor.value() !== code && !confirm("Put the stub back? What you have written is lost.")) return;
    forget(name);
    editor.set(code);
    level = 0;
    reply.replaceChildren();
    delete reply.dataset.kind;
    editor.field.focus();
  };
  const buttons = [
    button("Check", check, "answer-check"),
    button("Run", () => say({ kind: "run", code: editor.value() }, "Running …")),
    button("Hint", () => say({ kind: "hint", level: (level = Math.min(level + 1, 2)) }, "Looking for a hint …")),
    button("Reset", reset),
  ];
  const row = element("p", { className: "answer-buttons" }, ...buttons, stopping);
  const shown = ({ answers }) => answers.has(name) && editor.set(answers.get(name));
  const box = element("div", { className: "answer" }, row, loads, reply, store(shown));
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Your answer to ${name}`);

  place.replaceChildren(box);
  stub.hidden = true;
  const editor = await edit(box, kept().answers.get(name) ?? code, {
    label: `Python: your answer to ${name}`,
    said: "Ctrl+Enter checks.",
    run: check,
    changed: (text) => keep(name, text),
  });
  editor.field.focus();
  told(0);
  start(told).then(
    () => loads.remove(),
    (error) => {
      loads.remove();
      show(reply, lost(error, "Check"));
    },
  );
}
