"""The one visit that a page gets in a browser, and all that is found out on it.

A page is opened, and weighed as it is; its formulas are typeset, and it is made as narrow as a phone. Then the formulas
go, of which MathJax draws thousands of elements that say the same to everyone; the rest is looked at by axe-core and
for its colours, in the light and in the dark.
"""

from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from browser import DESK, PHONE, Window
from playwright.sync_api import Page

AXE = Axe().axe_script
SCHEMES = ("light", "dark")
TALL = {**DESK, "height": 3600}
# The rules of axe-core that a colour can break.
OF_COLOURS = ("color-contrast", "link-in-text-block")
TEXTS = "article :is(h1, h2, h3, p, li, td, th, a, figcaption span, .verdict p)"

# An error has an element of its own; an unknown command is set in red.
FORMULAS = """() => ["article .math", "article .math mjx-container",
    "mjx-merror, [data-mjx-error], mjx-mtext[style*='red']"].map(e => document.querySelectorAll(e).length)"""

# What is cut off at the window's edge without a box of its own to scroll in. A drawing cuts its parts at its frame.
CUT_OFF = """
() => [...document.querySelectorAll("article *")].filter(element => {
  const box = element.getBoundingClientRect();
  if (box.width === 0 || box.right <= innerWidth + 1 || element.ownerSVGElement) return false;
  if (element.closest("mjx-assistive-mml, .visually-hidden")) return false;
  for (let e = element; e && e.tagName !== "ARTICLE"; e = e.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return false;
  return true;
}).map(element => element.outerHTML.slice(0, 120))
"""

LAID_OUT_ANEW = """
() => { const { style } = document.body; style.display = "none"; document.body.offsetWidth; style.display = ""; }
"""

# For each formula a letter. What is left between dollars was not recognised as a formula.
WITHOUT_FORMULAS = """
() => {
  document.querySelectorAll("mjx-container").forEach(e => e.replaceWith("x"));
  return [...document.querySelectorAll("article")].flatMap(article => {
    const copy = article.cloneNode(true);
    copy.querySelectorAll("pre, code, script").forEach(e => e.remove());
    return copy.textContent.split("\\n").filter(line => line.includes("$"));
  });
}
"""

# Window by window, as a reader goes on: what is jumped over is not loaded. To draw it all would take most of the time.
READ_TO_THE_END = """
async () => {
  document.body.style.opacity = 0;
  for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
    window.scrollTo(0, y);
    await new Promise(requestAnimationFrame);
  }
  document.body.style.opacity = "";
}
"""

# Everything unfolded, and of the code one piece of each colour, the longest: axe-core takes its time for every one of
# thousands, and does not judge a single letter.
SPREAD_OUT = """
() => {
  document.querySelectorAll("details").forEach(e => (e.open = true));
  const kept = {}, spans = [];
  for (const code of document.querySelectorAll("pre")) {
    const { backgroundColor } = getComputedStyle(code);
    for (const span of code.querySelectorAll("span")) {
      const colour = `${span.className} ${backgroundColor}`;
      if (span.textContent.length > (kept[colour]?.textContent.length ?? -1)) kept[colour] = span;
      spans.push(span);
    }
  }
  const all = new Set(Object.values(kept));
  spans.filter(span => !all.has(span)).forEach(span => span.replaceWith(...span.childNodes));
  document.querySelectorAll("pre").forEach(code => code.normalize());
}
"""
# The theme says which boxes the keyboard can scroll, a moment after the page has last changed.
SCROLLED_BY_KEYS = """
async () => {
  const patience = performance.now() + 3000;
  const left = () => [...document.querySelectorAll("pre")].some(e => e.tabIndex < 0 && e.scrollWidth > e.clientWidth);
  while (left() && performance.now() < patience) await new Promise(requestAnimationFrame);
}
"""
STILL = "*, *::before, *::after { animation: none !important; transition: none !important }"

# Colours as the browser computes them, for WCAG's ratio of contrast between a text and what lies behind it.
CONTRAST = """
selector => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll(selector)].map(element => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.slice(0, 60)];
  });
}
"""

