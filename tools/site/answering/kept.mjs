// Answers and what is done, in this browser alone. One entry of its storage holds both; the file that is saved is the
// same, and rmsprop_lib.exercises.progress reads it as a progress.json. What is stored or loaded may have been damaged,
// or made by somebody else: what is not as it should be is not taken.

const KEY = `answers of ${new URL("../../", import.meta.url).pathname}`;
const NAME = /^[a-z][a-z0-9-]{0,59}$/;
const LONGEST = 20_000;
const MOST = 300;

const names = (list) => (Array.isArray(list) ? list.filter((name) => typeof name === "string" && NAME.test(name)) : []);

// A state out of a text: { done: Set of names, answers: Map from names to code }, or null if it is none.
export function read(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null || !Array.isArray(found.done)) return null;
  const pairs = typeof found.answers === "object" && found.answers !== null ? Object.entries(found.answers) : [];
  const whole = ([name, code]) => NAME.test(name) && typeof code === "string" && code.length <= LONGEST;
  return {
    done: new Set(names(found.done).slice(0, MOST)),
    answers: new Map(pairs.filter(whole).slice(0, MOST)),
  };
}

export function written({ done, answers }) {
  return `${JSON.stringify({ done: [...done].sort(), answers: Object.fromEntries(answers) }, null, 1)}\n`;
}

export function kept() {
  let text = null;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    // the browser is told to keep nothing
  }
  return (text !== null && read(text)) || { done: new Set(), answers: new Map() };
}

// Another page of the book may have written meanwhile, so what is there is read anew. False if nothing can be kept.
function change(by) {
  const state = kept();
  by(state);
  try {
    localStorage.setItem(KEY, written(state));
    return true;
  } catch {
    return false;
  }
}

export const keep = (name, code) => code.length <= LONGEST && change(({ answers }) => answers.set(name, code));
export const forget = (name) => change(({ answers }) => answers.delete(name));
export const finish = (name) => change(({ done }) => done.add(name));
export const forgetAll = () => change(({ done, answers }) => (done.clear(), answers.clear()));

// Take in what a file holds: what is done is added, and its answers replace those of the same name.
export function take({ done, answers }) {
  return change((state) => {
    for (const name of done) state.done.add(name);
    for (const [name, code] of answers) state.answers.set(name, code);
  });
}
