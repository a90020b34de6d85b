"""A Sphinx extension: the race on the first page, still where no scripts run, and alive where they do.

The picture is ``chapters/race.svg``, which the first page shows as any page shows a picture; so do JupyterLab and
GitHub. ``python -m tools.site.first_race`` draws it. On the site this extension puts its elements into the page, where
they take the page's colours, and the page loads ``race.js`` (``first_race.mjs`` and the playground's modules), which
moves them. The runs are the playground's; so are the names, colours and dashes of the optimizers.
"""

import re
import sys
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from rmsprop_lib.playground import from_address, run
from rmsprop_lib.playground.bundle import bundle
from rmsprop_lib.playground.state import OPTIMIZERS
from tools.paths import CHAPTERS

ADDRESS = (
    "surface=ravine&kappa=30&angle=82&steps=100&start=-9.5,3.5&on=sgd,momentum,adagrad,rmsprop,adam"
    "&eta.sgd=0.063&eta.momentum=0.01&eta.adagrad=1.2&eta.rmsprop=0.15&eta.adam=0.4"
)
"""The race, as the playground's page takes it."""
PICTURE = "race.svg"
HOMES = {
    "sgd": "01_gradient_descent",
    "momentum": "01_gradient_descent",
    "adagrad": "02_adagrad",
    "rmsprop": "03_rmsprop",
    "adam": "06_adam",
}
"""The chapter that derives each optimizer."""

LEFT, RIGHT, LOW, HIGH = VIEW = (-11.0, 5.0, -3.2, 4.4)
"""What the picture shows of the plane."""
SCALE = 55
WIDTH, HEIGHT = round(SCALE * (RIGHT - LEFT)), round(SCALE * (HIGH - LOW))
NEAR = 0.5
"""Who is no farther than this from the minimum, and stays so, has arrived."""
LEVELS = 11
MOTION = Path(__file__).with_name("first_race.mjs")
SCRIPT, STYLE = "race.js", "front.css"
STYLED = ("chapters/index", "chapters/symptoms")


def looks() -> dict[str, tuple[str, str, str, str]]:
    """For each optimizer its colour on white, that on black, its dashes, and its sign: the playground's own table."""
    row = re.compile(r'^  (\w+): \["(#\w+)", "(#\w+)", \[([\d, ]*)\], "(.)"\],$', re.MULTILINE)
    texts = (path.read_text(encoding="utf-8") for path in files("rmsprop_lib.playground").joinpath("static").iterdir())
    table = next(text for text in texts if "export const LOOKS = {" in text)
    return {name: (light, dark, dash, sign) for name, light, dark, dash, sign in row.findall(table)}


def arrivals() -> dict[str, int | None]:
    """For each optimizer of the race the step at which it has arrived, None if it does not."""
    state = from_address(ADDRESS)
    found = {}
    for name in state["on"]:
        away = np.flatnonzero(np.hypot(*run(name, state).T) > NEAR)
        found[name] = int(away[-1]) + 1 if away[-1] < state["steps"] else None
    return found


def place(x: float, y: float) -> str:
    """A point of the plane in the picture."""
    return f"{SCALE * (x - LEFT):.1f} {SCALE * (HIGH - y):.1f}"


def style(dark: str) -> str:
    """The colours of the race's optimizers, as rules of CSS. ``dark`` is what stands around those for the dark."""
    light, black = ("".join(f".race-{name}{{--race:{looks()[name][k]}}}" for name in HOMES) for k in (0, 1))
    return light + dark % black


def scene() -> str:
    """What the picture holds: the valley, its lowest point, and for each optimizer its path and its sign."""
    state = from_address(ADDRESS)
    # Level lines of (κ u² + w²)/2, u across the valley and w along it.
    across = SCALE * 4.2 * np.geomspace(1, 0.02, LEVELS)
    turn = f"translate({place(0, 0)}) rotate({90 - state['angle']:g})"
    parts = [f'<rect class="race-land" width="{WIDTH}" height="{HEIGHT}"/>', f'<g transform="{turn}">']
    parts += [f'<ellipse class="race-level" rx="{np.sqrt(state["kappa"]) * a:.1f}" ry="{a:.1f}"/>' for a in across]
    parts += ["</g>", f'<path class="race-goal" d="M{place(0, 0)}m-9 0h18m-9-9v18"/>']
    for name in state["on"]:
        points = run(name, state)
        path = "M" + "L".join(place(x, y) for x, y in points)
        dash, sign = looks()[name][2:]
        parts.append(f'<path class="race-path race-{name}" data-name="{name}" stroke-dasharray="{dash}" d="{path}"/>')
        x, y = place(*points[-1]).split()
        parts.append(
            f'<text class="race-sign race-{name}" data-name="{name}" transform="translate({x} {y})">{sign}</text>'
        )
    x, y = place(*state["start"]).split()
    parts.append(f'<circle class="race-start" cx="{x}" cy="{y}" r="11"/>')
    return "\n".join(parts)


