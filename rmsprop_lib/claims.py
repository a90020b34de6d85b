"""Statements that a notebook makes about what it has just computed, and that fail the cell when they are false.

A printed number proves nothing by itself, and the last digits of a float32 run differ from machine to machine.
:func:`claim` therefore prints the statement with the number that is *stated* and its tolerance, beside it in brackets
what was *measured*, and raises when the two do not agree. What stands before the brackets is the same wherever it
holds; what stands in them may differ from machine to machine, and the comparison of stored outputs passes over it.

:func:`verdict` does so for a statement that is often made elsewhere; appendix C collects the verdicts.
"""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

VERDICT_MIME = "application/vnd.rmsprop-lib.verdict+json"
"""The type under which a verdict's fields lie in the notebook's output, for the page that collects them."""

Judgement = Literal["holds", "holds when", "does not hold"]
"""What a verdict can be."""

SIGNS: dict[Judgement, str] = {"holds": "✓", "holds when": "◐", "does not hold": "✗"}
"""How each is marked."""


class ClaimError(AssertionError):
    """What was stated is not what was measured."""


def claim(
    statement: str,
    measured: Any,
    *,
    expected: Any = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    below: float | None = None,
    above: float | None = None,
    unit: str = "",
) -> None:
    """Print ``statement`` with its stated number and what was measured if they agree, and raise if they do not.

    Parameters
    ----------
    statement : str
        A full statement, without its number.
    measured : bool, number or array-like of any shape
        A condition; or what was computed, all of whose elements have to agree. Tensors on any device are taken.
    expected : number or array-like, optional
        What is stated. Agreement means ``|measured − expected| ≤ atol + rtol·|expected|``.
    rtol, atol : float
        Tolerances, relative and absolute (in ``unit``). Without one, agreement is equality.
    below, above : float, optional
        Bounds, exclusive, in ``unit``; either or both, instead of ``expected``.
    unit : str
        Printed after the number.

    Raises
    ------
    ClaimError
        If it is false, or anything measured is NaN, or nothing was measured. The message holds the measured value.
    TypeError
        If a number is given without anything to hold it against, or a condition with it.

    Examples
    --------
    >>> claim("The root of 0.9, about", 0.9**0.5, expected=0.95, atol=0.005)
    ✓ The root of 0.9, about: 0.95 (within 0.005) [measured 0.948683]
    >>> claim("A tenth and two make three", 0.1 + 0.2, expected=0.3, atol=1e-12)
    ✓ A tenth and two make three: 0.3 (within 1e-12) [off by 5.6e-17]
    >>> claim("Half is less than one", 0.5, below=1)
    ✓ Half is less than one: below 1 [measured 0.5]
    """
    values = _values(measured)
    bounded = below is not None or above is not None
    if values.dtype == bool:
        if bounded or expected is not None:
            raise TypeError("claim: a condition is true or false; expected, below and above need a number")
        stated, holds = "", bool(values.all())
    elif bounded and expected is None:
        limits = [f"above {above:g}{unit}"] if above is not None else []
        limits += [f"below {below:g}{unit}"] if below is not None else []
        stated = ": " + " and ".join(limits)
        inside = (values > above if above is not None else True) & (values < below if below is not None else True)
        holds = bool(np.all(inside))
    elif expected is not None and not bounded:
        wanted = _values(expected)
        stated = f": {_short(wanted)}{unit}{_tolerance(rtol, atol, unit)}"
        with np.errstate(invalid="ignore"):  # ∞ − ∞ and 0·∞: what is stated as infinite has to be equal
            near = np.abs(values - wanted) <= atol + rtol * np.abs(wanted)
        holds = bool(np.all(np.where(np.isfinite(wanted), near, values == wanted)))
    else:
        raise TypeError("claim: a number needs either expected (with rtol or atol) or below and/or above")
    if not (holds and values.size):  # nothing measured proves nothing
        raise ClaimError(f"{statement}{stated} — this is false: measured {measured}")
    exact = expected is not None and not (rtol or atol)
    print(f"✓ {statement}{stated}{'' if exact or values.dtype == bool else _measured(values, expected)}")


