"""Python's side of the page: run an answer, check it, give a hint; run a cell; race a rule. All that is asked and
replied is JSON.

This file goes to the reader's browser beside ``rmsprop_lib``. The page has the time limit, and puts an end to Python.
"""

import ast
import contextlib
import io
import json
import linecache
import logging
import math
import os
import traceback
from typing import Any

import cells_in_the_page
import numpy as np

from rmsprop_lib import check, hint, rules
from rmsprop_lib.exercises import catalogue

os.environ["MPLBACKEND"] = "agg"
# That Matplotlib looks for typefaces at its first figure is nothing to tell a reader.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

NAME = "your answer"
"""How the answer is called in a traceback."""
CHARACTERS = 4000
LAST = 8
"""So many lines of a traceback are shown, the last ones."""


class Printed(io.StringIO):
    """Keeps the beginning of what is printed: a loop can print for as long as it is let."""

    def write(self, text: str) -> int:
        room = CHARACTERS - self.tell()
        if room > 0:
            super().write(text if len(text) <= room else f"{text[:room]} …")
        return len(text)


def reply(kind: str, head: str, *lines: str, printed: str = "") -> dict[str, Any]:
    """What the page shows: a sentence, more sentences, and what was printed."""
    return {"kind": kind, "head": head, "lines": [str(line) for line in lines], "printed": printed.rstrip()}


def complaint(error: BaseException) -> str:
    """The last lines of a traceback, without those of the files that ran the answer."""
    where = error.__traceback__
    while where is not None and where.tb_frame.f_code.co_filename != NAME:
        where = where.tb_next
    if isinstance(error, SyntaxError) and error.filename != NAME:
        where = error.__traceback__
    lines = "".join(traceback.format_exception(type(error), error, where)).rstrip().splitlines()
    return "\n".join(lines if len(lines) <= LAST else ["…", *lines[-LAST:]])


def beginning() -> dict[str, Any]:
    """The names that an answer finds, as it would in its chapter."""
    return {"__name__": "__main__", "math": math, "np": np, "rules": rules, "check": check, "hint": hint}


def execute(code: str, names: dict[str, Any], show_last: bool) -> None:
    """Run a cell. As in a notebook, the value of a last line that is an expression is shown."""
    # With the lines in the cache a traceback shows them.
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    tree = ast.parse(code, NAME)
    last = tree.body.pop() if show_last and tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NAME, "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), NAME, "eval"), names)
        if value is not None:
            print(repr(value))


def run(code: str) -> dict[str, Any]:
    """Run the cell, and show what it prints."""
    execute(code, beginning(), show_last=True)
    return reply("ran", "It has run.")


def judged(name: str, answer: str, code: str) -> dict[str, Any]:
    """Run the cell, and let the library check what it defines."""
    names = beginning()
    execute(code, names, show_last=False)
    if answer not in names:
        return reply("trouble", f"The cell defines no {answer}, which is what is checked.")
    said = check(name, names[answer])
    return reply(said.kind, said.head(), *said.body())


def helped(name: str, level: int) -> dict[str, Any]:
    """A hint. Where the library says how to get the next one, the page has its button."""
    said = hint(name, level)
    return reply(
        "hint", f"{said.head()}.", *(line.removesuffix(f' hint("{name}", 2) says more.') for line in said.body())
    )


page = cells_in_the_page.Page()


def ran(index: int, code: str) -> dict[str, Any]:
    """Run a cell of the page, after which its names are there for others, and show what it draws."""
    try:
        execute(code, page.names, show_last=not code.rstrip().endswith(";"))
        page.done(index, code)
        return reply("ran", "")
    except BaseException as error:
        if cells_in_the_page.lacks_torch(error):
            return reply("without", cells_in_the_page.WITHOUT)
        return reply("trouble", "It stopped with an error.", complaint(error))


def of_the_page(message: dict[str, Any]) -> dict[str, Any]:
    """The reply to what is asked of a page's cells: which to run, or to run one."""
    if message["kind"] == "needed":
        return {"kind": "needed", "cells": page.to_run(message["cells"], message["index"])}
    printed = Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        said = ran(message["index"], message["code"])
    said["pictures"] = cells_in_the_page.pictures()
    said["printed"] = printed.getvalue().rstrip()
    return said


def of_a_rule(message: dict[str, Any]) -> dict[str, Any]:
    """The reply to what the playground asks of a reader's rule: a run, or where runs end with many rates."""
    import rule_in_the_page as racing

    printed = Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            names = beginning()
            execute(message["code"], names, show_last=False)
            rule = names.get(racing.RULE)
            if not callable(rule):
                said = reply("trouble", f"The lines define no function {racing.RULE}, which is what races.")
            elif message["kind"] == "race":
                said = racing.raced(rule, message["address"], message["eta"])
            else:
                said = racing.ends(rule, message["address"], message["etas"])
        except BaseException as error:
            said = reply("trouble", "It stopped with an error.", complaint(error))
    said["printed"] = printed.getvalue().rstrip()
    return said


def respond(asked: str) -> str:
    """The reply to what the page asks."""
    message = json.loads(asked)
    if message["kind"] in ("needed", "cell"):
        return json.dumps(of_the_page(message))
    if message["kind"] in ("race", "ends"):
        return json.dumps(of_a_rule(message))
    name, printed = message["name"], Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            if name not in catalogue():
                said = reply("unknown", "The library that the page has loaded knows no such exercise.")
            elif message["kind"] == "hint":
                said = helped(name, message["level"])
            elif message["kind"] == "check":
                said = judged(name, message["answer"], message["code"])
            else:
                said = run(message["code"])
        except BaseException as error:  # whatever the answer raises, SystemExit too
            said = reply("trouble", "It stopped with an error.", complaint(error))
    if message["kind"] != "hint":
        said["printed"] = printed.getvalue().rstrip()
        if said["kind"] == "ran" and not said["printed"]:
            said["lines"] = ["It printed nothing. Call your function in the last line, and its value is shown."]
    return json.dumps(said)


catalogue()  # read while the page still says that Python is starting
