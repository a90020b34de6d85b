"""Experiments that take longer than a chapter may.

Each module is one, but for ``search``, ``steps`` and ``scores``, which they share: its ``SETTINGS``, which decide all
that follows; ``keys(settings)``, the names of its pieces, which do not depend on each other; ``piece(settings, key)``,
the results of one; and ``COMPARED``, the results that have an axis of seeds at the front and are compared when the
experiment is recorded again.

``python -m tools.measure.record NAME`` records all pieces; a chapter loads them with
:func:`rmsprop_lib.records.load_record` and runs one again, shorter.
"""

NAMES = ("digits", "companions", "limit", "tasks", "sequences", "edge", "flow", "games", "words", "images")
"""The experiments that are recorded."""
