"""Calls that may not take longer than they are given."""

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any


class TimeIsUp(SystemExit):
    """Raised inside a call whose time is up. No ``except Exception`` catches it, and threads end by it in silence."""


class TimeLimitError(Exception):
    """The call was given up.

    Attributes
    ----------
    stopped : bool
        Whether it has ended. If not, it goes on in the background until the process ends.
    """

    def __init__(self, seconds: float, stopped: bool) -> None:
        super().__init__(f"not done after {seconds:g} seconds")
        self.stopped = stopped


def call(function: Callable[[], Any], seconds: float) -> Any:
    """The result of ``function()``, which runs in a thread of its own.

    An exception is raised inside the thread when its time is up, which works on every system, but only while
    Python code is being run in it: a call of compiled code, such as ``time.sleep`` or ``sum`` over an endless
    iterator, first has to return. What does not end is left behind.

    Raises
    ------
    TimeLimitError
        If the time was not enough.
    BaseException
        What ``function`` raised.
    """
    outcome: dict[str, Any] = {}

    def run() -> None:
        # Two exceptions may be on their way at once, the second while the first is being dealt with.
        with contextlib.suppress(TimeIsUp):
            try:
                outcome["result"] = function()
            except TimeIsUp:
                pass
            except BaseException as error:  # SystemExit and KeyboardInterrupt of the reader's code too
                outcome["error"] = error

    thread = threading.Thread(target=run, name="a reader's answer", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # where there are no threads, who shows the page ends it
        return function()
    thread.join(seconds)
    if thread.is_alive():
        end = time.monotonic() + 2.0
        while thread.is_alive() and time.monotonic() < end:
            # Again and again: code may catch everything and go on.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeIsUp))
            thread.join(0.05)
        raise TimeLimitError(seconds, stopped=not thread.is_alive())
    if "error" in outcome:
        raise outcome["error"]
    return outcome.get("result")
