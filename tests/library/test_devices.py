"""Where training runs: the best there is, or what was asked for, or an error."""

import time

import pytest
import torch

from rmsprop_lib.devices import VARIABLE, device, seconds_each


@pytest.fixture
def cuda(monkeypatch):
    """Pretend that there are so many CUDA devices."""

    def pretend(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


def test_the_variable_is_named_in_the_documentation():
    assert VARIABLE == "RMSPROP_LIB_DEVICE" and VARIABLE in device.__doc__


@pytest.mark.parametrize("unset", [None, "", "  "])
@pytest.mark.parametrize(("count", "expected"), [(0, "cpu"), (1, "cuda"), (2, "cuda")])
def test_by_default_cuda_where_there_is_one(monkeypatch, cuda, unset, count, expected):
    cuda(count)
    if unset is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, unset)
    assert device() == torch.device(expected)


@pytest.mark.parametrize("wanted", ["cpu", "cuda", "cuda:0", "cuda:1", " cpu "])
def test_the_variable_overrides_the_choice(monkeypatch, cuda, wanted):
    cuda(2)
    monkeypatch.setenv(VARIABLE, wanted)
    assert device() == torch.device(wanted.strip())


@pytest.fixture
def others(monkeypatch):
    """Pretend that there are so many Intel cards, and an Apple card or none."""

    def pretend(xpu: int, mps: bool) -> None:
        monkeypatch.setattr(torch.xpu, "is_available", lambda: xpu > 0)
        monkeypatch.setattr(torch.xpu, "device_count", lambda: xpu)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize("wanted", ["mps", "xpu", "xpu:0", "xpu:1", "cpu"])
def test_the_cards_of_others_are_there_where_torch_has_them(monkeypatch, cuda, others, wanted):
    cuda(0)
    others(xpu=2, mps=True)
    monkeypatch.setenv(VARIABLE, wanted)
    assert device() == torch.device(wanted)


@pytest.mark.parametrize(
    ("wanted", "xpu", "found"),
    [("mps", 2, "0 MPS"), ("xpu", 0, "0 XPU"), ("xpu:0", 0, "0 XPU"), ("xpu:2", 2, "2 XPU")],
)
def test_one_of_them_that_is_missing_is_an_error_even_where_there_is_cuda(
    monkeypatch, cuda, others, wanted, xpu, found
):
    cuda(8)
    others(xpu=xpu, mps=False)
    monkeypatch.setenv(VARIABLE, wanted)
    with pytest.raises(RuntimeError, match=rf"{VARIABLE}='{wanted}', but {found} device\(s\) were found"):
        device()


def test_they_are_not_taken_unless_they_are_asked_for(monkeypatch, cuda, others):
    """The book's numbers are proved on the CPU and on CUDA; Apple's cards have no float64."""
    cuda(0)
    others(xpu=1, mps=True)
    monkeypatch.delenv(VARIABLE, raising=False)
    assert device() == torch.device("cpu")


@pytest.mark.parametrize(("wanted", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), ("cuda:17", 2)])
def test_a_device_that_is_asked_for_and_missing_is_an_error(monkeypatch, cuda, wanted, count):
    cuda(count)
    monkeypatch.setenv(VARIABLE, wanted)
    with pytest.raises(RuntimeError, match=rf"{VARIABLE}='{wanted}', but {count} CUDA device\(s\) were found"):
        device()


@pytest.mark.parametrize(
    "wanted",
    [
        "gpu",
        "tpu",
        "CUDA",
        "cuda:",
        "cuda:-1",
        "cuda:x",
        "cuda:0:1",
        "cuda 0",
        "cpu:",
        "cpu:1",
        "0",
        "MPS",
        "mps:",
        "mps:0",
        "xpu:",
        "xpu:x",
        "xpu:-1",
    ],
)
def test_nonsense_is_an_error_even_where_there_is_cuda(monkeypatch, cuda, wanted):
    cuda(8)
    monkeypatch.setenv(VARIABLE, wanted)
    with pytest.raises(
        ValueError, match=rf"{VARIABLE}='{wanted}' is not allowed; it must be cpu, mps, cuda or xpu, or"
    ):
        device()


class TestSeconds:
    def test_they_are_those_of_one_run(self) -> None:
        calls = []
        taken = seconds_each(lambda: (calls.append(1), time.sleep(0.01)), 5, torch.device("cpu"))
        assert len(calls) == 5 and 0.01 <= taken < 0.1

    def test_on_the_book_s_device_they_are_the_device_s(self) -> None:
        where = device()
        a = torch.ones(300, 300, dtype=torch.float64, device=where)
        few, many = (
            min(seconds_each(lambda n=n: [a @ a for _ in range(n)], 2, where) for _ in range(5)) for n in (1, 20)
        )
        assert 0 < few < many, "twenty products take longer than one"

    @pytest.mark.parametrize("kind", ["mps", "xpu"])
    def test_a_card_is_waited_for_before_and_after(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        done: list[str] = []
        monkeypatch.setattr(getattr(torch, kind), "synchronize", lambda: done.append("waited"))
        seconds_each(lambda: done.append("asked"), 3, torch.device(kind))
        assert done == ["waited", "asked", "asked", "asked", "waited"]

    def test_no_run_at_all_is_refused(self) -> None:
        with pytest.raises(ValueError, match="times=0 is not allowed"):
            seconds_each(list, 0, torch.device("cpu"))
