"""Mistakes that a machine makes in a solution: one edit of its source at a time, each with a sentence.

For answers that are wrong in a way which nobody has declared, and for the proof that no wrong answer passes.
"""

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Exercise

# What a solution may be made of and a reader does not write.
_GIVEN: frozenset[Any] = frozenset((rules.sqrt, rules.maximum))

_SWAPS: dict[type[ast.operator], tuple[type[ast.operator], str]] = {
    ast.Add: (ast.Sub, "a difference stands where a sum belongs"),
    ast.Sub: (ast.Add, "a sum stands where a difference belongs"),
    ast.Mult: (ast.Div, "a quotient stands where a product belongs"),
    ast.Div: (ast.Mult, "a product stands where a quotient belongs"),
    ast.FloorDiv: (ast.Div, "a division is not rounded down"),
}
_SIDES: dict[type[ast.operator], str] = {ast.Sub: "difference", ast.Div: "quotient", ast.Pow: "power"}
_PARTS: dict[type[ast.operator], str] = {
    ast.Add: "summand",
    ast.Sub: "side of a difference",
    ast.Mult: "factor",
    ast.Div: "side of a quotient",
    ast.MatMult: "factor of a matrix product",
}
_COMPARISONS: dict[type[ast.cmpop], tuple[tuple[type[ast.cmpop], str], ...]] = {
    ast.Lt: ((ast.LtE, "a comparison counts equal ones in"), (ast.Gt, "a comparison is turned round")),
    ast.LtE: ((ast.Lt, "a comparison leaves equal ones out"), (ast.GtE, "a comparison is turned round")),
    ast.Gt: ((ast.GtE, "a comparison counts equal ones in"), (ast.Lt, "a comparison is turned round")),
    ast.GtE: ((ast.Gt, "a comparison leaves equal ones out"), (ast.LtE, "a comparison is turned round")),
}
_UNARY = frozenset(("sqrt", "abs", "exp", "log", "log2", "floor", "ceil", "sign", "square", "sum", "mean", "cumsum"))


@dataclass(frozen=True)
class Edit:
    """A solution with one thing in it changed.

    Attributes
    ----------
    says : str
        What, as a sentence.
    answer : callable
    """

    says: str
    answer: Any


def edits(exercise: Exercise) -> Iterator[Edit]:
    """Every single edit of the exercise's solution that Python accepts.

    Parameters
    ----------
    exercise : Exercise

    Yields
    ------
    Edit
    """
    solution = exercise.written
    words = {*exercise.takes.split(), *exercise.results}
    sources = {function: _source(function) for function in _made_of(solution)}
    if any(isinstance(node, ast.While) for tree in sources.values() if tree for node in ast.walk(tree)):
        return  # edited, it might never end
    for function, tree in sources.items():
        if tree is None:
            continue
        for says, edited in _edited(tree, words):
            changed = _compiled(function, edited)
            if changed is not None and (answer := _with(solution, function, changed)) is not None:
                yield Edit(f"It does what an answer would do in which {says}.", answer)


def _is_ours(function: Any) -> bool:
    module = getattr(function, "__module__", "") or ""
    return isinstance(function, FunctionType | type) and module.partition(".")[0] == __name__.partition(".")[0]


def _parts(function: Any) -> Iterator[Any]:
    """The functions of the library that a function calls by name, alone or as an attribute of a module."""
    if isinstance(function, type):
        for method in vars(function).values():
            if isinstance(method, FunctionType):
                yield from _parts(method)
        return
    names = _names(function.__code__)
    for name in names:
        found = function.__globals__.get(name)
        if isinstance(found, ModuleType):
            found = [getattr(found, other, None) for other in names]
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, FunctionType) and _is_ours(one) and one not in _GIVEN and one is not function:
                yield one


def _names(code: Any) -> list[str]:
    nested = [name for const in code.co_consts if inspect.iscode(const) for name in _names(const)]
    return [*code.co_names, *nested]


@cache
def _made_of(solution: Any) -> tuple[Any, ...]:
    """The solution and what it is made of, outermost first."""
    found: dict[Any, None] = {}
    waiting = [solution]
    while waiting and len(found) < 12:
        one = waiting.pop(0)
        if one not in found and _is_ours(one):
            found[one] = None
            waiting += _parts(one)
    return tuple(found)


