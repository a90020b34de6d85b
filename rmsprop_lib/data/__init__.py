"""The MNIST images of handwritten digits, in the book's repository beside this module, and verified on loading.

A wheel leaves them out, for they are forty times as large as the library. Their licence stands beside them in
``LICENSE-MNIST.md``.
"""

import errno
import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MNIST_FILE = Path(__file__).with_name("mnist.npz")
"""The archive in the repository, where the library is installed from it as editable."""

MNIST_SHA256 = {
    "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""The sha256 of the four files as LeCun, Cortes and Burges published them, uncompressed.

They are what is verified on every load, so that it does not matter how the archive beside this module was packed.
"""


class DataError(RuntimeError):
    """The data are not what they should be."""


@dataclass(frozen=True)
class MNIST:
    """60,000 training and 10,000 test images, as published.

    Attributes
    ----------
    train_images, test_images : array of uint8, shape (60000, 28, 28) and (10000, 28, 28)
        Grey values from 0 (background) to 255.
    train_labels, test_labels : array of uint8, shape (60000,) and (10000,)
        Digits 0 to 9.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_mnist(path: str | Path = MNIST_FILE) -> MNIST:
    """Load MNIST from a file, without network, and verify every byte.

    Parameters
    ----------
    path : str or Path
        An archive of NumPy's with the four arrays; the one in the repository by default.

    Returns
    -------
    MNIST

    Raises
    ------
    FileNotFoundError
        If the file is missing, as it is where the library was installed from a wheel; the message says where it is.
    DataError
        If the file is damaged or not MNIST; the message names the file and what to do.
    """
    path = Path(path)
    remedy = f"Restore it, for example with `git checkout -- {path.name}` in {path.parent.name}/."
    try:
        # Opened here, because np.load leaves a damaged archive open.
        with path.open("rb") as file, np.load(file) as archive:
            arrays = {name: archive[name] for name in MNIST_SHA256}
    except FileNotFoundError:
        raise FileNotFoundError(
            errno.ENOENT,
            "MNIST is not here. The book's repository has it, as rmsprop_lib/data/mnist.npz (11.5 MB); a wheel does "
            "not. Give load_mnist the path of that file, put a copy here, or install the library from a checkout of "
            f"the repository as editable (pip install -e .). In a checkout that has lost it: {remedy}",
            str(path),
        ) from None
    # RuntimeError: a damaged flag asks for a password or an unknown method. TypeError: a single array.
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"The MNIST file {path} is damaged ({error}). {remedy}") from None
    for name, array in arrays.items():
        if array.dtype != np.uint8 or idx_sha256(array) != MNIST_SHA256[name]:
            raise DataError(f"The MNIST file {path} is damaged: {name} has a wrong checksum. {remedy}")
    return MNIST(**arrays)


def idx_sha256(array: np.ndarray) -> str:
    """The checksum of an array as a file in the IDX format, in which MNIST was published.

    Parameters
    ----------
    array : array of uint8, any shape

    Returns
    -------
    str
        The sha256, 64 hexadecimal digits.
    """
    # IDX: two zero bytes, 8 for unsigned bytes, the number of axes; each axis as a big-endian 32-bit integer.
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return hashlib.sha256(header + array.tobytes()).hexdigest()
