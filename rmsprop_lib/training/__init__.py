"""Training on images: minibatches, a loop, and many copies of one network trained side by side.

The order of the minibatches and the initial weights come from NumPy's random numbers, so that they are the same in
NumPy and in Torch, on every device.
"""

from rmsprop_lib.extras import naming_extras

with naming_extras():
    from rmsprop_lib.training.copies import ConvCopies, Copies, run_copies, train_copies
    from rmsprop_lib.training.loops import evaluate, fit, minibatches, one_thread, progress
    from rmsprop_lib.training.split import Split, flatten, mnist_split

__all__ = [
    "ConvCopies",
    "Copies",
    "Split",
    "evaluate",
    "fit",
    "flatten",
    "minibatches",
    "mnist_split",
    "one_thread",
    "progress",
    "run_copies",
    "train_copies",
]
