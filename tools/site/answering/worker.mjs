// Python in a worker: loads the runtime and the library, and passes on what the page asks. The page ends it when it
// takes too long. It talks to its own page and to nobody else: once all is loaded, it has nothing left to talk with.

import { FILES, LIBRARIES, RUNTIME } from "./settings.mjs";

const runtime = new URL(RUNTIME, import.meta.url);
const drawing = self.name === "cells"; // the cells of a page draw, and use all of the library
const loaded = new Map(); // address → bytes

// Several at a time, and say how far it is.
async function load(files) {
  const all = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let come = 0;
  const one = async ({ name, address, packed }) => {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    const reader = response.body.getReader();
    const parts = [];
    for (let part; !(part = await reader.read()).done;) {
      parts.push(part.value);
      come += part.value.length;
      postMessage({ loaded: Math.min(come / all, 1) });
    }
    let body = new Blob(parts);
    if (packed) body = new Response(body.stream().pipeThrough(new DecompressionStream("gzip")));
    loaded.set(address.replace(/\.bin$/, ""), await body.arrayBuffer());
  };
  await Promise.all(files.map(one));
}

const TYPES = { wasm: "application/wasm", json: "application/json" };

// Pyodide asks for its files one after the other; they are there.
async function from_what_is_loaded(request) {
  const address = String(request.url ?? request);
  const data = loaded.get(address);
  if (!data) throw new TypeError(`Python in this page has no network: ${address}`);
  return new Response(data, { headers: { "Content-Type": TYPES[address.split(".").pop()] ?? "application/zip" } });
}

async function start() {
  const files = FILES.filter(({ draws }) => drawing || !draws);
  const libraries = LIBRARIES.filter(({ draws }) => drawing || !draws);
  const at = (place) => (file) => ({ ...file, address: new URL(file.name, place).href });
  await load([...files.map(at(runtime)), ...libraries.map(at(import.meta.url))]);
  postMessage({ starting: true });
  self.fetch = from_what_is_loaded;
  const { loadPyodide } = await import(new URL("pyodide.mjs", runtime).href);
  const quiet = () => {};
  const python = await loadPyodide({ indexURL: runtime.href, stdout: quiet, stderr: quiet });
  await python.loadPackage(drawing ? ["numpy", "matplotlib"] : "numpy", { messageCallback: quiet });
  for (const { address } of libraries.map(at(import.meta.url)))
    python.unpackArchive(loaded.get(address), "zip", { extractDir: "/library" });
  python.runPython("import sys; sys.path.insert(0, '/library'); sys.dont_write_bytecode = True");
  const { respond } = python.pyimport("in_the_page");
  loaded.clear();
  const ways_out = ["XMLHttpRequest", "WebSocket", "WebTransport", "EventSource", "BroadcastChannel", "Worker"];
  for (const name of [...ways_out, "caches", "indexedDB", "importScripts"])
    Object.defineProperty(self, name, { value: undefined });
  return respond;
}

const tell = postMessage.bind(self);
const ready = start();
ready.then(
  () => tell({ ready: true }),
  (error) => tell({ failed: String(error) }),
);
onmessage = async ({ data }) => {
  const respond = await ready;
  tell({ begun: true });
  try {
    tell({ reply: respond(data) });
  } catch (error) {
    // The runtime itself has given up: no memory, or too deep a recursion.
    tell({ broken: String(error).split("\n")[0] });
  }
};
