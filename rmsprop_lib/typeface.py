"""The typeface of the figures: the one that the book's text has on its pages, where it is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rmsprop_lib.extras import naming_extras

with naming_extras():
    from matplotlib import font_manager


_FAMILY = "Source Serif 4"
_PACKAGE = "fontpkg_source_serif_4"


def settings(package: str = _PACKAGE) -> dict[str, Any]:
    """The settings of Matplotlib that draw text in the typeface of the book, and formulas as its pages do.

    Parameters
    ----------
    package : str
        The installed package that has the fonts in its folder ``files``.

    Returns
    -------
    dict
        Empty where the package is not installed: Matplotlib then draws with its own typeface.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return {}
    for path in sorted((Path(spec.origin).parent / "files").glob("*.ttf")):
        font_manager.fontManager.addfont(path)
    # A character that it lacks, such as a superscript minus, is taken from Matplotlib's own.
    return {"font.family": [_FAMILY, "DejaVu Sans"], "mathtext.fontset": "cm"}
