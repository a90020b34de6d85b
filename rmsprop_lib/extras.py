"""What the library can do without, and the sentence that says how to get it.

By itself it needs NumPy alone. Torch, Matplotlib and the rest come with extras.
"""

from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = {
    "torch": "torch",
    "tqdm": "torch",
    "matplotlib": "figures",
    "numba": "fused",
    "gymnasium": "games",
    "anywidget": "notebooks",
    "traitlets": "notebooks",
}
"""The extra that brings a module, by the module's name."""


def how_to_get(module: str) -> str:
    """The command that installs a module, with the extra that brings it where one does.

    >>> how_to_get("matplotlib")
    'pip install "rmsprop-lib[figures]"'

    Parameters
    ----------
    module : str
        Its name, such as ``"torch"``.

    Returns
    -------
    str
    """
    return f'pip install "rmsprop-lib[{EXTRAS[module]}]"' if module in EXTRAS else f"pip install {module}"


@contextmanager
def naming_extras() -> Iterator[None]:
    """Around imports: one that fails for want of an extra says which.

    Returns
    -------
    context manager

    Raises
    ------
    ModuleNotFoundError
        As the import raises it, with the command that installs what is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in EXTRAS:
            raise
        raise ModuleNotFoundError(f"{module} is not installed: {how_to_get(module)}", name=error.name) from None
