/* One page of the site, typeset, as a part of the printed book. Run by tools/publish/pdf.py in the page itself.

   `name` is what the page is called within the book, `pages` has the names of all by their paths. Identifiers get the
   page's name before them, and links between pages become links within one document. What asks for a mouse goes. What
   is folded is opened, except that solutions are taken out, and with them what is folded behind the answers to choose
   from, which would tell the right one: they are given back by exercise. */
({ name, pages }) => {
  const article = document.querySelector("article.bd-article");
  const within = (page, id) => `${page}--${id}`.replace(/[^\w-]/g, "_");
  const element = (tag, className, ...content) => {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...content);
    return made;
  };

  // The assistive form of a formula is MathML outside the page's edge, which paper has no use for. The figures of the
  // page of statements stand in their chapters.
  const moving =
    ".playground-live, .playground-marker, .statement-game, .statement-picture, .toctree-wrapper, .headerlink, " +
    "button, script, mjx-assistive-mml";
  article.querySelectorAll(moving).forEach(e => e.remove());
  article.querySelectorAll("img").forEach(image => {
    image.src = image.src; // absolute
    image.loading = "eager";
  });

  article.querySelectorAll("a[href]").forEach(link => {
    const target = new URL(link.href);
    if (target.origin !== location.origin) return;
    const page = pages[target.pathname];
    const id = decodeURIComponent(target.hash.slice(1));
    if (!page) link.replaceWith(...link.childNodes);
    // Behind a = there is a state of the playground, which is a page without it.
    else link.setAttribute("href", "#" + (id && !id.includes("=") ? within(page, id) : page));
  });
  const seen = new Set();
  article.querySelectorAll("[id]").forEach(e => {
    const id = within(name, e.id);
    if (seen.has(id)) e.removeAttribute("id");
    else e.id = id;
    seen.add(id);
  });

  const solutions = [];
  let exercise = null;
  const keep = (place, ...parts) => {
    if (!exercise.solution) {
      const id = within("solution", exercise.id);
      exercise.solution = { id, exercise: exercise.id, title: exercise.title, parts: [] };
      exercise.reference = element("p", "paper-reference");
      exercise.reference.innerHTML = `<a href="#${id}">Solution on page {{page:${id}}}</a>`;
      solutions.push(exercise.solution);
    }
    place.after(exercise.reference); // after the last of what was taken out
    exercise.solution.parts.push(...parts);
  };
  for (const e of article.querySelectorAll(".exercise, .solution, .cell.tag_solution, details.sd-dropdown")) {
    if (e.matches(".exercise")) {
      const title = e.querySelector(".admonition-title").textContent.trim().replace(/\s+/g, " ");
      exercise = { id: e.id, title, section: e.closest("section") };
      continue;
    }
    if (!exercise) continue; // a proof in the text
    if (e.matches(".solution, .tag_solution")) {
      const place = document.createComment("");
      e.before(place);
      e.remove();
      e.querySelectorAll("summary").forEach(summary => summary.remove());
      e.querySelector(":scope > .admonition-title")?.remove();
      keep(place, ...(e.matches(".solution") ? e.childNodes : [e]));
    } else if (e.closest("section") === exercise.section) {
      const option = element("p", "paper-option");
      option.innerHTML = e.querySelector(".sd-summary-text").innerHTML;
      e.before(option);
      e.remove();
      const answer = element("p", "paper-option");
      answer.innerHTML = option.innerHTML;
      keep(option, answer, ...e.querySelector(".sd-summary-content").childNodes);
    }
  }

  // Code that is folded makes a figure and is in the notebook; everything else that is folded is opened.
  article.querySelectorAll("details.above-input").forEach(folded => folded.remove());
  article.querySelectorAll("summary").forEach(summary => {
    const title = summary.querySelector(".sd-summary-text");
    if (title) summary.replaceWith(element("p", "paper-title", ...title.childNodes));
    else summary.remove();
  });
  const opened = html => {
    const holder = element("div", "");
    holder.append(...[].concat(html));
    holder.querySelectorAll("details").forEach(e => e.replaceWith(element("div", `paper-opened ${e.className}`, ...e.childNodes)));
    return holder.innerHTML;
  };

  article.querySelectorAll("pre").forEach(code => {
    if (code.textContent.trim().split("\n").length < 16)
      (code.closest(".cell_input, .output") ?? code).classList.add("paper-short");
  });

  const headings = [...article.querySelectorAll("h1, h2")].map(heading => ({
    level: Number(heading.tagName[1]),
    id: heading.closest("section").id,
    html: heading.innerHTML,
  }));
  const title = article.querySelector("h1").textContent;

  // MathJax writes its rules into the sheet itself as characters come up, so that the element's text lacks them.
  const absolute = rule => rule.replace(/url\("([^"]+)"\)/g, (_, url) => `url("${new URL(url, document.baseURI)}")`);
  const own = [...document.styleSheets].filter(sheet => sheet.ownerNode?.tagName === "STYLE");
  const rules = own.flatMap(sheet => [...sheet.cssRules].map(rule => absolute(rule.cssText)));
  const sheets = [...document.querySelectorAll('link[rel~="stylesheet"]')].map(link => link.href);

  const body = opened([...article.childNodes]);
  return {
    title,
    headings,
    html: body,
    solutions: solutions.map(({ parts, ...rest }) => ({ ...rest, html: opened(parts) })),
    rules,
    sheets,
  };
}
