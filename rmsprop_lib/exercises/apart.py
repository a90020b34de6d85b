"""Calls in a process of their own, which can be ended whatever they do.

An answer may hold the interpreter (a sum without end, a number of a million digits, a regular expression), use up the
memory, or end Python. Where the system can fork, it does so in a copy of this process, and nothing that it changes is
changed here. Elsewhere it runs in a thread (:mod:`rmsprop_lib.exercises.timeout`), which can be ended while it runs
Python code.
"""

import contextlib
import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rmsprop_lib.exercises import timeout

MEMORY = 1 << 30
"""Bytes that a call may take beyond what the process has."""


LENGTH = 8
"""Bytes that say how many follow: a process that the call has started may keep the pipe open."""

_state = {"inside": False}


class EndedError(Exception):
    """The process ended without a result: it was told to exit, or it crashed."""


class RaisedError(Exception):
    """The call raised what the caller does not know; the message is the name of its type."""


def is_inside() -> bool:
    """Whether this is the process of a call."""
    return _state["inside"]


def can_fork() -> bool:
    """Whether a call can have a process of its own: on Linux, and where no graphics card is in use."""
    torch = sys.modules.get("torch")
    return sys.platform == "linux" and not (torch is not None and torch.cuda.is_initialized())


def call(function: Callable[[], Any], seconds: float, known: tuple[type[BaseException], ...] = ()) -> Any:
    """The result of ``function()``, which has to be something that can be pickled.

    Parameters
    ----------
    function : callable
    seconds : float
        How long it may take.
    known : tuple of types
        The exceptions that are raised here as they were there, with their message alone.

    Returns
    -------
    object

    Raises
    ------
    rmsprop_lib.exercises.timeout.TimeLimitError
        If the time was not enough.
    EndedError
        If the process ended before.
    RaisedError
        If ``function`` raised something else than what is known.
    """
    if not can_fork():
        return _in_a_thread(function, seconds, known)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _answer(function, writing, known)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        received, done = _received(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        for end in (os.killpg, os.kill):  # what it has started with it, and itself before it has a group
            with contextlib.suppress(ProcessLookupError):
                end(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not done:
        raise timeout.TimeLimitError(seconds, stopped=True)
    try:
        raised, value = pickle.loads(received[LENGTH:])
    except Exception:  # nothing was sent, or something else than what is sent below
        raise EndedError from None
    if raised is None:
        return value
    kinds = {kind.__name__: kind for kind in known}
    raise kinds.get(raised, RaisedError)(value)


def _received(reading: int, end: float) -> tuple[bytes, bool]:
    """What comes from the other process, and whether it has said all."""
    received = b""
    while (left := end - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            some = os.read(reading, 1 << 20)
            if not some:
                return received, True
            received += some
            if len(received) >= LENGTH + int.from_bytes(received[:LENGTH], "little"):
                return received, True
    return received, False


def _in_a_thread(function: Callable[[], Any], seconds: float, known: tuple[type[BaseException], ...]) -> Any:
    try:
        return timeout.call(function, seconds)
    except timeout.TimeLimitError:
        raise
    except BaseException as error:
        if isinstance(error, known):
            raise
        raise RaisedError(type(error).__name__) from None


def _answer(function: Callable[[], Any], writing: int, known: tuple[type[BaseException], ...]) -> None:
    """In the new process: call, and send what comes of it; of an exception its kind and a text."""
    _state["inside"] = True
    _limited()
    try:
        said: tuple[str | None, Any] = None, function()
    except known as error:
        said = type(error).__name__, str(error)
    except BaseException as error:  # KeyboardInterrupt of the reader's code too
        said = "", type(error).__name__
    message = pickle.dumps(said)
    message = len(message).to_bytes(LENGTH, "little") + message
    while message:
        message = message[os.write(writing, message) :]


def _limited() -> None:
    import resource  # not on Windows

    os.setsid()  # so that what it starts can be ended with it
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.RLIM_INFINITY))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)  # its other threads are the old process'