@cache
def _source(function: Any) -> ast.Module | None:
    """The definition, without its docstring and annotations; None of a lambda."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef | ast.ClassDef):
        return None
    tree.body[0].decorator_list = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
                del node.body[0]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs):
                argument.annotation = None
    return tree


def _edited(tree: ast.Module, words: set[str]) -> Iterator[tuple[str, ast.Module]]:
    """Copies of a tree with one edit each, and what was done."""
    nodes = list(ast.walk(tree))
    for k, node in enumerate(nodes):
        for says, edit in _of(node, words, tree):
            edited = copy.deepcopy(tree)
            twin = list(ast.walk(edited))[k]
            if edit(twin, edited):
                yield says, ast.fix_missing_locations(edited)


Editing = Callable[[Any, ast.Module], bool]


def _of(node: ast.AST, words: set[str], tree: ast.Module) -> Iterator[tuple[str, Editing]]:
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node, words)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "a minus is missing", _by("operand")
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator, says in _COMPARISONS.get(type(node.ops[0]), ()):
            yield says, _setting("ops", [operator()])
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if len(node.args) == 1 and name in _UNARY:
            yield f"{name} is missing", _by("args")
        method = isinstance(node.func, ast.Attribute) and not node.args
        if method and name in _UNARY:
            yield f"{name} is missing", _by("func.value")
        for i in range(len(node.args) - 1):
            yield (
                f"two arguments of {name} are exchanged",
                _swapping(i),
            )
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        for value, says in _of_number(node.value):
            yield says, _setting("value", value)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in words:
        for other in sorted(words & _bound(tree)):
            if other != node.id:
                yield (
                    f"{other} stands once where {node.id} belongs",
                    _setting("id", other),
                )
    if isinstance(node, ast.FunctionDef):
        yield from _of_statements(node, words)


def _of_operation(node: ast.BinOp, words: set[str]) -> Iterator[tuple[str, Editing]]:
    kind = type(node.op)
    if kind in _SWAPS:
        other, says = _SWAPS[kind]
        yield says, _setting("op", other())
    if kind in _SIDES:
        yield f"the two sides of a {_SIDES[kind]} are exchanged", _exchange
    if kind is ast.Pow:
        power = node.right
        word = "root" if isinstance(power, ast.Constant) and power.value == 0.5 else "power"
        yield f"a {word} is missing", _by("left")
    if kind in _PARTS:
        for side, kept in (("left", "right"), ("right", "left")):
            inside = sorted({n.id for n in ast.walk(getattr(node, side)) if isinstance(n, ast.Name)} & words)
            about = f" with {' and '.join(inside)} in it" if inside else ""
            yield (
                f"a {_PARTS[kind]}{about} is missing",
                _by(kept),
            )


def _of_statements(node: ast.FunctionDef, words: set[str]) -> Iterator[tuple[str, Editing]]:
    """One that updates a name is left out, or the name is used as it was before it."""
    for i, statement in enumerate(node.body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        names = {n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)}
        bound = {a.arg for a in node.args.args}
        if len(names) == 1 and names <= bound:
            (name,) = names
            yield f"{name} is not brought up to date", _leaving_out(i)
            for k in range(len(_uses(node, i, name))):
                yield (
                    f"{name} is used once as it was before this step",
                    _using_old(i, k, name),
                )


def _of_number(value: float) -> Iterator[tuple[Any, str]]:
    if value == 0.5:
        yield 1.0, "a root is missing"
        yield 2.0, "a square stands where a root belongs"
        return
    if isinstance(value, bool):
        return
    for other in {0, 1, 2, value + 1, value - 1} - {value}:
        yield type(value)(other), f"{other:g} stands where {value:g} belongs"


def _bound(tree: ast.Module) -> set[str]:
    return {a.arg for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for a in node.args.args} | {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _setting(name: str, value: Any) -> Editing:
    def edit(node: Any, tree: ast.Module) -> bool:
        setattr(node, name, value)
        return True

    return edit


def _by(path: str) -> Editing:
    """Put what stands there inside a node, the first of several, in the node's own place."""

    def edit(node: Any, tree: ast.Module) -> bool:
        inside = attrgetter(path)(node)
        return _replaced(tree, node, inside[0] if isinstance(inside, list) else inside)

    return edit


def _replaced(tree: ast.Module, old: ast.AST, new: ast.AST) -> bool:
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if value is old:
                setattr(node, name, new)
                return True
            if isinstance(value, list) and any(item is old for item in value):
                value[next(k for k, item in enumerate(value) if item is old)] = new
                return True
    return False


def _swapping(i: int) -> Editing:
    def edit(node: Any, tree: ast.Module) -> bool:
        node.args[i], node.args[i + 1] = node.args[i + 1], node.args[i]
        return True

    return edit


def _exchange(node: Any, tree: ast.Module) -> bool:
    node.left, node.right = node.right, node.left
    return True


def _leaving_out(i: int) -> Editing:
    def edit(node: Any, tree: ast.Module) -> bool:
        node.body[i] = ast.Pass()
        return True

    return edit


def _uses(function: ast.FunctionDef, i: int, name: str) -> list[ast.Name]:
    """Where a name stands behind a statement."""
    return [n for s in function.body[i + 1 :] for n in ast.walk(s) if isinstance(n, ast.Name) and n.id == name]


def _using_old(i: int, k: int, name: str) -> Editing:
    def edit(node: Any, tree: ast.Module) -> bool:
        use = _uses(node, i, name)[k]
        if not isinstance(use.ctx, ast.Load):
            return False
        use.id = "before_it"
        node.body.insert(i, ast.parse(f"before_it = {name}").body[0])
        return True

    return edit


def _compiled(function: Any, tree: ast.Module) -> Any:
    scope: dict[str, Any] = {}
    module = sys.modules[function.__module__]
    cells = inspect.getclosurevars(function).nonlocals if isinstance(function, FunctionType) else {}
    try:
        exec(compile(tree, "<edit>", "exec"), {**vars(module), **cells}, scope)
    except (SyntaxError, TypeError, ValueError, NameError):
        return None
    made = scope[function.__name__]
    if isinstance(made, FunctionType):
        made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return made


def _with(solution: Any, function: Any, changed: Any) -> Any:
    """The solution in which a function that it is made of is another one."""
    if solution is function:
        return changed
    if not isinstance(solution, FunctionType):
        return None
    scope = dict(solution.__globals__)
    parts: set[Any] = set(_parts(solution))
    for part in parts:
        if function is not part and function not in _made_of(part):
            continue
        new = _with(part, function, changed)
        for name, value in list(scope.items()):
            called = part.__name__
            if value is part:
                scope[name] = new
            elif isinstance(value, ModuleType | SimpleNamespace) and getattr(value, called, None) is part:
                scope[name] = SimpleNamespace(**{**vars(value), called: new})
    made: Any = FunctionType(solution.__code__, scope, solution.__name__, solution.__defaults__, solution.__closure__)
    made.__kwdefaults__ = solution.__kwdefaults__
    return made
