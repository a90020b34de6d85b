/* "Fact or folklore?": the list of statements becomes a game. Each card is judged before it opens; the score counts how
   often a reader judges as the measurements do. Judgements stay in this browser (localStorage) and go nowhere.

   The page without this script is the list with all verdicts. This is loaded in its head, so that nothing that is to be
   judged is seen before; what it adds has the class "statement-game", and paper goes without it. */
(() => {
  const KEY = "statements judged";
  const JUDGEMENTS = ["holds", "holds when", "does not hold"];
  const words = judgement => (judgement === "holds when" ? "holds when …" : judgement);
  const root = document.documentElement;
  root.classList.add("statements-to-judge");

  // What is stored may be something else under this name, and a browser may keep nothing.
  const stored = () => {
    try {
      const entries = Object.entries(JSON.parse(localStorage.getItem(KEY)) ?? {});
      return Object.fromEntries(entries.filter(([, judgement]) => JUDGEMENTS.includes(judgement)));
    } catch {
      return {};
    }
  };
  const store = judged => {
    try {
      if (Object.keys(judged).length) localStorage.setItem(KEY, JSON.stringify(judged));
      else localStorage.removeItem(KEY);
    } catch {
      // The game goes on without being kept.
    }
  };

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name, value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  const start = () => {
    const cards = [...document.querySelectorAll(".statement-card")].map(element => ({
      element,
      name: element.id.replace("card-", ""),
      measured: element.dataset.judgement,
      about: element.dataset.about.split("|"),
      chapter: element.dataset.chapter,
      found: element.querySelector(".statement-found"),
    }));
    if (!cards.length) return;
    let judged = stored();
    const of = card => judged[card.name] ?? null;
    const right = card => of(card) === card.measured;

    // ---- A card: a form, and in its place what was said once it is judged.
    const form = card => {
      const button = make("button", { type: "submit", hidden: "" }, "See the verdict");
      const choices = JUDGEMENTS.map(judgement => {
        const choice = make("input", { type: "radio", name: card.name, value: judgement, required: "" });
        choice.addEventListener("change", () => (button.hidden = false));
        const label = make("label", {}, choice, make("span", {}, words(judgement)));
        // A finger or a mouse decides at once; with the keyboard the arrows choose, and Enter or the button decides.
        let pointed = false;
        label.addEventListener("pointerdown", () => (pointed = true));
        choice.addEventListener("click", () => {
          if (pointed) judge(card, judgement);
          pointed = false;
        });
        return label;
      });
      const legend = make("legend", { class: "visually-hidden" }, "Your judgement");
      const said = card.element.querySelector(".statement-said");
      said.id = `said-${card.name}`;
      const fieldset = make("fieldset", { "aria-describedby": said.id }, legend, ...choices, button);
      const submit = event => {
        event.preventDefault();
        judge(card, new FormData(event.target).get(card.name));
      };
      return make("form", { class: "statement-vote statement-game", submit }, fieldset);
    };
    const answer = card => {
      const said = make("strong", {}, words(of(card)));
      const text = right(card)
        ? ["✓ You said ", said, ", and so do the measurements."]
        : ["✗ You said ", said, "; the measurements say ", make("strong", {}, words(card.measured))];
      return make("p", { class: "statement-answer statement-game", tabindex: "-1" }, ...text);
    };
    const show = card => {
      card.element.querySelector(".statement-game")?.remove();
      card.element.classList.toggle("statement-judged", of(card) !== null);
      card.found.before(of(card) === null ? form(card) : answer(card));
      const picture = card.found.querySelector(".statement-picture");
      if (picture) picture.open = of(card) !== null;
    };
    const judge = (card, judgement) => {
      judged[card.name] = judgement;
      store(judged);
      show(card);
      card.element.querySelector(".statement-answer").focus({ preventScroll: true });
      count();
    };

    // ---- The score.
    const score = make("p", { role: "status", class: "statement-score" });
    const count = () => {
      const [done, like] = [cards.filter(of).length, cards.filter(right).length];
      const always = cards.filter(card => card.measured === "holds when").length;
      if (!done) score.textContent = `${cards.length} statements. Which do you believe?`;
      else if (done < cards.length)
        score.textContent = `You judged ${like} of ${done} like the measurements; ${cards.length - done} to go.`;
      else
        score.textContent =
          `You judged ${like} of ${done} like the measurements. ` +
          `“Holds when …” every time would have been right for ${always}.`;
      again.hidden = !done;
    };
    const again = make(
      "button",
      {
        type: "button",
        click: () => {
          judged = {};
          store(judged);
          cards.forEach(show);
          choose.value = "all";
          filter();
          count();
          choose.focus();
        },
      },
      "Start again",
    );

    // ---- What is shown: all, those still to judge or judged differently, by method, by chapter.
    const every = list => [...new Set(list)];
    const option = (value, text) => make("option", { value }, text);
    const group = (label, kind, names) =>
      make("optgroup", { label }, ...names.map(name => option(`${kind}:${name}`, name)));
    const chapters = every(cards.map(card => card.chapter)).sort((a, b) => parseInt(a) - parseInt(b));
    const methods = every(cards.flatMap(card => card.about)).sort();
    const choose = make(
      "select",
      { id: "statements-shown", change: () => filter() },
      option("all", "all statements"),
      option("open", "not judged yet"),
      option("apart", "judged unlike the measurements"),
      group("About", "about", methods),
      group("Tested in chapter", "chapter", chapters),
    );
    const tests = {
      all: () => true,
      open: card => of(card) === null,
      apart: card => of(card) !== null && !right(card),
      about: (card, name) => card.about.includes(name),
      chapter: (card, name) => card.chapter === name,
    };
    const none = make("p", { class: "statement-game statement-none", hidden: "" }, "There is none.");
    const filter = () => {
      const [, kind, name] = choose.value.match(/^(\w+):?(.*)$/);
      cards.forEach(card => (card.element.hidden = !tests[kind](card, name)));
      document.querySelectorAll(".statement-cards").forEach(list => {
        // With the heading above it, where there is nothing to show below.
        (list.closest("section section") ?? list).hidden = !list.querySelector(".statement-card:not([hidden])");
      });
      none.hidden = cards.some(card => !card.element.hidden);
    };

    // ---- For those who would rather read.
    const read = make("button", { type: "button", "aria-pressed": "false" }, "Show every verdict");
    read.addEventListener("click", () => {
      const shown = root.classList.toggle("statements-to-read");
      read.setAttribute("aria-pressed", String(shown));
    });

    const label = make("label", { for: choose.id }, "Show");
    const bar = make("div", { class: "statement-game statement-bar" }, label, choose, read);
    const board = make("div", { class: "statement-game statement-board" }, score, again);
    const first = document.querySelector(".statement-cards");
    (first.closest("section section") ?? first).before(bar, none);
    first.closest("article section").append(board);
    cards.forEach(show);
    count();
    // What was added has moved the card that the address names.
    if (location.hash.startsWith("#card-")) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
