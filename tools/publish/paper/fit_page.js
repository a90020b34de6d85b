/* The whole book, laid out as wide as the paper: what is wider is set smaller. Run by tools/publish/pdf.py, with print styles.
   Returns what is amiss: links that lead nowhere, pictures that are not there, and what sticks out all the same. */
async () => {
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  const column = document.querySelector("article.bd-article");
  const edge = () => column.getBoundingClientRect().right;
  const shrink = (e, wide, room) => {
    const size = parseFloat(getComputedStyle(e).fontSize);
    e.style.fontSize = `${Math.max(0.55, (0.99 * room) / wide) * size}px`;
  };
  // Measured first and changed afterwards: one layout instead of one for each.
  const changes = [];
  for (const formula of document.querySelectorAll("div.math mjx-container")) {
    const box = formula.closest("div.math");
    const number = box.querySelector(".eqno")?.getBoundingClientRect().width ?? 0;
    const drawn = formula.firstElementChild.getBoundingClientRect();
    const room = box.getBoundingClientRect().width - 2.2 * number;
    if (drawn.width > room) changes.push([formula, drawn.width, room]);
  }
  for (const formula of document.querySelectorAll(":not(div.math) > mjx-container")) {
    const drawn = formula.getBoundingClientRect();
    const room = formula.parentElement.getBoundingClientRect().width;
    if (drawn.width > room && room > 0 && getComputedStyle(formula.parentElement).display !== "inline")
      changes.push([formula, drawn.width, room]);
  }
  changes.forEach(change => shrink(...change));
  // A column keeps its padding and its longest word, so that a table needs several rounds.
  for (const table of document.querySelectorAll("table"))
    for (let round = 0; round < 6; round++) {
      const room = table.parentElement.getBoundingClientRect().width;
      const wide = Math.max(table.scrollWidth, table.getBoundingClientRect().width);
      if (wide <= room + 1) break;
      shrink(table, wide, room);
    }

  const short = e => e.outerHTML.slice(0, 160);
  const dead = [...document.querySelectorAll('a[href^="#"]')]
    .filter(link => !document.getElementById(link.getAttribute("href").slice(1)))
    .map(link => `a link to nowhere: ${short(link)}`);
  const missing = [...document.images]
    .filter(image => !image.naturalWidth)
    .map(image => `a picture that is not there: ${short(image)}`);
  const right = edge();
  const out = [...document.querySelectorAll("article.bd-article :is(p, pre, table, img, mjx-container, div, code)")]
    .filter(e => e.getBoundingClientRect().right > right + 2)
    .map(e => `wider than the paper by ${Math.round(e.getBoundingClientRect().right - right)}: ${short(e)}`);
  return [...dead, ...missing, ...out];
}
