"""What the reader is told, as text and as HTML with the same content."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rmsprop_lib.exercises.declaration import Exercise

Kind = Literal["right", "mistake", "wrong", "trouble", "untouched", "unknown"]

# A sign, a word and a colour for each: the colour never says anything alone.
_HEADS: dict[Kind, tuple[str, str, str]] = {
    "right": ("✓", "Right", "#1a7f37"),
    "mistake": ("✗", "Not yet", "#b35900"),
    "wrong": ("✗", "Not yet", "#b35900"),
    "trouble": ("✗", "Not yet", "#b35900"),
    "untouched": ("○", "Nothing to check yet", "#57606a"),
    "unknown": ("?", "No such exercise", "#57606a"),
}


@dataclass(frozen=True)
class Shown:
    """Text with a head and lines, which Jupyter shows as HTML."""

    def head(self) -> str:
        raise NotImplementedError

    def body(self) -> Sequence[str]:
        raise NotImplementedError

    def colour(self) -> str:
        return "#57606a"

    def __repr__(self) -> str:
        return "\n".join([self.head(), *(f"  {line}" for line in self.body())])

    def _repr_html_(self) -> str:
        lines = "".join(f'<p style="margin:0.3em 0 0">{html.escape(line)}</p>' for line in self.body())
        return (
            f'<div role="status" style="border-left:4px solid {self.colour()};padding:0.2em 0.8em">'
            f"<strong>{html.escape(self.head())}</strong>{lines}</div>"
        )


@dataclass(frozen=True, repr=False)
class Reply(Shown):
    """The reply to an answer.

    Attributes
    ----------
    exercise : Exercise, or None if there is none of that name
    kind : str
        "right", "mistake" (known by name), "wrong" (in an unknown way), "trouble" (it could not be run or
        compared), "untouched", or "unknown".
    lines : list of str
        Sentences.
    mistakes : tuple of str
        The names of the mistakes that were recognised.
    printed : str
        What the answer printed.
    """

    exercise: Exercise | None
    kind: Kind
    lines: list[str] = field(default_factory=list)
    mistakes: tuple[str, ...] = ()
    printed: str = ""

    @property
    def mistake(self) -> str | None:
        """The mistakes by name, as the head says them; None if none was recognised."""
        return " and ".join(self.mistakes) or None

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.kind == "right"

    def head(self) -> str:
        sign, word, _ = _HEADS[self.kind]
        name = f"{self.exercise.name}. " if self.exercise is not None else ""
        return f"{sign} {name}{word}{f' ({self.mistake})' if self.mistake else ''}."

    def body(self) -> Sequence[str]:
        printed = self.printed.strip()
        shown = [] if not printed else [f"It printed: {printed if len(printed) < 300 else printed[:297] + '...'}"]
        return [*self.lines, *shown]

    def colour(self) -> str:
        return _HEADS[self.kind][2]


@dataclass(frozen=True, repr=False)
class Hint(Shown):
    """One hint of an exercise, folded in HTML so that nobody reads it who only scrolls past."""

    title: str
    text: str

    def head(self) -> str:
        return self.title

    def body(self) -> Sequence[str]:
        return [self.text]

    def _repr_html_(self) -> str:
        return (
            f'<details style="border-left:4px solid {self.colour()};padding:0.2em 0.8em">'
            f"<summary><strong>{html.escape(self.title)}</strong></summary>"
            f'<p style="margin:0.3em 0 0">{html.escape(self.text)}</p></details>'
        )
