/* What a link leads to, beside the link: equations, theorems, terms and references (tools/site/previews.py marks them).

   It comes when the pointer rests on a link or the keyboard reaches it, stays while the pointer is on either, and goes
   with Escape. The texts of a page are loaded when the first of them is asked for. A finger follows the link. */
(() => {
  const REST = 250, GRACE = 200, GAP = 6;
  const LINK = "a[data-preview]";
  const root = document.documentElement.dataset.content_root ?? "";
  const texts = {};
  const loading = {};
  let link = null; // whose preview is shown, or about to be
  let timer = 0;

  const box = document.createElement("div");
  box.id = "link-preview";
  box.className = "link-preview";
  box.setAttribute("role", "tooltip");
  box.hidden = true;

  window.previews = (page, held) => (texts[page] = held);

  const load = page =>
    (loading[page] ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${root}_static/previews/${page}.js`;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    }));

  const place = () => {
    if (!link || box.hidden) return;
    const [at, whole] = [link.getBoundingClientRect(), box.getBoundingClientRect()];
    const below = at.bottom + GAP + whole.height <= innerHeight || at.top < whole.height + GAP;
    box.style.top = `${below ? at.bottom + GAP : at.top - GAP - whole.height}px`;
    box.style.left = `${Math.max(GAP, Math.min(at.left, document.documentElement.clientWidth - whole.width - GAP))}px`;
  };

  const hide = () => {
    clearTimeout(timer);
    link?.removeAttribute("aria-describedby");
    link = null;
    box.hidden = true;
  };

  const show = async wanted => {
    const page = wanted.dataset.preview;
    await load(page).catch(() => null);
    const text = texts[page]?.[decodeURIComponent(wanted.hash.slice(1))];
    if (link !== wanted || !text) return;
    box.innerHTML = text;
    box.hidden = false;
    wanted.setAttribute("aria-describedby", box.id);
    wanted.removeAttribute("title"); // or the browser shows it as well
    place();
    window.MathJax?.typesetPromise?.([box]);
  };

  const later = (what, when) => {
    clearTimeout(timer);
    timer = setTimeout(what, when);
  };

  const ask = (wanted, when) => {
    if (wanted === link) return clearTimeout(timer);
    hide();
    link = wanted;
    later(() => show(wanted), when);
  };

  document.addEventListener("pointerover", event => {
    if (event.pointerType === "touch") return;
    const over = event.target.closest?.(LINK);
    if (over) ask(over, REST);
    else if (box.contains(event.target)) clearTimeout(timer);
    else if (link && link !== document.activeElement) later(hide, GRACE);
  });
  document.addEventListener("focusin", event => {
    const on = event.target.closest?.(LINK);
    if (on?.matches(":focus-visible")) ask(on, 0);
    else hide();
  });
  document.addEventListener("focusout", event => event.target === link && later(hide, GRACE));
  document.addEventListener("pointerdown", event => box.contains(event.target) || hide());
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape" || box.hidden) return;
    hide();
    event.stopPropagation();
  });
  addEventListener("scroll", place, { passive: true, capture: true });
  addEventListener("resize", place);
  new ResizeObserver(place).observe(box); // it grows when its formulas are typeset
  (document.querySelector("main") ?? document.body).append(box);
})();
