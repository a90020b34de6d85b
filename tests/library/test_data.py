"""MNIST comes with the library, without network, and any damage to it is noticed."""

import gc
import hashlib
import shutil
import socket
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rmsprop_lib.data import MNIST, MNIST_FILE, DataError, idx_sha256, load_mnist


@pytest.fixture(scope="module")
def mnist() -> MNIST:
    return load_mnist()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the file, to be damaged."""
    return Path(shutil.copy(MNIST_FILE, tmp_path / "a-copy.npz"))


def flip(path: Path, position: int, bits: int = 0xFF) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ bits]))


def assert_refused(path: Path, what: str = "damaged") -> None:
    """The error names the file, what is wrong with it, and what to do."""
    with pytest.raises(DataError) as info:
        load_mnist(path)
    message = str(info.value)
    assert str(path) in message and what in message
    assert f"git checkout -- {path.name}" in message


class TestWhatIsLoaded:
    def test_60000_images_to_train_on_and_10000_to_test_on(self, mnist):
        assert mnist.train_images.shape == (60000, 28, 28) and mnist.train_labels.shape == (60000,)
        assert mnist.test_images.shape == (10000, 28, 28) and mnist.test_labels.shape == (10000,)

    def test_bytes_from_0_to_255(self, mnist):
        for array in vars(mnist).values():
            assert array.dtype == np.uint8
        for images in (mnist.train_images, mnist.test_images):
            assert images.min() == 0 and images.max() == 255

    def test_the_number_of_each_digit_is_as_published(self, mnist):
        train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert np.bincount(mnist.train_labels).tolist() == train
        assert np.bincount(mnist.test_labels).tolist() == test

    def test_no_socket_is_opened(self, monkeypatch):
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a socket was opened")

        monkeypatch.setattr(socket, "socket", refuse)
        monkeypatch.setattr(socket, "create_connection", refuse)
        load_mnist()

    def test_a_path_may_be_text(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="MNIST is not here"):
            load_mnist(str(tmp_path / "nowhere.npz"))
        path = tmp_path / "damaged.npz"
        path.write_bytes(b"")
        with pytest.raises(DataError, match="damaged"):
            load_mnist(str(path))

    def test_the_licence_stands_beside_the_data(self):
        assert MNIST_FILE.with_name("LICENSE-MNIST.md").read_text(encoding="utf-8").strip()


class TestWhatIsRefused:
    @pytest.mark.parametrize("position", [0.1, 0.5, 0.86, 0.9999])
    def test_a_flipped_byte_anywhere_in_the_compressed_data(self, copy, position):
        flip(copy, int(position * copy.stat().st_size * 0.9998))
        assert_refused(copy)

    @pytest.mark.parametrize("offset", [6, 8, 10, 16, 28, 46])
    def test_a_flipped_byte_in_the_directory_of_the_archive(self, copy, offset):
        """The version, flags, method, checksum, length of the name, and name of the first entry."""
        with zipfile.ZipFile(copy) as archive:
            start = archive.start_dir
        flip(copy, start + offset)
        assert_refused(copy)

    @pytest.mark.parametrize("left", [0, 3, 1000, 0.5, 0.999])
    def test_a_truncated_file(self, copy, left):
        with copy.open("r+b") as file:
            file.truncate(left if left >= 1 else int(left * copy.stat().st_size))
        assert_refused(copy)

    def test_a_refused_file_is_closed(self, copy):
        """So that it can be replaced at once, which not every system allows while it is open."""
        with copy.open("r+b") as file:
            file.truncate(1000)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert_refused(copy)
            gc.collect()
        assert [str(w.message) for w in caught if w.category is ResourceWarning] == []

    def test_a_missing_file_and_it_is_said_where_there_is_one(self, tmp_path):
        path = tmp_path / "gone.npz"
        with pytest.raises(FileNotFoundError) as info:
            load_mnist(path)
        message = str(info.value)
        assert info.value.filename == str(path) and str(path) in message
        for remedy in (
            "rmsprop_lib/data/mnist.npz",
            "Give load_mnist the path",
            "pip install -e .",
            "git checkout -- ",
        ):
            assert remedy in message

    def test_a_directory(self, tmp_path):
        assert_refused(tmp_path)

    def test_a_file_of_text(self, tmp_path):
        path = tmp_path / "page.npz"
        path.write_text("<html>Not found</html>")
        assert_refused(path)

    def test_a_single_array_instead_of_an_archive(self, tmp_path):
        path = tmp_path / "array.npz"
        with path.open("wb") as file:
            np.save(file, np.zeros(3, np.uint8))
        assert_refused(path)

    def test_an_archive_of_other_arrays(self, tmp_path):
        path = tmp_path / "other.npz"
        np.savez(path, x=np.zeros(3))
        assert_refused(path)

    def test_an_archive_of_pickled_objects_is_not_unpickled(self, tmp_path):
        path = tmp_path / "pickled.npz"
        np.savez(path, **dict.fromkeys(("train_images", "train_labels", "test_images", "test_labels"), np.array([{}])))
        assert_refused(path)

    @pytest.mark.parametrize("change", ["one pixel", "two labels swapped", "shape", "dtype", "splits swapped"])
    def test_an_archive_that_is_sound_but_not_mnist(self, tmp_path, mnist, change):
        arrays = {"test_images": mnist.test_images, "test_labels": mnist.test_labels}
        arrays |= {"train_images": mnist.train_images, "train_labels": mnist.train_labels}
        if change == "one pixel":
            arrays["train_images"] = arrays["train_images"].copy()
            arrays["train_images"][-1, -1, -1] ^= 1
        elif change == "two labels swapped":
            arrays["test_labels"] = arrays["test_labels"][[1, 0, *range(2, 10000)]]
        elif change == "shape":
            arrays["test_images"] = arrays["test_images"].reshape(10000, 784)
        elif change == "dtype":
            arrays["test_labels"] = arrays["test_labels"].view(np.int8)
        else:
            arrays["test_labels"], arrays["train_labels"] = arrays["train_labels"], arrays["test_labels"]
        path = tmp_path / "like-mnist.npz"
        np.savez(path, **arrays)
        assert_refused(path, "checksum")


def test_the_checksum_is_that_of_an_idx_file():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    file = b"\x00\x00\x08\x02" + struct.pack(">II", 2, 3) + bytes(range(6))
    assert idx_sha256(array) == hashlib.sha256(file).hexdigest()
    assert idx_sha256(np.asfortranarray(array)) == idx_sha256(array)
