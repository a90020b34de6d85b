"""What contributors are told is true, and the forms that GitHub shows them are in GitHub's form."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tools.paths import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
# Of the fields of an issue form, what GitHub asks of each kind.
REQUIRED = {
    "input": {"label"},
    "textarea": {"label"},
    "checkboxes": {"label", "options"},
    "dropdown": {"label", "options"},
}


@pytest.mark.parametrize("what", ["A rule", "A chapter", "An exercise"])
def test_how_to_add_one_is_said_in_ten_lines(what: str) -> None:
    section = CONTRIBUTING.partition(f"\n**{what}.**")[2].partition("\n**")[0]
    assert 2 <= len(section.strip().splitlines()) <= 10


def test_where_a_new_thing_goes_is_said_and_every_folder_is_named() -> None:
    section = CONTRIBUTING.partition("\n## Where a new thing goes\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`((?:rmsprop_lib|tools|tests|chapters)/[\w/.]*)`", section))
    assert not [path for path in named if not (ROOT / path).exists()]
    wings = {
        f"{path.parent.name}/{path.name}/"
        for top in ("tools", "tests")
        for path in (ROOT / top).iterdir()
        if path.is_dir()
    }
    assert {wing for wing in wings if "__" not in wing} <= named
    for what in ("a rule", "a chapter", "an extension of the site", "a measurement", "a test"):
        assert re.search(rf"^\| {what}\b", section, re.MULTILINE), what


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_make_command_that_is_named_exists(text: str) -> None:
    named = set(re.findall(r"`make ([a-z-]+)", text))
    assert len(named) >= 5 and not named - TARGETS


def test_the_table_of_workflows_is_complete_and_names_what_each_makes() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", CONTRIBUTING, flags=re.MULTILINE)
    workflows = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    made = {name: re.findall(r"run: make ([a-z-]+)", text) for name, text in workflows.items()}
    told = {name: re.findall(r"`([a-z-]+)`", targets) for name, targets in rows if name in workflows}
    assert told == {name: list(dict.fromkeys(targets)) for name, targets in made.items()}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"] and form["description"]
    fields = form["body"]
    names = [field["id"] for field in fields]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w-]+", name) for name in names)
    for field in fields:
        assert REQUIRED[field["type"]] <= set(field["attributes"])
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_the_forms_are_for_what_is_wrong_what_fails_and_ideas() -> None:
    assert [path.stem for path in FORMS] == ["failing", "idea", "wrong"]


def test_the_container_has_the_pinned_python_and_is_set_up_by_make() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert re.search(r"/python:3\.11-", container["image"])
    assert container["postCreateCommand"].startswith("make book")


def test_every_hook_runs_a_tool_of_the_environment() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks)
    assert any("actionlint" in hook["entry"] for hook in hooks) and any("zizmor" in hook["entry"] for hook in hooks)
