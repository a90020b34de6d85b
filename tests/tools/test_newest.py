"""What `make test-newest` installs: everything, nothing pinned but what is known not to work."""

import tomllib

from tools.environment import newest


def test_pins_are_opened_and_lower_bounds_stay() -> None:
    text = """
    [project]
    dependencies = ["numpy>=2.0"]
    [project.optional-dependencies]
    a = ["torch==2.13.0", "sphinx-proof == 0.4.0"]
    b = ["pytest"]
    """
    assert newest.requirements(text) == ["numpy>=2.0", "torch", "sphinx-proof", "pytest"]


def test_jupyter_book_stays_below_the_version_that_does_not_build_the_book() -> None:
    text = (newest.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = newest.requirements(text)
    assert "jupyter-book<2" in wanted and not [requirement for requirement in wanted if "==" in requirement]
    assert len(wanted) > len(tomllib.loads(text)["project"]["dependencies"]) + 20
