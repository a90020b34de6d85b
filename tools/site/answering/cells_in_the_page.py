"""Python's side of a page whose cells are run: what a cell needs of those above it, and what it shows.

A page holds many cells, some of which take minutes in a browser. So a cell is run with those alone that it builds on:
the ones that give a name it uses, or may change what that name stands for, and so on upwards.
"""

import ast
import base64
import builtins
import io
import re
import symtable
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

TORCH = re.compile(r"\b(torch|numba|triton|gymnasium)\b")
WITHOUT = "This cell needs PyTorch, or what is built on it, which does not run in a page."


@dataclass(frozen=True)
class Names:
    """The names of a cell.

    Attributes
    ----------
    bound : names that its own lines give a value, where loops are run at all
    changed : names that it may give a value, or whose value it may change
    used : names that its own lines look up and have not given a value before
    later : names that its functions look up when they are called
    imported : those of ``bound`` that are modules, or come from one
    """

    bound: frozenset[str]
    changed: frozenset[str]
    used: frozenset[str]
    later: frozenset[str]
    imported: frozenset[str]


COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
KNOWN = frozenset(dir(builtins))


def _outside(table: symtable.SymbolTable, at_once: bool = True) -> Iterator[tuple[symtable.Symbol, bool]]:
    """What the scopes within one look up outside, and whether at once, as comprehensions do, or when called."""
    for child in table.get_children():
        now = at_once and (child.get_name() in COMPREHENSIONS or child.get_type() == "class")
        yield from ((symbol, now) for symbol in child.get_symbols() if symbol.is_global())
        yield from _outside(child, now)


def _looked_up(code: str) -> tuple[set[str], set[str]]:
    """The names that lines look up at once, and those that their functions do later."""
    table = symtable.symtable(code, "cell", "exec")
    outside = list(_outside(table))
    at_once = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    return at_once | {s.get_name() for s, now in outside if now}, {s.get_name() for s, now in outside if not now}


def _base(node: ast.expr) -> str | None:
    """The name at the head of ``a.b[c].d``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _stored(*targets: ast.expr | None) -> set[str]:
    """The names in targets of an assignment that are given a value themselves."""
    nodes = (node for target in targets if target is not None for node in ast.walk(target))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


class _Reading:
    """A cell read line by line: what it gives a value for sure, and what it looks up before that."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.used: set[str] = set()
        self.later: set[str] = set()

    def look_up(self, *nodes: ast.AST) -> None:
        for node in nodes:
            at_once, later = _looked_up(ast.unparse(node))
            self.used |= at_once - self.bound
            self.later |= later

    def read(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            match statement:
                case ast.For(target=target, iter=source, body=body, orelse=rest):
                    self.look_up(source)
                    self.bound |= _stored(target)
                    self.read([*body, *rest])
                case ast.With(items=items, body=body):
                    self.look_up(*(item.context_expr for item in items))
                    self.bound |= _stored(*(item.optional_vars for item in items))
                    self.read(body)
                case _:
                    self.look_up(statement)
                    self.take(statement)

    def take(self, statement: ast.stmt) -> None:
        """What a statement without a body gives a value. One under a condition gives it to nothing for sure."""
        match statement:
            case ast.Assign(targets=targets):
                self.bound |= _stored(*targets)
            case ast.AnnAssign(target=target, value=ast.expr()):
                self.bound |= _stored(target)
            case ast.AugAssign(target=ast.Name(id=name)) if name not in self.bound:
                self.used.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                self.bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self.bound |= {(alias.asname or alias.name).partition(".")[0] for alias in names}


@cache
def names_of(code: str) -> Names:
    """The names of a cell; none if it is no Python, which is for Python to say when it is run."""
    try:
        tree, table = ast.parse(code), symtable.symtable(code, "cell", "exec")
    except SyntaxError:
        return Names(*[frozenset()] * 5)
    reading = _Reading()
    reading.read(tree.body)
    imported = {s.get_name() for s in table.get_symbols() if s.is_imported()}
    changed = imported | {s.get_name() for s in table.get_symbols() if s.is_assigned()}
    changed |= {s.get_name() for s, _ in _outside(table) if s.is_assigned()}
    for node in ast.walk(tree):
        # Where a method of something is called, or a part of it is given a value, it may be another afterwards.
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed.add(_base(node) or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changed.add(_base(node.func) or "")
    return Names(
        frozenset(reading.bound),
        frozenset(changed) - KNOWN - {""},
        frozenset(reading.used) - KNOWN,
        frozenset(reading.later - reading.bound) - KNOWN,
        frozenset(reading.bound & imported),
    )


def needed(cells: Sequence[str], index: int) -> list[int]:
    """The cells that one builds on, in their order, itself the last.

    Parameters
    ----------
    cells : sequence of str
        The source of all cells of the page.
    index : int
        That of the one to be run.
    """
    names = [names_of(code) for code in cells[: index + 1]]
    modules = frozenset().union(*(n.imported for n in names))
    found = {index}
    while True:
        wanted = names[index].used
        later = frozenset().union(*(names[k].later for k in found))
        before = len(found)
        for k in range(index - 1, -1, -1):
            here = names[k]
            # A method of a module, such as np.sqrt, changes no module.
            changed = here.bound | (here.changed - modules)
            if k in found or changed & (wanted | later):
                found.add(k)
                wanted = (wanted - (here.bound - here.used)) | here.used
        if len(found) == before:
            return sorted(found)


def pictures() -> list[str]:
    """The figures that have been drawn, as PNG in base64; they are closed."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return []
    found = []
    for number in plt.get_fignums():
        file = io.BytesIO()
        plt.figure(number).savefig(file, format="png", bbox_inches="tight")
        found.append(base64.b64encode(file.getvalue()).decode())
    plt.close("all")
    return found


def lacks_torch(error: BaseException) -> bool:
    """Whether a cell came to its end because something is missing that does not run in a browser."""
    return isinstance(error, ImportError) and bool(TORCH.search(f"{error.name} {error}"))


class Page:
    """What has been run of a page, and the names that its cells share."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.ran: dict[int, tuple[str, int]] = {}
        self.count = 0

    def to_run(self, cells: Sequence[str], index: int) -> list[int]:
        """What has to be run for a cell, itself the last: what it needs that has not been, or is not as it was."""
        stale: list[int] = []
        for k in needed(cells, index)[:-1]:
            code, when = self.ran.get(k, ("", 0))
            below = [j for j in needed(cells, k)[:-1] if j in stale or self.ran.get(j, ("", 0))[1] > when]
            if k not in self.ran or code != cells[k] or below:
                stale.append(k)
        return [*stale, index]

    def done(self, index: int, code: str) -> None:
        """A cell has been run."""
        self.count += 1
        self.ran[index] = code, self.count
