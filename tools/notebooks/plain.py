"""The text of the book in plain Markdown, as a reader's copy has it: nothing of MyST is left, all references read.

JupyterLab, Colab and GitHub know Markdown, formulas between dollars and ``<details>``, and nothing else that the
sources use. A theorem, an exercise or a box becomes a quotation with its name in bold, what is folded on the site a
``<details>``, a reference its number or title with a link, a term a link to the glossary, a citation the names and the
year, and the caption of a figure a text below its cell. What is not known here raises, so that nothing is passed on as
it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.notebooks.citations import Reference, references
from tools.notebooks.labels import CODE, EQUATION, NUMBERED, OPENING, OPTION, TARGET, Book, Label, anchor_of, read
from tools.paths import CHAPTERS

ROLE = re.compile(r"\{(?P<role>[a-z]+(?::[a-z]+)?)\}`(?P<text>[^`]+)`")
EXPLICIT = re.compile(r"(?P<words>.*?)\s*<(?P<target>[^<>]+)>", re.DOTALL)
LINK = re.compile(r"\[(?P<words>[^\[\]]+)\]\((?P<file>[\w./-]*\.(?:ipynb|md))?(?P<fragment>#[^)\s]*)?\)")
FORMULA = re.compile(r"\$[^$]*\$")
# A stroke in a formula, of one line or two, and whether a letter follows, which would become part of its name.
STROKE = re.compile(r"(?P<two>\\)?\|(?P<letter>(?=[A-Za-z]))?")
BOXES = {"admonition", "note", "tip", "warning", "important"}


class CannotConvertError(Exception):
    """A text has something that plain Markdown does not. The message says what and where."""


@dataclass
class Links:
    """Where a reference leads from a copy.

    Parameters
    ----------
    beside
        The names of the files in the copy's folder, to which links are relative.
    site
        The published site, for what is not beside; empty where it is not known, and then words stay words.
    left_out
        The names of cells that the copy does not have: a working copy has no solutions.
    """

    beside: frozenset[str] = frozenset()
    site: str = ""
    left_out: frozenset[str] = frozenset()

    def to_label(self, label: Label, here: str) -> str:
        if label.file in self.beside and label.cell not in self.left_out:
            # JupyterLab finds a cell by its name, in this notebook and in others.
            fragment = f"#cell-id={label.cell}" if label.cell else ""
            return fragment if label.file == here and fragment else f"{label.file}{fragment}"
        return self._on_site(label.file, f"#{label.anchor}")

    def to_page(self, file: str, fragment: str = "") -> str:
        return f"{file}{fragment}" if file in self.beside else self._on_site(file, fragment)

    def to_site(self, file: str) -> str:
        return self._on_site(file, "")

    def _on_site(self, file: str, fragment: str) -> str:
        return f"{self.site}chapters/{Path(file).stem}.html{fragment}" if self.site else ""


def linked(words: str, address: str, title: str = "") -> str:
    """The words as a link, or as they are if there is no address."""
    if not address:
        return words
    title = title.replace('"', "”").replace("$", "")
    return f'[{words}]({address} "{title}")' if title else f"[{words}]({address})"


@dataclass
class Converter:
    """Converts the texts of the book for one kind of copy."""

    links: Links
    folder: Path = CHAPTERS
    book: Book = field(init=False)
    sources: dict[str, Reference] = field(init=False)

    def __post_init__(self) -> None:
        self.book = read(self.folder)
        self.sources = references(self.folder / "references.bib")
        self._by_anchor = {(label.file, label.anchor): label for label in self.book.labels.values()}

    def notebook(self, notebook: NotebookNode, file: str) -> NotebookNode:
        """A copy whose texts are plain; below a figure stands its caption. Cells of code are as they were."""
        copy = nbformat.from_dict(notebook)
        cells = []
        for cell in copy.cells:
            cells.append(cell)
            if cell.cell_type == "markdown":
                cell.source = self.text(cell.source, file)
                continue
            for output in cell.get("outputs", []):
                if "text/markdown" in output.get("data", {}):
                    output.data["text/markdown"] = self._links("".join(output.data["text/markdown"]), file)
            caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")
            if caption:
                number = self.book.figures.get((file, cell.id), "")
                words = f"**Figure {number}.** {self._inline(caption, file)}"
                cells.append(nbformat.v4.new_markdown_cell(words, id=f"{cell.id}-caption"))
        copy.cells = cells
        return copy

    def text(self, source: str, file: str) -> str:
        """A text in plain Markdown.

        Raises
        ------
        CannotConvertError
            If it has a directive or a role that is not known here, or a label that the book does not have.
        """
        try:
            return "\n".join(self._lines(source.splitlines(), file)).strip("\n")
        except CannotConvertError as error:
            raise CannotConvertError(f"{file}: {error}") from None

    def _lines(self, lines: list[str], file: str, flat: bool = False) -> list[str]:
        """The lines in plain Markdown; ``flat`` has every formula on one line, as quotations and tables need it."""
        result: list[str] = []
        text: list[str] = []  # lines whose references are still to be converted: a role may go over a line's end
        rest = iter(lines)

        def flush() -> None:
            if text:
                result.extend(self._inline("\n".join(text), file).split("\n"))
                text.clear()

        for line in rest:
            if (opened := CODE.match(line)) and not EQUATION.fullmatch(line):
                flush()
                result.append(line)
                for code in rest:
                    result.append(code)
                    if code.strip() == opened[1]:
                        break
            elif found := OPENING.fullmatch(line):
                flush()
                result += [
                    "",
                    *self._directive(found["name"], found["title"], list(_until(rest, found["fence"])), file),
                    "",
                ]
            elif TARGET.fullmatch(line):
                continue
            elif line.lstrip().startswith("$$"):
                flush()
                result += self._formula(line, rest, flat)
            else:
                text.append(line)
        flush()
        return _without_gaps(result)

    def _formula(self, first: str, rest: Iterator[str], flat: bool) -> list[str]:
        """A display formula; its label becomes its number."""
        indent = first[: len(first) - len(first.lstrip())]
        if first.strip() != "$$":
            return [first]  # on one line, and without a label
        inner, end = [], "$$"
        for line in rest:
            if line.strip().startswith("$$"):
                end = line
                break
            inner.append(line.strip() if flat else line)
        if found := EQUATION.fullmatch(end):
            label = self._label(found["label"])
            inner.append(f"{'' if flat else indent}\\tag{{{label.number}}}")
        if flat:
            return [f"{indent}$$ {' '.join(inner)} $$"]
        return [first, *inner, f"{indent}$$"]

    def _directive(self, name: str, title: str, lines: list[str], file: str) -> list[str]:
        options: dict[str, str] = {}
        while lines and (found := OPTION.fullmatch(lines[0])):
            options[found["name"]] = found["value"]
            lines = lines[1:]
        title = self._inline(title, file)
        if name == "dropdown" or (name in BOXES and "dropdown" in options.get("class", "")):
            return self._folded(title or "More", lines, file)
        if name in BOXES:
            return self._quoted(title or name.capitalize(), lines, file)
        if name in NUMBERED:
            label = self._label(options["label"])
            return self._quoted(f"{label.kind} {label.number}" + (f" ({title})" if title else ""), lines, file)
        if name == "div":  # a frame of the site's, which is nothing here
            return self._lines(lines, file)
        if name == "prf:proof":
            return self._proof(lines, file)
        if name == "solution":
            return self._folded(f"Solution to {self._label(title).words}", lines, file)
        if name == "list-table":
            return self._table(title, lines, options, file)
        if name == "glossary":
            return self._glossary(lines, file)
        if name == "bibliography":
            return [f"- {linked(said.line, said.address)}" for _, said in sorted(self.sources.items())]
        if name == "eval-rst":
            return self._reference(lines)
        if name == "run-statistics":
            return ["*The table is on the book's site, and its numbers are in `runs.json`.*"]
        if name == "sheet":
            on_site = linked("the book's site", self.links.to_site("sheet.md"))
            return [f"*The table, made from the library, is on {on_site}.*"]
        if name == "include":
            included = (self.folder / title).resolve().read_text(encoding="utf-8")
            return [f"#{line}" if line.startswith("#") else line for line in included.splitlines()]
        raise CannotConvertError(f"the directive {name!r} is not known to tools/notebooks/plain.py")

    def _quoted(self, title: str, lines: list[str], file: str) -> list[str]:
        return [f"> **{title}**", ">", *(f"> {line}".rstrip() for line in self._lines(lines, file, flat=True))]

    def _folded(self, title: str, lines: list[str], file: str) -> list[str]:
        summary = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", title)
        summary = re.sub(r"`([^`]+)`", r"<code>\1</code>", re.sub(r"\*([^*]+)\*", r"<em>\1</em>", summary))
        # Markdown goes on between the tags because empty lines stand there.
        return ["<details>", f"<summary><b>{summary}</b></summary>", "", *self._lines(lines, file), "", "</details>"]

    def _proof(self, lines: list[str], file: str) -> list[str]:
        body = self._lines(lines, file)
        if re.match(r"\s*(?:\$\$|[-*>#|]\s|\d+\.\s)", body[0]):
            body = ["*Proof.*", "", *body]
        else:
            body[0] = f"*Proof.* {body[0]}"
        if re.match(r"\s*(?:\$\$|<|\|)", body[-1]):
            return [*body, "", "∎"]
        return [*body[:-1], f"{body[-1]} ∎"]

    def _table(self, title: str, lines: list[str], options: dict[str, str], file: str) -> list[str]:
        rows: list[list[list[str]]] = []
        for line in lines:
            if row := re.match(r"\* - ?(.*)", line):
                rows.append([[row[1]]])
            elif (cell := re.match(r"  - ?(.*)", line)) and rows:
                rows[-1].append([cell[1]])
            elif rows and line.strip():
                rows[-1][-1].append(line.strip())
        cells = [[self._cell(" ".join(cell), file) for cell in row] for row in rows]
        if options.get("header-rows", "0") == "0":
            cells.insert(0, [""] * len(cells[0]))
        caption = []
        if title:
            name = options.get("name", "")
            number = f"Table {self.book.labels[name].number}. " if name in self.book.labels else ""
            caption = [f"**{number}**{title}" if number else title, ""]
        head, *body = (f"| {' | '.join(row)} |" for row in cells)
        return [*caption, head, "|" + "---|" * len(cells[0]), *body]

    def _cell(self, text: str, file: str) -> str:
        # In a formula the stroke has a name; elsewhere it is escaped.
        text = FORMULA.sub(lambda found: STROKE.sub(_named, found[0]), text)
        return self._inline(text, file).replace("|", r"\|")

    def _glossary(self, lines: list[str], file: str) -> list[str]:
        result: list[str] = []
        for line in lines:
            if line and not line.startswith((" ", ":")):
                result += ["", f"**{line}**", ""]
            elif line.strip() and not line.startswith(":"):
                result.append(self._inline(line.strip(), file))
        return result

    def _reference(self, lines: list[str]) -> list[str]:
        modules = re.findall(r"\.\. automodule:: ([\w.]+)", "\n".join(lines))
        address = self.links.to_page("library.md") if "library.md" not in self.links.beside else ""
        shown = " and ".join(f'`help("{module}")`' for module in modules)
        return [
            f"{shown} shows the reference" + (f", which is {linked('on the site', address)} too." if address else ".")
        ]

    def _inline(self, text: str, file: str) -> str:
        """References and links of a text that has no directive."""

        def replaced(found: re.Match[str]) -> str:
            return self._role(found["role"], found["text"], file, text[: found.start()])

        return self._links(ROLE.sub(replaced, text), file)

    def _role(self, role: str, text: str, file: str, before: str) -> str:
        explicit = EXPLICIT.fullmatch(text)
        words, target = (explicit["words"], explicit["target"]) if explicit else ("", text.strip())
        if role in ("cite:p", "cite:t"):
            return self._citation(role, target, before)
        if role == "term":
            if target not in self.book.terms:
                raise CannotConvertError(f"the glossary has no {target!r}")
            term = self.book.terms[target]
            # From an entry of the glossary to another there is nowhere to go.
            return linked(words or target, "" if term.file == file else self.links.to_label(term, file))
        if role == "doc":
            if target not in self.book.files:
                raise CannotConvertError(f"there is no page {target!r}")
            return linked(words or self.book.titles[target], self.links.to_page(self.book.files[target]))
        if role.startswith("py:"):
            return linked(f"`{words or target}`", self.links.to_page("library.md"))
        if role not in ("eq", "prf:ref", "ref", "numref"):
            raise CannotConvertError(f"the role {role!r} is not known to tools/notebooks/plain.py")
        label = self._label(target)
        if role == "numref":
            words = re.sub(r"%s|\{number\}", label.number, words)
        elif role == "prf:ref" or role == "ref":
            words = words.replace("%s", label.number)
        return linked(words or label.words, self.links.to_label(label, file))

    def _citation(self, role: str, keys: str, before: str) -> str:
        said = []
        for key in (key.strip() for key in keys.split(",")):
            if key not in self.sources:
                raise CannotConvertError(f"references.bib has no {key!r}")
            one = self.sources[key]
            words = f"{one.authors}, {one.year}" if role == "cite:p" else f"{one.authors} ({one.year})"
            said.append(linked(words, one.address or self.links.to_page("bibliography.md"), one.line))
        if role == "cite:t":
            return ", ".join(said[:-1]) + (" and " if said[:-1] else "") + said[-1]
        paragraph = FORMULA.sub("", ROLE.sub("", before.rpartition("\n\n")[2]))
        inside = paragraph.count("(") > paragraph.count(")")
        return "; ".join(said) if inside else f"({'; '.join(said)})"

    def _links(self, text: str, file: str) -> str:
        """Links to other pages of the book, as the copy has them."""

        def replaced(found: re.Match[str]) -> str:
            target, fragment = found["file"] or file, found["fragment"] or ""
            if (not found["file"] and not fragment) or target not in self.book.files.values():
                return found[0]
            label = self._by_anchor.get((target, anchor_of(fragment)))
            if fragment.startswith("#cell-id="):
                return found[0]
            address = self.links.to_label(label, file) if label else self.links.to_page(target, fragment)
            return linked(found["words"], address)

        return LINK.sub(replaced, text)

    def _label(self, name: str) -> Label:
        if name not in self.book.labels:
            raise CannotConvertError(f"there is no label {name!r}")
        return self.book.labels[name]


def _named(stroke: re.Match[str]) -> str:
    return (r"\Vert" if stroke["two"] else r"\vert") + ("" if stroke["letter"] is None else " ")


def _until(lines: Iterator[str], fence: str) -> Iterator[str]:
    """The lines before the one that closes a directive; the cell's end closes it too."""
    for line in lines:
        if line.rstrip() == fence:
            return
        yield line


def _without_gaps(lines: list[str]) -> list[str]:
    """Without empty lines at the ends, and with one where several followed each other."""
    result: list[str] = []
    for line in lines:
        if line.strip() or (result and result[-1].strip()):
            result.append(line)
    while result and not result[-1].strip():
        result.pop()
    return result