# Texts of one colour and size on one ground look the same. Of each kind the first and the longest are marked, for
# axe-core to measure their contrast: it goes through all that lies behind each text it is given, which is most of what
# it does, and judges neither single letters nor what stands half behind something else. Fields are marked one and all.
LOOKS = """
() => {
  const grounds = new Map(), ground = e => {
    if (!e) return "";
    if (!grounds.has(e)) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(e);
      const own = [backgroundColor, backgroundImage, opacity].join(" ");
      const below = ground(e.parentElement ?? e.getRootNode().host);
      grounds.set(e, own === "rgba(0, 0, 0, 0) none 1" ? below : `${below} / ${own}`);
    }
    return grounds.get(e);
  };
  const all = root => [...root.querySelectorAll("*")].flatMap(e => e.shadowRoot ? [e, ...all(e.shadowRoot)] : [e]);
  const length = e => [...e.childNodes].reduce((sum, { nodeType, data }) =>
    sum + (nodeType === Node.TEXT_NODE ? data.trim().length : 0), 0);
  const [first, longest] = [{}, {}];
  for (const e of all(document.body)) {
    delete e.dataset.look;
    if (e.matches("input, select, textarea, button")) e.dataset.look = "";
    if (!length(e) || !e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const { color, fontSize, fontWeight, textShadow } = getComputedStyle(e);
    const look = [ground(e), color, fontSize, fontWeight, textShadow].join("|");
    first[look] ??= e;
    if (length(e) > length(longest[look] ?? document)) longest[look] = e;
  }
  [...Object.values(first), ...Object.values(longest)].forEach(e => (e.dataset.look = ""));
}
"""

RUN_AXE = """
async options => {
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] });
  const { violations, passes } = await axe.run(options);
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  return [found, passes.map(({ id }) => id)];
}
"""

# What lies behind a figure, and what is done to its colours.
FIGURES = """
() => [...document.querySelectorAll("article .cell_output img")].map(e => {
  const { backgroundColor, filter } = getComputedStyle(e);
  return [backgroundColor, filter, e.outerHTML.slice(0, 120)];
})
"""


@dataclass
class Found:
    """What the visit to a page found out."""

    # What the page asks for when it is opened, and by the time that it has been read to its end.
    opened: set[str]
    read: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    policy: str = ""
    # How many formulas are written, how many of them are typeset, and how many of those are wrong.
    formulas: tuple[int, int, int] = (0, 0, 0)
    lines_with_dollars: list[str] = field(default_factory=list)
    width_on_a_phone: int = 0
    cut_off_on_a_phone: list[str] = field(default_factory=list)
    # By colour scheme: the contrast of each text, and what axe-core says.
    contrast: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    violations: dict[str, list[str]] = field(default_factory=dict)
    # In the dark: ground, filter and element.
    figures: list[tuple[str, str, str]] = field(default_factory=list)


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds on a page whose folded parts are open; by all its rules, or by some."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    page.evaluate(LOOKS)
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found, passed = page.evaluate(RUN_AXE, options)
    # Or it has seen no text at all.
    assert "color-contrast" in passed or any("color-contrast" in line for line in found)
    return found


def visit(window: Window, url: str) -> Found:
    """Open a page and find out all there is to be found out about it."""
    seen = window.open(url)
    page = seen.page
    seen.settle()
    found = Found(opened=set(seen.requested))
    policy = page.locator('meta[http-equiv="Content-Security-Policy"]')
    found.policy = policy.get_attribute("content") if policy.count() else ""

    seen.typeset()
    found.formulas = tuple(page.evaluate(FORMULAS))
    page.set_viewport_size(PHONE)
    # What is folded keeps the boxes that it had in the old width, now and then, until the page is laid out anew.
    page.evaluate(LAID_OUT_ANEW)
    found.width_on_a_phone = page.evaluate("document.scrollingElement.scrollWidth")
    found.cut_off_on_a_phone = page.evaluate(CUT_OFF)

    found.lines_with_dollars = page.evaluate(WITHOUT_FORMULAS)
    page.set_viewport_size(TALL)
    page.evaluate(READ_TO_THE_END)
    seen.settle()
    page.set_viewport_size(DESK)
    found.read, found.failed, found.errors = set(seen.requested), list(seen.failed), list(seen.errors)

    page.add_style_tag(content=STILL)
    page.evaluate(SPREAD_OUT)
    page.evaluate(SCROLLED_BY_KEYS)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
        found.contrast[scheme] = [(ratio, text) for ratio, text in page.evaluate(CONTRAST, TEXTS)]
        # Colours apart, a page is the same in the dark.
        found.violations[scheme] = violations(page, *(OF_COLOURS if scheme == "dark" else ()))
    found.figures = [tuple(figure) for figure in page.evaluate(FIGURES)]
    return found
