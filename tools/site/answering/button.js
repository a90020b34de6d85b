// A button where an exercise can be answered in the page. All else is loaded when it is pressed. No module, for a page
// that is opened from disk loads none, and has to say why there is no button.
for (const place of document.querySelectorAll(".answer-here[data-exercise]")) {
  const { exercise, answer, megabytes, folder } = place.dataset;
  const say = (text) => place.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
  if (location.protocol === "file:")
    say("From a web server you could write your answer here; a page opened from disk cannot start Python.");
  else if (!window.Worker || !window.WebAssembly || !window.DecompressionStream)
    say("To write your answer here takes a newer browser.");
  else {
    let begun = false;
    try {
      begun = Object.entries(localStorage).some(
        ([key, text]) => key.startsWith("answers of ") && text.includes(`"${exercise}":`),
      );
    } catch {} // the browser keeps nothing
    const button = document.createElement("button");
    button.textContent = begun ? "Go on with your answer" : "Write your answer here";
    const size = document.createElement("span");
    size.textContent = `loads Python, about ${megabytes} MB, once`;
    button.onclick = async () => {
      button.disabled = true;
      try {
        const { open } = await import(new URL(`${folder}answer.mjs`, document.baseURI).href);
        await open(place, exercise, answer, place.previousElementSibling);
      } catch (error) {
        button.disabled = false;
        size.textContent = `It could not be loaded: ${error.message}`;
      }
    };
    place.replaceChildren(button, size);
  }
}
