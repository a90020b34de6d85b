"""What of the library is public, and what its docstrings say: for the tests of the reference."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import rmsprop_lib

# What has no place on the page: the book's exercises hold the solutions, an experiment is its own settings; the others
# do the work behind the parts.
LEFT_OUT = re.compile(
    r"exercises\.(apart|changes|chapter_\d\d|clues|declaration|diagnosing|edits|fillings|judging|progress|replying|running|straight|timeout|torch_answer|values)"
    r"|averages|compiled(\..*)?|conventions\.\w+|torch_optim\..*|training\..*|experiments\.(?!search)\w+"
    r"|playground\.(bundle|edges|network|network_picture|picture|race|state|surfaces|training|widget)"
)


def modules() -> list[ModuleType]:
    """Every module that the reference has to show; one that is added belongs to them by itself."""
    names = [m.name for m in pkgutil.walk_packages(rmsprop_lib.__path__, "rmsprop_lib.")]
    return [import_module(name) for name in names if not LEFT_OUT.fullmatch(name.removeprefix("rmsprop_lib."))]


def public_names(module: ModuleType) -> list[str]:
    """What a module's ``__all__`` lists, else every name without leading underscore that it defines itself."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


@dataclass(frozen=True)
class Documented:
    """A public function, method or class, with what its docstring has to state."""

    name: str
    docstring: str
    arguments: tuple[str, ...]
    returns: bool
    raises: frozenset[str]


def documented() -> Iterator[Documented]:
    for module in modules():
        for name in public_names(module):
            thing = getattr(module, name)
            if inspect.isclass(thing):
                yield from _of_class(thing, f"{module.__name__}.{name}")
            elif inspect.isfunction(thing):
                yield _of_function(thing, f"{module.__name__}.{name}")
            elif callable(thing) and type(thing).__module__ == module.__name__:
                # An object to be called, such as check: what it takes stands with its class.
                arguments = tuple(inspect.signature(thing).parameters)
                yield Documented(f"{module.__name__}.{name}", inspect.getdoc(thing) or "", arguments, True, frozenset())


def _of_class(cls: type, name: str) -> Iterator[Documented]:
    made_of = next(base for base in cls.__mro__ if "__init__" in vars(base))
    ours = made_of.__module__.startswith("rmsprop_lib")
    arguments = tuple(inspect.signature(made_of.__init__).parameters)[1:] if ours else ()
    yield Documented(name, inspect.getdoc(cls) or "", arguments, False, frozenset())
    for method, member in vars(cls).items():
        if inspect.isfunction(member) and not method.startswith("_"):
            yield _of_function(member, f"{name}.{method}")


def _of_function(function: Any, name: str) -> Documented:
    function = inspect.unwrap(function)
    arguments = [x for x in inspect.signature(function).parameters if x != "self"]
    (tree,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    raises = {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    nothing = tree.returns is None or (isinstance(tree.returns, ast.Constant) and tree.returns.value is None)
    return Documented(name, inspect.getdoc(function) or "", tuple(arguments), not nothing, frozenset(raises))


def sections(docstring: str) -> dict[str, str]:
    """The sections of a docstring in NumPy's style, each underlined, by their titles."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}$", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section: str) -> set[str]:
    """The names that a section explains, ``a, b : type`` being two."""
    heads = re.findall(r"^(\S.*?)(?: : .*)?$", section, flags=re.MULTILINE)
    return {name.lstrip("*") for head in heads for name in head.split(", ")}


def missing(thing: Documented) -> list[str]:
    """What the docstring does not state."""
    found = sections(thing.docstring)
    explained = entries(found.get("Parameters", "") + "\n" + found.get("Attributes", ""))
    complaints = [f"parameter {name}" for name in thing.arguments if name not in explained]
    if thing.returns and not {"Returns", "Yields"} & found.keys():
        complaints.append("Returns")
    # What follows a section without a title of its own is taken for a part of it.
    stray = entries(found.get("Parameters", "")) - set(thing.arguments)
    complaints += [f"an argument called {name!r}" for name in sorted(stray)]
    stray = {error for error in entries(found.get("Raises", "")) if not error.isidentifier()}
    complaints += [f"an error called {error!r}" for error in sorted(stray)]
    complaints += [f"raises {error}" for error in sorted(thing.raises) if error not in entries(found.get("Raises", ""))]
    return complaints if thing.docstring else ["a docstring"]
