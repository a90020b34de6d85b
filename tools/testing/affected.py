"""Run what the changes in the working tree can have broken, in about a minute: ``make check [BASE=main] [BUDGET=300]``.

Which tests and chapters use what has changed is read off the source (``uses.py``). Always run are tests and chapters
that have changed themselves, and the chapter of a rule that has. The others follow, nearest first, as long as they fit
into the budget; what is left to ``make test`` is named, and so is everything that asks for the built site.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tools.environment.ask_git import git
from tools.paths import ROOT, RUNS
from tools.testing.times import TIMES
from tools.testing.uses import ALL, Definition, Uses, read

RULES = "rmsprop_lib.rules"
# For what is no Python: which tests speak of it. The first pattern that fits counts.
SPEAK_OF = (
    ("rmsprop_lib/playground/static/*", ("tests/library/test_playground",)),
    ("rmsprop_lib/data/*", ("tests/library/test_data.py", "tests/library/test_conventions.py")),
    ("chapters/*.ipynb", ("tests/book", "tests/library/test_exercises.py")),
    ("chapters/*", ("tests/book",)),
    ("*", ("tests/tools",)),
)
IN_THE_SITE = ("chapters/*", "assets/*", "tools/site/*", "_config.yml", "_toc.yml", "*/static/*", "CHANGELOG.md")
# Who uses these asks for the built site.
OF_THE_SITE = (("tools.paths", "SITE"), ("browser", ALL))
EVERYTHING = ("conftest.py",)
OF_A_CHAPTER = re.compile(r"rmsprop_lib/exercises/chapter_(\d\d)\.py")
SECONDS_UNKNOWN = 3.0
MOST_NAMED = 12


@dataclass
class Plan:
    """What is run, and why; what is not."""

    always: set[str] = field(default_factory=set)
    by_distance: dict[str, int] = field(default_factory=dict)
    site: set[str] = field(default_factory=set)

    def within(self, budget: float, seconds: dict[str, float]) -> tuple[list[str], list[str]]:
        """What to run, nearest first, and what no longer fits into the seconds of work that ``budget`` allows."""
        run, left, spent = sorted(self.always), [], 0.0
        for path in sorted(self.by_distance, key=lambda path: (self.by_distance[path], seconds.get(path, 0.0), path)):
            cost = seconds.get(path, SECONDS_UNKNOWN)
            if path in self.always:
                continue
            if budget and spent + cost > budget:
                left.append(path)
            else:
                run.append(path)
                spent += cost
        return run, left


def code_of(notebook: str) -> str:
    """The code of a notebook, without what only IPython reads."""
    cells = (cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code")
    return "\n".join(re.sub(r"^[%!].*$", "pass", "".join(cell["source"]), flags=re.MULTILINE) for cell in cells)


def sources(root: Path) -> dict[str, "Path | str"]:
    """The files that use each other, by the names under which they are imported; notebooks and tests by their paths."""
    found: dict[str, Path | str] = {}
    for path in sorted([*root.glob("rmsprop_lib/**/*.py"), *root.glob("tools/**/*.py"), *root.glob("chapters/*.py")]):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    for path in sorted(root.glob("tests/**/*.py")):
        is_test = path.name.startswith("test_")
        found[path.relative_to(root).as_posix() if is_test else path.stem] = path
    for path in sorted(root.glob("chapters/*.ipynb")):
        found[path.relative_to(root).as_posix()] = code_of(path.read_text(encoding="utf-8"))
    return found


def changed_files(root: Path, base: str) -> list[str]:
    """The files that differ from the commit ``base``, new ones that git does not ignore included."""
    differ = git(root, "diff", "--name-only", base).splitlines()
    return sorted({*differ, *git(root, "ls-files", "--others", "--exclude-standard").splitlines()})


def changed_definitions(before: str, now: str) -> set[str]:
    """The definitions of a module that do something else now, that are new, or that are gone."""
    old, new = (read(source, "", False).made_of for source in (before, now))
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def plan(root: Path, base: str) -> tuple[Plan, list[str], set[Definition]]:
    """What the difference from the commit ``base`` can have broken, the files that differ, and the definitions."""
    files = changed_files(root, base)
    known = sources(root)
    names = {path.relative_to(root).as_posix(): name for name, path in known.items() if isinstance(path, Path)}
    tests = {name for name in known if name.startswith("tests/") or name.endswith(".ipynb")}
    chosen = Plan()
    changed: set[Definition] = set()
    for file in files:
        if file in names:
            now = (root / file).read_text(encoding="utf-8")
            changed |= {(names[file], name) for name in changed_definitions(git(root, "show", f"{base}:{file}"), now)}
        if file in tests or (file in names and file.startswith("rmsprop_lib/")):  # for its doctests
            chosen.always.add(file)
        if file in EVERYTHING or (file.endswith(".py") and file not in names):  # gone, perhaps to where it is new
            chosen.by_distance |= dict.fromkeys(tests, 1)
        if not file.endswith(".py"):
            folders = next(folders for pattern, folders in SPEAK_OF if fnmatch(file, pattern))
            chosen.by_distance |= {name: 1 for name in tests if name.startswith(folders)}
        if any(fnmatch(file, pattern) for pattern in IN_THE_SITE):
            chosen.site.add(file)
    uses = Uses(known)
    for name, distance in uses.distances(changed).items():
        if name in tests:
            chosen.by_distance[name] = min(distance, chosen.by_distance.get(name, distance))
    numbers = numbers_of_rules(root, {name for module, name in changed if module == RULES})
    numbers |= {found[1] for file in files if (found := OF_A_CHAPTER.fullmatch(file))}
    chosen.always |= {name for name in tests if name.startswith(tuple(f"chapters/{number}_" for number in numbers))}
    of_the_site = uses.distances({origin for definition in OF_THE_SITE for origin in uses.origins(*definition)})
    for name in (chosen.by_distance.keys() & of_the_site.keys()) - chosen.always:
        chosen.site.add(name)
        del chosen.by_distance[name]
    return chosen, files, changed


def numbers_of_rules(root: Path, names: set[str]) -> set[str]:
    """The numbers of the chapters that derive these rules, as the rules' docstrings name them."""
    rules = ast.parse((root / "rmsprop_lib" / "rules.py").read_text(encoding="utf-8"))
    texts = (ast.get_docstring(x) or "" for x in rules.body if isinstance(x, ast.FunctionDef) and x.name in names)
    return {number for text in texts for number in re.findall(r"chapter (\d\d), equation", text)}


