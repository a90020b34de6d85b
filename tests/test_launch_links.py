"""The launch buttons' address comes from the environment of the build, where that gives one."""

import launch_links


def test_without_anything_said_the_configuration_stands() -> None:
    assert launch_links.repository({}) == {}


def test_github_names_its_repository_and_branch() -> None:
    environment = {"GITHUB_REPOSITORY": "someone/book", "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "spring"}
    assert launch_links.repository(environment) == {
        "repository_url": "https://github.com/someone/book",
        "repository_branch": "spring",
    }


def test_a_pull_request_is_no_branch_to_launch() -> None:
    environment = {"GITHUB_REPOSITORY": "someone/book", "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1"}
    assert launch_links.repository(environment) == {"repository_url": "https://github.com/someone/book"}


def test_what_is_set_by_hand_goes_first() -> None:
    environment = {"BOOK_REPOSITORY_URL": "https://example.org/a/b", "BOOK_BRANCH": "x", "GITHUB_REPOSITORY": "c/d"}
    assert launch_links.repository(environment) == {
        "repository_url": "https://example.org/a/b",
        "repository_branch": "x",
    }
