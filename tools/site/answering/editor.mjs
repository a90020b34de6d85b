// A field for Python: with colours and numbered lines where the editor could be had when the site was built, else a plain
// one. The keys are the same in both.

import { element } from "./parts.mjs";
import { EDITOR } from "./settings.mjs";

const INDENT = "    ";

// As if it had been typed, so that it can be undone.
function type(field, text) {
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

const remove = (field) => document.execCommand("delete") || type(field, "");

function indent(field, back) {
  const { value, selectionStart: from, selectionEnd: to } = field;
  const begin = value.lastIndexOf("\n", from - 1) + 1;
  if (from === to && !back) return type(field, INDENT.slice((from - begin) % INDENT.length));
  const end = to > from && value[to - 1] === "\n" ? to - 1 : to;
  const lines = value.slice(begin, end).split("\n");
  const next = lines.map((line) => (back ? line.replace(/^ {1,4}/, "") : line && INDENT + line)).join("\n");
  if (next === value.slice(begin, end)) return;
  field.setSelectionRange(begin, end);
  if (next) type(field, next);
  else remove(field);
  if (from === to) {
    const place = Math.max(begin, from - (lines[0].length - next.length));
    field.setSelectionRange(place, place);
  } else field.setSelectionRange(begin, begin + next.length);
}

function breakLine(field) {
  const before = field.value.slice(0, field.selectionStart);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  type(field, `\n${line.match(/^ */)[0]}${/:\s*(#.*)?$/.test(line) ? INDENT : ""}`);
}

// Tab indents; after Esc it leaves the field, as it does everywhere else. `run` hears of Ctrl and Enter.
function keys(field, run) {
  let leaving = false;
  field.addEventListener("keydown", (event) => {
    const { key, shiftKey, ctrlKey, metaKey, altKey, isComposing } = event;
    if (isComposing) return;
    if (key === "Escape") {
      leaving = true;
    } else if (key === "Tab" && !leaving && !ctrlKey && !metaKey && !altKey) {
      event.preventDefault();
      indent(field, shiftKey);
    } else if (key === "Enter" && (ctrlKey || metaKey)) {
      event.preventDefault();
      run();
    } else if (key === "Enter" && !altKey) {
      event.preventDefault();
      breakLine(field);
    } else if (key !== "Shift" && key !== "Tab") leaving = false;
  });
  field.addEventListener("focus", () => (leaving = false));
}

async function coloured(place, code) {
  const at = (name) => import(new URL(`editor/${name}`, import.meta.url).href);
  const [{ n: createEditor }] = await Promise.all([at(EDITOR.core), at(EDITOR.python)]);
  const editor = createEditor(place, { language: "python", value: code, tabSize: INDENT.length, lineNumbers: true });
  // Its own Esc would leave at once.
  delete editor.keyCommandMap.Escape;
  const field = editor.textarea;
  const set = (text) => editor.setOptions({ value: text });
  return { field, set };
}

function plain(place, code) {
  const field = document.createElement("textarea");
  Object.assign(field, { value: code, spellcheck: false, autocapitalize: "off", className: "answer-plain" });
  const fit = () => (field.rows = field.value.split("\n").length + 1);
  field.addEventListener("input", fit);
  fit();
  place.append(field);
  const set = (text) => {
    field.value = text;
    fit();
  };
  return { field, set };
}

let opened = 0;

// The field at the head of `box`, what it is called, what its keys do, and what more is to be said of them:
// { value, set, field }.
export async function edit(box, code, { label, said, run, changed }) {
  const place = element("div", { className: "answer-field" });
  const id = `answer-keys-${++opened}`;
  const textContent = `Tab indents; Esc, then Tab leaves the field. ${said}`;
  box.prepend(place, element("p", { id, className: "answer-keys", textContent }));
  const made = EDITOR
    ? await coloured(place, code).catch(() => (place.replaceChildren(), plain(place, code)))
    : plain(place, code);
  const { field, set } = made;
  field.setAttribute("aria-label", label);
  field.setAttribute("aria-describedby", id);
  keys(field, run);
  field.addEventListener("input", () => changed(field.value));
  return { field, set, value: () => field.value };
}
