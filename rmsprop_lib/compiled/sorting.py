"""Which of many arrays can be stepped at once, in which groups, and why the others cannot; in any framework."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

OVERLAPPING = "they overlap in memory"


@dataclass(frozen=True)
class Sorted(Generic[Key]):
    """What was found.

    Attributes
    ----------
    groups : list of lists
        The keys of what can be stepped in one call each.
    left : dict of str to list
        The keys of everything else, by the reason why not.
    """

    groups: list[list[Key]]
    left: dict[str, list[Key]]


def sort_out(
    rows: Mapping[Key, Sequence[Any]],
    refusal: Callable[[Sequence[Any]], str | None],
    kind: Callable[[Sequence[Any]], Hashable],
    block: Callable[[Any], tuple[int, int]],
) -> Sorted[Key]:
    """Sort what can be stepped by one kernel from what cannot.

    Parameters
    ----------
    rows : mapping
        For each key a parameter, its gradient and its accumulators.
    refusal : callable
        Why such a row cannot be stepped by a kernel, or None.
    kind : callable
        What the rows that go into one call have in common, such as their dtype.
    block : callable
        Where an array lies in memory, as (address, bytes). Of a kind whose blocks overlap nothing is stepped at once:
        the order of the steps would matter.

    Returns
    -------
    Sorted
    """
    alike: dict[Hashable, list[Key]] = {}
    left: dict[str, list[Key]] = {}
    for key, row in rows.items():
        if reason := refusal(row):
            left.setdefault(reason, []).append(key)
        else:
            alike.setdefault(kind(row), []).append(key)
    groups = []
    for keys in alike.values():
        if disjoint(block(array) for key in keys for array in rows[key]):
            groups.append(keys)
        else:
            left.setdefault(OVERLAPPING, []).extend(keys)
    return Sorted(groups, left)


def disjoint(blocks: Iterable[tuple[int, int]]) -> bool:
    """Whether no two blocks of memory, given as (address, bytes), overlap. Only then may they be stepped at once."""
    end = 0
    for start, size in sorted(blocks):
        if size and start < end:
            return False
        end = max(end, start + size)
    return True