def verdict(
    identifier: str,
    statement: str,
    judgement: Judgement,
    because: str,
    *,
    number: str,
    shown: bool | Sequence[bool],
    source: str = "",
) -> None:
    """Show the verdict on a statement that was put to the test; fails the cell when what decides it is not so.

    Parameters
    ----------
    identifier : str
        The name under which the book refers to it, such as ``"R2"``: H, L or R for the text in which it was first
        met, E for what is said about the edge of stability, W about words, P about players of games, I about
        images, F about the family, and a count.
    statement : str
        What is said, in the book's words.
    judgement : {"holds", "holds when", "does not hold"}
    because : str
        For "holds when" the condition; else what was seen.
    number : str
        The number that decides it, as text with its unit.
    shown : bool or sequence of bool
        What was computed about it: all of it must be true.
    source : str
        Who says so, and where: author, title, section, and an address if there is one; it becomes a link.

    Raises
    ------
    ClaimError
        If ``shown`` is empty or not all true.
    """
    conditions = np.atleast_1d(_values(shown))
    if conditions.dtype != bool or not conditions.size or not conditions.all():
        raise ClaimError(f"{identifier} “{statement}”: the verdict “{judgement}” is not what was measured: {shown}")
    fields = {
        "identifier": identifier,
        "statement": statement,
        "judgement": judgement,
        "because": because,
        "number": number,
        **({"source": source} if source else {}),
    }
    plain = f"{identifier}  “{statement}”\n    {judgement}: {because}\n    decided by: {number}"
    plain += f"\n    said in: {source}" if source else ""
    sign = SIGNS[judgement]
    e = {name: html.escape(text) for name, text in fields.items()}
    rich = (
        f'<div class="verdict"><p><b>{e["identifier"]}</b> “{e["statement"]}”</p>'
        f"<p>{sign} <b>{e['judgement']}</b>: {e['because']}</p><p>Decided by: {e['number']}</p>"
        + (f"<p>Said in: {linked(e['source'])}</p>" if source else "")
        + "</div>"
    )
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print(plain)
    else:
        display({"text/plain": plain, "text/html": rich, VERDICT_MIME: fields}, raw=True)  # type: ignore[no-untyped-call]


def linked(text: str) -> str:
    """A text in HTML whose addresses are links.

    Parameters
    ----------
    text : str
        In HTML, escaped.

    Returns
    -------
    str
        The same, each address that begins with ``https://`` in a link to it.
    """
    return re.sub(r"https://[^\s;,)]*[^\s;,).]", lambda found: f'<a href="{found[0]}">{found[0]}</a>', text)


def _values(x: Any) -> np.ndarray:
    if hasattr(x, "detach"):  # a Torch tensor, on whatever device; without importing Torch
        x = x.detach().cpu().numpy()
    values = np.asarray(x)
    if np.iscomplexobj(values):
        raise TypeError(f"claim: {x!r} is complex; claim something about its parts or its modulus")
    return values if values.dtype == bool else values.astype(np.float64)


def _short(values: np.ndarray) -> str:
    if values.ndim == 0:
        return f"{float(values):.6g}"
    if values.size <= 4:
        return np.array2string(values, formatter={"float_kind": lambda x: f"{x:.6g}"}, separator=", ")
    return f"all {values.size} values"


def _measured(values: np.ndarray, expected: Any) -> str:
    """What was measured, in brackets: the number, or the range of many; how far off it is where that says more."""
    ends = list(dict.fromkeys(f"{x:.6g}" for x in (values.min(), values.max())))
    if expected is None:
        return f" [measured {' to '.join(ends)}]"
    wanted = _values(expected)
    if wanted.ndim == 0 and ends != [_short(wanted)]:
        return f" [measured {' to '.join(ends)}]"
    if wanted.shape == values.shape and values.size <= 4 and _short(values) != _short(wanted):
        return f" [measured {_short(values).strip('[]')}]"
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        off = np.where(values == wanted, 0.0, np.abs(values - wanted)).max()
    return f" [off by {'at most ' if values.size > 1 else ''}{off:.2g}]"


def _tolerance(rtol: float, atol: float, unit: str) -> str:
    parts = [f"within {atol:g}{unit}"] if atol else []
    parts += [f"relative tolerance {rtol:g}"] if rtol else []
    return f" ({' and '.join(parts) or 'exactly'})"


def stored_verdicts(folder: str | Path = ".") -> list[dict[str, str]]:
    """The verdicts in the stored outputs of the notebooks in a folder, in the order of the chapters.

    Parameters
    ----------
    folder : str or Path
        Of the notebooks; the working folder by default.

    Returns
    -------
    list of dict
        The arguments of :func:`verdict` by name, and under ``"notebook"`` the name of the file.

    Raises
    ------
    ValueError
        If a statement has two verdicts.
    """
    found: dict[str, dict[str, str]] = {}
    for path in sorted(Path(folder).glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                fields = output.get("data", {}).get(VERDICT_MIME)
                if fields is None:
                    continue
                if (other := found.get(fields["identifier"])) is not None:
                    raise ValueError(f"{fields['identifier']} has a verdict in {other['notebook']} and in {path.name}")
                found[fields["identifier"]] = {**fields, "notebook": path.name}
    return list(found.values())
