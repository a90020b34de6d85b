"""The playground's modules as one text, for pages that cannot load modules one by one.

Chromium loads no modules from ``file://``, and a notebook's widget is a single one. The sources in ``static`` are plain
ES modules whose imports are relative and whose names are unique over all files: joined in the order of their imports,
without the words ``import`` and ``export``, they are the same program.
"""

import re
from importlib.resources import files

_STATIC = files("rmsprop_lib.playground") / "static"
_IMPORT = re.compile(r'^import (?:\w+|\{[^}]*\}) from "\./([\w.]+)";\n', re.MULTILINE)


def source(name: str) -> str:
    """The text of a file in ``static``."""
    return (_STATIC / name).read_text(encoding="utf-8")


def bundle(entry: str) -> str:
    """The module ``entry`` with all that it imports, as one text without an import. Only its default export is left."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for needed in _IMPORT.findall(source(name)):
                visit(needed)
            order.append(name)

    visit(entry)
    return "\n".join(_plain(name, keep_default=name == entry) for name in order)


def _plain(name: str, keep_default: bool) -> str:
    text = source(name)
    if name.endswith(".json"):
        return f"const {name.removesuffix('.json').upper()} = {text.strip()};\n"
    text = re.sub(r"^export (?!default)", "", _IMPORT.sub("", text), flags=re.MULTILINE)
    return text if keep_default else re.sub(r"^export default .*\n", "", text, flags=re.MULTILINE)


def script() -> str:
    """What the book's pages load: a classic script, which also runs from ``file://``."""
    return f'(() => {{\n"use strict";\n{bundle("page.mjs")}}})();\n'
