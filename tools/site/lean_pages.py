"""A Sphinx extension: pages carry only what they use, and forbid what they do not.

When the site is written, this goes over every page once more (``tools/site/accessible_pages.py`` repairs on the way):

- The theme's script that draws icons (1.6 MB) goes; its style sheet draws the same ones with a font. That font, and
  the rules that name its characters, are cut down to the icons that occur.
- Pictures are stored as WebP, without loss, with a palette where nobody can see the difference: a fifth of the size.
  They are loaded when they come near the window, and their place is kept for them until then.
- A Content-Security-Policy allows this site alone. Inline scripts, all of them the theme's and its extensions', are
  allowed one by one, by their hashes; inline styles are allowed, since MathJax and the theme set them.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
from fontTools import subset
from PIL import Image
from sphinx.application import Sphinx

from tools.site.accessible_pages import accessible

ICON_SCRIPT = re.compile(r"\s*<(?:script|link)[^>]*scripts/fontawesome\.js[^>]*>(?:</script>)?")
# The theme loads the index of the search with every page, for a search while typing, which is off.
SEARCH_SCRIPT = re.compile(
    r'\s*<script src="[./]*(?:_static/(?:searchtools|language_data)\.js|searchindex\.js)"></script>'
)
VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1.0" />'
INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
REPEATED = re.compile(r"(<script>[^<]*</script>)\s*\1")
HANDLER = re.compile(r'\son[a-z]+="([^"]*)"')
PICTURE = re.compile(r'<img ([^>]*src="[^"]*?(_images/[^"/]+\.png)"[^>]*)>')
IMAGE = re.compile(r'_images/([^"/]+\.png)(?=")')
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"\\([0-9a-f]+)"\}')
ICON_NAME = re.compile(r"\bfa-[a-z][\w-]*")
# Characters of the icon font that style sheets name themselves.
ICON_CHARACTER = re.compile(r'"\\(f[0-9a-f]{3})"|([\ue000-\uf8ff])')

# How many colours, and by how much of 255 they may be off in the mean.
PALETTES = ((32, 0.25), (64, 0.3), (128, 0.5), (256, 0.8))


def lean(page: str, handlers: Iterable[str] = ()) -> str:
    """A page's HTML without what it loads for nothing, and with its policy, which allows these handlers as well."""
    page = ICON_SCRIPT.sub("", page)
    if 'id="search-results"' not in page:
        page = SEARCH_SCRIPT.sub("", page)
    page = page.replace(VIEWPORT + '<meta name="viewport"', '<meta name="viewport"', 1)
    page = REPEATED.sub(r"\1", page)
    head = '<meta charset="utf-8" />'
    return page.replace(
        head, f'{head}\n    <meta http-equiv="Content-Security-Policy" content="{policy(page, handlers)}" />', 1
    )


def patient(page: str, site: Path) -> str:
    """A page's HTML whose pictures wait until they are needed, in a place of the right size."""

    def waiting(tag: re.Match[str]) -> str:
        with Image.open(site / tag[2]) as picture:
            width, height = picture.size
        return f'<img loading="lazy" width="{width}" height="{height}" {tag[1]}>'

    return PICTURE.sub(lambda tag: tag[0] if re.search(r"\bwidth|loading=", tag[1]) else waiting(tag), page)


def handlers_of(page: str) -> list[str]:
    return [unescape(text) for text in HANDLER.findall(page)]


def policy(page: str, handlers: Iterable[str] = ()) -> str:
    """The Content-Security-Policy under which a page runs, with its own inline code and these handlers of others."""
    scripts = [hashed(text) for text in INLINE.findall(page)]
    all_handlers = sorted({hashed(text) for text in [*handlers_of(page), *handlers]})
    allowed = ["'self'", *dict.fromkeys(scripts), *all_handlers, *(["'unsafe-hashes'"] if all_handlers else [])]
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(allowed)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
        )
    )


def hashed(code: str) -> str:
    """A piece of inline code as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def cut_icons(static: Path, texts: list[str]) -> None:
    """Keep the icons that the texts (pages and scripts) or the style sheets use."""
    names = {name for text in texts for name in ICON_NAME.findall(text)}
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    used: set[int] = set()

    def kept(rule: re.Match[str]) -> str:
        if names.isdisjoint(ICON_NAME.findall(rule[1])):
            return ""
        used.add(int(rule[2], 16))
        return rule[0]

    style = ICON_RULE.sub(kept, sheet.read_text(encoding="utf-8"))
    style = re.sub(r',url\([^)]*\.ttf\) format\("truetype"\)', "", style)
    sheet.write_text(style, encoding="utf-8")
    for path in static.rglob("*.css"):
        text = ICON_RULE.sub("", path.read_text(encoding="utf-8"))
        used |= {int(code, 16) if code else ord(character) for code, character in ICON_CHARACTER.findall(text)}
    for path in (static / "vendor").rglob("*.ttf"):
        path.unlink()
    for path in (static / "vendor").rglob("*.woff2"):
        options = subset.Options(flavor="woff2", drop_tables=["FFTM"], notdef_outline=True, glyph_names=False)
        with subset.load_font(str(path), options, lazy=False) as font:
            cutter = subset.Subsetter(options)
            cutter.populate(unicodes=used)
            cutter.subset(font)
            subset.save_font(font, str(path), options)


def shrink(path: Path) -> Path:
    """Store a picture in the smallest palette that comes near enough to its colours, as WebP. Returns where it is."""
    with Image.open(path) as picture:
        if picture.mode not in ("RGB", "RGBA") or (picture.mode == "RGBA" and picture.getextrema()[3] != (255, 255)):
            return path
        full = picture.convert("RGB")
    for colours, tolerance in PALETTES:
        small = full.quantize(colours, dither=Image.Dither.NONE)
        error = np.abs(np.asarray(small.convert("RGB"), dtype=float) - np.asarray(full, dtype=float)).mean()
        if error < tolerance:
            stored = path.with_suffix(".webp")
            small.convert("RGB").save(stored, lossless=True, quality=100, method=6)
            path.unlink()
            return stored
    return path


def stored_in(page: str, pictures: Mapping[str, str]) -> str:
    """A page's HTML with the names under which its pictures are stored."""
    return IMAGE.sub(lambda name: f"_images/{pictures.get(name[1], name[1])}", page)


def finish(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html") if "_static" not in path.parts}
    # The search reads other pages to show what stands around a word.
    handlers = {handler for page in pages.values() for handler in handlers_of(page)}
    with_places = {path: patient(page, site) for path, page in pages.items() if "Content-Security-Policy" not in page}
    pictures = {path.name: shrink(path).name for path in sorted((site / "_images").glob("*.png"))}
    for path, page in with_places.items():
        path.write_text(stored_in(lean(accessible(page), handlers), pictures), encoding="utf-8")
    static = site / "_static"
    (static / "scripts" / "fontawesome.js").unlink(missing_ok=True)
    scripts = [path.read_text(encoding="utf-8") for path in static.rglob("*.js") if "mathjax" not in path.parts]
    cut_icons(static, [*pages.values(), *scripts])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
