"""The workflows keep to their rules: pinned actions, least permissions, an end in time, nothing only they can do."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tools.paths import ROOT
from tools.publish.colab import TARGET
from tools.site.launch_links import COLAB_BRANCH

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in FILES}
# What a job may do beyond reading: to deploy the site, to push Colab's copies, to open an issue, to create a release.
MAY_WRITE = {
    ("publish", "deploy"): {"pages": "write", "id-token": "write"},
    ("publish", "colab"): {"contents": "write"},
    ("drift", "report"): {"issues": "write"},
    ("release", "release"): {"contents": "write"},
}
MAKES = re.compile(r"^\s*make ([a-z-]+)", re.MULTILINE)


def parsed(name: str) -> dict[str, Any]:
    workflow = yaml.safe_load(TEXTS[name])
    workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the key `on` as a truth value
    return workflow


WORKFLOWS = {name: parsed(name) for name in TEXTS}
JOBS = [(name, key) for name, workflow in WORKFLOWS.items() for key in workflow["jobs"]]
every_workflow = pytest.mark.parametrize("name", WORKFLOWS)
every_job = pytest.mark.parametrize(("name", "key"), JOBS, ids=["-".join(job) for job in JOBS])


def steps() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, key in JOBS:
        for step in WORKFLOWS[name]["jobs"][key]["steps"]:
            yield name, key, step


def test_the_workflows_are_there() -> None:
    assert set(WORKFLOWS) == {"test", "gpu", "publish", "drift", "interop", "records", "release"}


def test_every_action_is_pinned_by_commit_and_says_which_version_that_is() -> None:
    used = [line.strip() for text in TEXTS.values() for line in text.splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert len(used) == len([step for _, _, step in steps() if "uses" in step]) > 10
    loose = [
        line for line in used if not re.fullmatch(r"(?:- )?uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ]
    assert not loose


def test_an_action_has_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for _, _, step in steps():
        if "uses" in step:
            action, commit = step["uses"].split("@")
            pins.setdefault(action, set()).add(commit)
    assert not {action: commits for action, commits in pins.items() if len(commits) > 1}


@every_workflow
def test_a_workflow_may_read_and_nothing_else(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}


@every_job
def test_a_job_may_write_only_what_it_is_there_for(name: str, key: str) -> None:
    permissions = WORKFLOWS[name]["jobs"][key].get("permissions", {})
    assert permissions == MAY_WRITE.get((name, key), {})


@pytest.mark.parametrize(("name", "key"), MAY_WRITE, ids=["-".join(job) for job in MAY_WRITE])
def test_what_may_write_runs_none_of_the_repositorys_code(name: str, key: str) -> None:
    for step in WORKFLOWS[name]["jobs"][key]["steps"]:
        assert "actions/checkout@" not in step.get("uses", "") and not MAKES.search(step.get("run", ""))


@every_job
def test_a_job_ends_in_time(name: str, key: str) -> None:
    longest = 300 if name == "records" else 90  # to record everything again takes hours
    assert 1 <= WORKFLOWS[name]["jobs"][key]["timeout-minutes"] <= longest


@every_workflow
def test_runs_of_a_workflow_do_not_pile_up(name: str) -> None:
    assert {"group", "cancel-in-progress"} <= set(WORKFLOWS[name]["concurrency"])


def test_a_pull_request_meets_no_secret_and_no_machine_that_outlives_it() -> None:
    assert not [name for name, text in TEXTS.items() if re.search(r"pull_request_target|workflow_run|secrets\.", text)]
    assert [name for name, workflow in WORKFLOWS.items() if "pull_request" in workflow["on"]] == ["test"]
    assert {job["runs-on"] for job in WORKFLOWS["test"]["jobs"].values()} == {"ubuntu-latest"}


def test_the_token_is_not_left_in_a_checkout() -> None:
    checkouts = [step for _, _, step in steps() if "actions/checkout@" in step.get("uses", "")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_expression_is_pasted_into_a_script() -> None:
    assert not [(name, key) for name, key, step in steps() if "${{" in step.get("run", "")]


def test_what_the_workflows_make_can_be_made_here() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = {target for _, _, step in steps() for target in MAKES.findall(step.get("run", ""))}
    assert {"book", "test", "lint", "test-gpu", "test-site", "test-newest", "test-interop", "links", "audit"} <= named
    assert not named - targets


def test_what_runs_by_itself_leaves_main_green() -> None:
    """A scheduled run's result stands beside main's last commit: what it finds goes into an issue."""
    jobs = dict(WORKFLOWS["drift"]["jobs"])
    report = jobs.pop("report")
    assert report["needs"] == list(jobs)
    for key, job in jobs.items():
        assert job["steps"][-1]["id"] == "run" and job["steps"][-1]["continue-on-error"] is True
        assert job["outputs"] == {"outcome": "${{ steps.run.outcome }}"}
        assert f"needs.{key}.outputs.outcome != 'success'" in report["if"]


def test_a_runner_with_a_card_is_chosen_by_a_variable() -> None:
    jobs = WORKFLOWS["gpu"]["jobs"]
    assert jobs["cuda"]["if"] == "vars.GPU_RUNNER != ''" and jobs["cuda"]["runs-on"] == "${{ vars.GPU_RUNNER }}"
    assert jobs["no-runner"]["if"] == "vars.GPU_RUNNER == ''" and "::notice" in jobs["no-runner"]["steps"][0]["run"]
    assert jobs["cuda"]["env"]["RMSPROP_LIB_DEVICE"] == "cuda"


def test_what_is_published_was_built_and_looked_at() -> None:
    jobs = WORKFLOWS["publish"]["jobs"]
    order = [step.get("run", step.get("uses", "").partition("@")[0]) for step in jobs["build"]["steps"]]
    site = ["make book", "make test-site", "actions/upload-pages-artifact"]
    assert order[-5:] == [*site, "make colab", "actions/upload-artifact"]
    assert jobs["deploy"]["needs"] == "build" and jobs["warm-binder"]["needs"] == jobs["colab"]["needs"] == "deploy"


def test_colab_s_copies_go_to_the_branch_that_the_buttons_open() -> None:
    push = WORKFLOWS["publish"]["jobs"]["colab"]["steps"][-1]["run"]
    assert f"--initial-branch {COLAB_BRANCH}\n" in push
    assert push.rstrip().endswith(
        f'git push --quiet --force "${{GITHUB_SERVER_URL}}/${{GITHUB_REPOSITORY}}.git" {COLAB_BRANCH}'
    )
    kept = [
        step for step in WORKFLOWS["publish"]["jobs"]["build"]["steps"] if "upload-artifact" in step.get("uses", "")
    ]
    assert [step["with"]["path"] for step in kept] == [TARGET.relative_to(ROOT).as_posix()]