def known_seconds() -> dict[str, float]:
    """What each file took when all tests last ran here; of chapters at least what is recorded in the book."""
    runs = json.loads(RUNS.read_text(encoding="utf-8"))["seconds"]
    seconds = {f"chapters/{name}.ipynb": float(taken) for name, taken in runs.items()}
    return seconds | (json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.exists() else {})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", default="HEAD", help="the commit to compare with")
    parser.add_argument("--budget", type=float, default=60, help="seconds for what only uses what has changed; 0: all")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    chosen, files, changed = plan(ROOT, options.base)
    if not files:
        print(f"Nothing has changed since {options.base}.")
        return 0
    seconds = known_seconds()
    run, left = chosen.within(options.budget * options.workers, seconds)
    named = sorted({f"{module}.{name}".rstrip(".") for module, name in changed if not module.startswith("tests/")})
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    print(
        f"Changed since {options.base}: {len(files)} files; {', '.join(named[:MOST_NAMED]) or 'no definition'}{more}."
    )
    for title, some in (("Run", run), ("Left to `make test`, beyond the budget", left)):
        if some:
            work = sum(seconds.get(path, SECONDS_UNKNOWN) for path in some)
            print(f"{title}: {', '.join(some)} (about {work:.0f} s of work).")
    if chosen.site:
        print(f"Seen only in the built site, left to `make test`: {', '.join(sorted(chosen.site))}.")
    if not run:
        return 0
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(min(options.workers, len(run))), "--dist=loadfile"]
    return subprocess.run([*command, *run], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
