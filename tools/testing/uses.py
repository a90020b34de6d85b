"""Which definitions of the repository's Python use which others, read off the source without running anything.

A definition is a function, class or name at the top level of a module; the rest of what a module does when it is
imported counts as one more, its body. Where the source does not say which definition is meant, as with
``getattr(module, name)``, all of the module count. So more may be found than is used, hardly less.
"""

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Definition = tuple[str, str]
"""A module and a name in it; the name is ``BODY`` for the module's body, ``ALL`` for whatever it has."""
BODY, ALL = "", "*"

# A module that a text names, as a program does that is run in a process of its own.
_DOTTED = re.compile(r"\b(?:rmsprop_lib|tools)(?:\.\w+)+|(?<=import )rmsprop_lib\b")


@dataclass
class Module:
    """What is read off one file."""

    package: bool = False
    made_of: dict[str, str] = field(default_factory=dict)
    """Each definition without its docstrings, as text that is the same where it does the same with the same imports."""
    uses: dict[str, set[Definition]] = field(default_factory=dict)
    bound: dict[str, Definition] = field(default_factory=dict)
    """What its imports bind."""


def read(source: str, name: str, package: bool, known: Iterable[str] = ()) -> Module:
    """A module's definitions and what they use; ``known`` are the names of all modules there are."""
    known = set(known)
    tree = _without_docstrings(ast.parse(source))
    module = Module(package)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                module.bound[alias.asname or top] = (alias.name if alias.asname else top, ALL)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                module.bound[alias.asname or alias.name] = (whole, ALL) if whole in known else (node.module, alias.name)
    statements = [(names, node) for node in tree.body for names in [_names(node)] if not _is_import(node)]
    own = {name for names, _ in statements for name in names}
    for names, node in statements:
        used = {(name, used) for used in own & _bare(node)} | set(_uses(node, module, name, known))
        for defined in names or [BODY]:
            module.made_of[defined] = module.made_of.get(defined, "") + f"{ast.dump(node)} {sorted(used)}"
            module.uses.setdefault(defined, set()).update(used - {(name, defined)})
    return module


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return [x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)]
    return []


def _bare(node: ast.AST) -> set[str]:
    return {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [x for x in body if not (isinstance(x, ast.Expr) and isinstance(x.value, ast.Constant))]
    return tree


def _uses(node: ast.AST, module: Module, name: str, known: set[str]) -> Iterator[Definition]:
    """What a statement uses of other modules."""
    inner: set[int] = set()
    for x in ast.walk(node):
        if isinstance(x, ast.Attribute) and id(x) not in inner:
            chain: list[str] = []
            start: ast.expr = x
            while isinstance(start, ast.Attribute):
                inner.add(id(start))
                chain.insert(0, start.attr)
                start = start.value
            if isinstance(start, ast.Name) and start.id in module.bound:
                inner.add(id(start))
                yield _followed(*module.bound[start.id], chain, known)
    for x in ast.walk(node):
        if isinstance(x, ast.Name) and id(x) not in inner:
            if x.id in module.bound:
                yield module.bound[x.id]
            elif x.id in ("__name__", "__path__") and module.package:
                yield name, ALL  # it imports its own parts by name
        elif isinstance(x, ast.Constant) and isinstance(x.value, str):
            for dotted in _DOTTED.findall(x.value):
                if dotted in known and dotted != name:
                    yield dotted, ALL


def _followed(module: str, name: str, chain: list[str], known: set[str]) -> Definition:
    """Where attribute after attribute of what an import has bound leads."""
    while name == ALL and chain:
        step = chain.pop(0)
        if f"{module}.{step}" in known:
            module = f"{module}.{step}"
        else:
            name = step
    return module, name


class Uses:
    """The definitions of many modules, and who uses them.

    Parameters
    ----------
    files : dict of str to Path or str
        Each module's file, or its source, by the name under which others import it.
    """

    def __init__(self, files: dict[str, "Path | str"]) -> None:
        self.modules = {
            name: read(
                file if isinstance(file, str) else file.read_text(encoding="utf-8"),
                name,
                isinstance(file, Path) and file.name == "__init__.py",
                files,
            )
            for name, file in files.items()
        }
        self.users: dict[Definition, set[Definition]] = {}
        for name, module in self.modules.items():
            for defined, used in module.uses.items():
                for definition in {*used, (name, BODY)}:
                    for origin in self.origins(*definition):
                        self.users.setdefault(origin, set()).add((name, defined))

    def origins(self, module: str, name: str) -> set[Definition]:
        """The definitions behind a name, through whatever modules pass it on."""
        found = self.modules.get(module)
        if found is None:
            return set()
        if name in found.made_of or name == BODY:
            return {(module, name)}
        if name in found.bound and name != ALL:
            return self.origins(*found.bound[name])
        below = (other for other in self.modules if found.package and other.startswith(f"{module}."))
        return {(part, defined) for part in (module, *below) for defined in {*self.modules[part].made_of, BODY}}

    def distances(self, changed: Iterable[Definition]) -> dict[str, int]:
        """How many uses away from what has changed each module is; those that it does not reach are left out."""
        seen = dict.fromkeys(changed, 0)
        waiting = deque(seen)
        while waiting:
            definition = waiting.popleft()
            for user in self.users.get(definition, ()):
                if user not in seen:
                    seen[user] = seen[definition] + 1
                    waiting.append(user)
        nearest: dict[str, int] = {}
        for (module, _), distance in seen.items():
            nearest[module] = min(distance, nearest.get(module, distance))
        return nearest