def picture() -> str:
    """The file: the scene with colours and a legend of its own."""
    legend = []
    for k, name in enumerate(from_address(ADDRESS)["on"]):
        y = HEIGHT - 172 + 34 * k
        legend.append(
            f'<path class="race-path race-{name}" stroke-dasharray="{looks()[name][2]}" d="M660 {y}h50"/>'
            f'<text class="race-sign race-{name}" transform="translate(685 {y})">{looks()[name][3]}</text>'
            f'<text class="race-name" x="724" y="{y + 8}">{OPTIMIZERS[name][0]}</text>'
        )
    rules = (
        style("@media (prefers-color-scheme: dark){%s}")
        + ".race-land{fill:#b9cbdf}.race-level{fill:#fff;fill-opacity:.16}.race-name{fill:#222832;font:22px sans-serif}"
        ".race-path{fill:none;stroke:var(--race);stroke-width:3.5;stroke-linejoin:round}"
        ".race-sign{fill:var(--race);font:24px sans-serif;text-anchor:middle;dominant-baseline:central}"
        ".race-goal,.race-start{fill:none;stroke:#222832;stroke-width:3}"
        "@media (prefers-color-scheme: dark){.race-land{fill:#3a4a5e}.race-level{fill:#0d1218;fill-opacity:.2}"
        ".race-name{fill:#e6e9ee}.race-goal,.race-start{stroke:#e6e9ee}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">\n'
        f"<style>{rules}</style>\n{scene()}\n{''.join(legend)}\n</svg>\n"
    )


def figure(alt: str, chapters: dict[str, str]) -> str:
    """The race in HTML, with the names beneath it as links to these addresses of chapters."""
    names = []
    for name, step in arrivals().items():
        there = f"{step} steps" if step else "not there yet"
        names.append(
            f'<li><span class="race-mark race-{name}" aria-hidden="true">{looks()[name][3]}</span>'
            f'<a class="reference internal" href="{chapters[name]}">{OPTIMIZERS[name][0]}</a>'
            f'<span class="race-result" data-name="{name}">{there}</span></li>'
        )
    view = " ".join(map(str, VIEW))
    return (
        f'<div class="race" data-race="{escape(ADDRESS)}" data-near="{NEAR}" data-view="{view}">\n'
        f"<style>{style('@media screen{html[data-theme=dark]{%s}}')}</style>\n"
        f'<div class="race-stage"><svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
        f'{scene()}\n</svg></div>\n<ul class="race-names">{"".join(names)}</ul>\n</div>'
    )


class FirstRace(SphinxPostTransform):
    """In a page for the browser, the race in place of its picture."""

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        if self.app.builder.format != "html":
            return
        for image in list(self.document.findall(nodes.image)):
            if image["uri"].endswith(PICTURE):
                page = self.env.docname
                chapters = {n: self.app.builder.get_relative_uri(page, f"chapters/{home}") for n, home in HOMES.items()}
                race = nodes.raw("", figure(image["alt"], chapters), format="html")
                # A picture that stands alone is in a paragraph, which can hold no blocks.
                whole = image.parent if isinstance(image.parent, nodes.paragraph) else image
                whole.replace_self(race)
                self.env.metadata[page]["race"] = True


def script() -> str:
    """What moves the race: the playground's modules that compute, and then its own, as a classic script."""
    return f'(() => {{\n"use strict";\n{bundle("race.mjs")}\n{MOTION.read_text(encoding="utf-8")}}})();\n'


def write_script(app: Sphinx, _: Any) -> None:
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / SCRIPT).write_text(script(), encoding="utf-8")


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only where the race is; its style is also that of the page of symptoms."""
    if doctree is not None and app.env.metadata[page].get("race"):
        app.add_js_file(SCRIPT, loading_method="defer")
    if page in STYLED:
        app.add_css_file(STYLE)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(FirstRace)
    app.connect("env-updated", write_script)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    (CHAPTERS / PICTURE).write_text(picture(), encoding="utf-8")
    print(f"The race on the first page is drawn: {PICTURE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
