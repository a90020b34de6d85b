"""Examples to train on, to tune with and to test on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rmsprop_lib.data import MNIST
from rmsprop_lib.devices import device


@dataclass(frozen=True)
class Split:
    """Training, validation and test examples.

    Attributes
    ----------
    train, validation, test : pair of tensors
        The inputs x, float32 of shape (N, features), and the classes y, int64 of shape (N,).
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def flatten(images: np.ndarray) -> np.ndarray:
    """Images as rows of numbers in [0, 1].

    Parameters
    ----------
    images : array of uint8, shape (N, ...)

    Returns
    -------
    array of float32, shape (N, features)
    """
    return images.reshape(len(images), -1) / np.float32(255)


def mnist_split(data: MNIST, train: int = 50_000, validation: int = 10_000) -> Split:
    """MNIST on the book's device: the first training images to train on, the last ones to tune with.

    Parameters
    ----------
    data : MNIST
    train, validation : int
        How many examples are taken from the beginning and from the end of the training images.

    Returns
    -------
    Split
        Its tensors are on the device that :func:`~rmsprop_lib.devices.device` names.

    Raises
    ------
    ValueError
        If the two parts overlap or are empty.
    """
    count = len(data.train_images)
    if not 0 < train <= count - validation or validation < 1:
        raise ValueError(
            f"train={train!r} and validation={validation!r} must be positive and add up to {count} at most"
        )
    where = device()

    def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(flatten(images)).to(where), torch.from_numpy(labels.astype(np.int64)).to(where)

    return Split(
        tensors(data.train_images[:train], data.train_labels[:train]),
        tensors(data.train_images[-validation:], data.train_labels[-validation:]),
        tensors(data.test_images, data.test_labels),
    )
