// The playground on the pages of the book. tools/site/playground_pages.py puts a link behind every still picture: where
// scripts run, a live playground takes the picture's place, and other links that hold a state set the one above them.

import { mount } from "./playground.mjs";
import { map, run } from "./race.mjs";
import { sceneOf } from "./scenes.mjs";
import { fromAddress, toAddress } from "./state.mjs";
import { train } from "./training.mjs";
import { render } from "./widget.mjs";

const mounted = []; // in the order of the page

function wake(marker) {
  const link = marker.querySelector("a");
  const image = marker.previousElementSibling.querySelector("img");
  const home = link.pathname === location.pathname; // on its own page the window's address is the playground's
  let saving;
  const changed = (address) => {
    clearTimeout(saving);
    if (home) saving = setTimeout(() => history.replaceState(null, "", `#${address}`), 300);
  };
  const host = document.createElement("div");
  host.className = "playground-live";
  image.before(host);
  image.classList.add("playground-still");
  marker.hidden = true;
  const linkTo = (address) => `${link.href.split("#")[0]}#${address}`;
  const given = () => home && location.hash.includes("="); // or it is the name of a section
  const playground = mount(host, { address: given() ? location.hash : link.hash, changed, linkTo });
  mounted.push({ host, playground });
  addEventListener("hashchange", () => given() && playground.set(location.hash));
}

document.querySelectorAll(".playground-marker").forEach(wake);
addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href*="#surface="]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const before = ({ host }) => host.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING;
  const above = mounted.filter(before).pop();
  if (!above) return;
  if (link.pathname !== location.pathname) event.preventDefault();
  above.playground.set(link.hash);
  above.host.scrollIntoView({ block: "start" });
});

// For scripts and tests: run, map and train compute, from an optimizer and a state; fromAddress and toAddress go between
// addresses and states, python(state) is the program, render is the widget's, mounted are the playgrounds of the page.
const program = (state) => sceneOf(state).python(state);
window.playground = { fromAddress, map, mounted, python: program, render, run, toAddress, train };
