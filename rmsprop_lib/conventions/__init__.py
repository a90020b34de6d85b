r"""How the frameworks' optimizers differ from the book's rules: one table, and one function that runs a row of it.

Two frameworks' "RMSprop" agree in the rule and differ in where ε stands, where the accumulator starts, whether the
learning rate enters the momentum buffer, how weights decay, whether averages are corrected, whether steps are masked,
and in the defaults. A :class:`Convention` says all of this in the book's notation. :func:`replay` runs the rules of
:mod:`rmsprop_lib.rules` with it, and ``RMSprop.like`` makes an optimizer of it.

The rows were read off source and documentation. Those of PyTorch, Keras 3, Optax, TensorFlow 1 and timm are checked
against the frameworks' own code: the file that :func:`recording` loads has the paths that their optimizers took
(``tools/measure/record_traces.py``), and the tests reproduce each. What has no recorded path is compared in the tests
with a separate implementation of the published code: the rows tf.keras 2 (TensorFlow 2.0 to 2.10, since then
``tf.keras.optimizers.legacy``), Stable-Baselines3, MXNet 1 and DQN.
"""

from rmsprop_lib.conventions import recorded, table
from rmsprop_lib.conventions.checkpoints import from_framework, to_framework
from rmsprop_lib.conventions.recorded import Recording, Trace, recording
from rmsprop_lib.conventions.replaying import replay
from rmsprop_lib.conventions.table import Convention, convention

__all__ = [
    "TABLE",
    "TRACES_FILE",
    "Convention",
    "Recording",
    "Trace",
    "convention",
    "from_framework",
    "recording",
    "replay",
    "to_framework",
]

TABLE: tuple[Convention, ...] = table.TABLE
"""Every optimizer that the book knows the convention of, with the defaults it has there."""

TRACES_FILE = recorded.TRACES_FILE
"""Where the recorded paths lie."""
