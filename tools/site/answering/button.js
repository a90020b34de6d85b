// A button where an exercise can be answered in the page, or its cells be run, or a rule be raced. All else is loaded when
// it is pressed. No module, for a page that is opened from disk loads none, and has to say why there is no button.
for (const place of document.querySelectorAll(".answer-here[data-folder]")) {
  const { module, what, exercise, megabytes, folder } = place.dataset;
  const say = (text) => place.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
  if (location.protocol === "file:")
    say(`From a web server you could ${what}; a page opened from disk cannot start Python.`);
  else if (!window.Worker || !window.WebAssembly || !window.DecompressionStream)
    say(`To ${what} takes a newer browser.`);
  else {
    let begun = false;
    try {
      begun = exercise && Object.entries(localStorage).some(
        ([key, text]) => key.startsWith("answers of ") && text.includes(`"${exercise}":`),
      );
    } catch {} // the browser keeps nothing
    const button = document.createElement("button");
    button.textContent = begun ? "Go on with your answer" : what[0].toUpperCase() + what.slice(1);
    const size = document.createElement("span");
    size.textContent = `loads Python${module === "cells" ? " and Matplotlib" : ""}, about ${megabytes} MB, once`;
    button.onclick = async () => {
      button.disabled = true;
      try {
        await (await import(new URL(`${folder}${module}.mjs`, document.baseURI).href)).open(place);
      } catch (error) {
        button.disabled = false;
        size.textContent = `It could not be loaded: ${error.message}`;
      }
    };
    place.replaceChildren(button, size);
  }
}
