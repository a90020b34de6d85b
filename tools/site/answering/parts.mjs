// What answers and cells in the page are made of.

import { MEGABYTES } from "./settings.mjs";

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export const button = (text, work, className = "") =>
  element("button", { type: "button", textContent: text, className, onclick: work });

// The lines of a cell of the book.
export const codeOf = (node) => node.querySelector("pre").textContent.replace(/\n*$/, "\n");

// The reply where there is no Python to reply.
export const lost = (error, press) => ({
  kind: "trouble",
  head: "Python could not be loaded.",
  lines: [String(error.message ?? error), `Press ${press} to try once more.`],
});

let styled;
// The style sheet, once for a page.
export function style() {
  styled ??= new Promise((done) => {
    const link = element("link", { rel: "stylesheet", href: new URL("answer.css", import.meta.url).href });
    link.onload = link.onerror = done;
    document.head.append(link);
  });
  return styled;
}

// A bar that says how far the loading is: { place, told }.
export function loading(megabytes = MEGABYTES) {
  const bar = element("progress", { max: 1, value: 0 });
  const words = element("span", {});
  bar.setAttribute("aria-label", "Loading Python");
  const told = (part) => {
    bar.value = part;
    words.textContent =
      part < 1 ? `Loading Python: ${(part * megabytes).toFixed(1)} of ${megabytes.toFixed(1)} MB` : "Starting Python …";
  };
  return { place: element("p", { className: "answer-loading" }, bar, words), told };
}

const KINDS = ["right", "mistake", "wrong", "trouble", "stopped", "ran", "hint", "without"];

// A reply as text; nothing that comes from Python is taken for HTML.
export function show(place, { kind, head, lines, printed, pictures = [] }, describe = () => "") {
  const parts = head ? [element("p", { className: "answer-head", textContent: head })] : [];
  for (const line of lines) parts.push(element(line.includes("\n") ? "pre" : "p", { textContent: line }));
  if (printed) {
    if (head) parts.push(element("p", { textContent: "It printed:" }));
    parts.push(element("pre", { textContent: printed }));
  }
  pictures.forEach((data, k) => {
    parts.push(element("img", { src: `data:image/png;base64,${data}`, alt: describe(k) }));
  });
  place.dataset.kind = KINDS.includes(kind) ? kind : "other";
  place.replaceChildren(...parts);
  for (const box of place.querySelectorAll("pre")) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
