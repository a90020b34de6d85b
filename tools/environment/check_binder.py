"""Do what Binder does with this repository, as far as that goes without Docker (``make check-binder``; minutes).

1. repo2docker, which Binder runs, writes its recipe for an image. Python and the steps of the recipe are read from it.
2. A new environment gets the packages that Binder's images start with: JupyterLab and its server, in its versions.
3. The steps are run there in a copy of what git has, word for word. Where PyTorch's own index does not answer, the
   machine's package sources have to have the CPU build.
4. Every chapter is run, and JupyterLab is asked for a chapter by the address that the launch buttons name.

What each step took, and how large the environment is after it, is printed and written to ``_build/binder/report.json``.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tools.paths import ROOT

WORK = ROOT / "_build" / "binder"
REPO2DOCKER = "jupyter-repo2docker==2026.4.0"
PYTHON = "3.11"
EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
SECONDS_TO_START = 120

# Conda's names for what has another name elsewhere, and what is no Python package or only asks for others.
OTHER_NAMES = {
    "brotli-python": "brotli",
    "jupyterhub-base": "jupyterhub",
    "nbconvert-core": "nbconvert",
    "python-fastjsonschema": "fastjsonschema",
}
NO_PACKAGES = {
    "bleach-with-css",
    "ca-certificates",
    "jsonschema-with-format-nongpl",
    "jupyterhub-singleuser",
    "python-abi",
    "tzdata",
}


class BinderError(Exception):
    """Binder would not show the book as it is meant. The message says what is wrong."""


def steps(dockerfile: str) -> list[str]:
    """The commands that a recipe runs as the image's user, after it has made the environment.

    Raises
    ------
    BinderError
        If there is no step that installs the requirements before the repository is copied, or none for postBuild.
    """
    user, found = "root", []
    for line in dockerfile.splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "USER":
            user = rest
        elif instruction == "RUN" and user == "${NB_USER}":
            found.append(rest)
    install = 'RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r ".binder/requirements.txt"'
    # Owned by whoever builds the image.
    before, *copied = re.split(r"^COPY --chown=\S+ src/ \$\{REPO_DIR\}/$", dockerfile, flags=re.MULTILINE)
    if not copied or install not in before:
        raise BinderError("Binder does not install .binder/requirements.txt before it copies the repository.")
    if "./.binder/postBuild" not in found:
        raise BinderError("Binder does not run .binder/postBuild.")
    return found


def base_packages(lock: str) -> list[str]:
    """The Python packages, pinned for pip, of the conda environment that Binder's images start with."""
    found = {}
    tag = "py" + PYTHON.replace(".", "")
    for line in lock.splitlines():
        parts = re.search(
            r"/(?P<folder>[\w-]+)/(?P<name>[^/]+)-(?P<version>[^-/]+)-(?P<build>[^-/]+)\.(?:conda|tar)", line
        )
        if parts and (parts["folder"] == "noarch" or tag in parts["build"]):
            name = re.sub(r"[-_.]+", "-", parts["name"]).lower()
            if name not in NO_PACKAGES:
                found[OTHER_NAMES.get(name, name)] = parts["version"]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def run(command: Sequence[str | Path], **options: object) -> str:
    """What a command writes; its errors end everything."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise BinderError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")
    return str(done.stdout)


def recipe(tool: Path) -> tuple[str, str]:
    """What repo2docker makes of the repository, and the lock of the environment that it starts with."""
    dockerfile = run([tool / "bin" / "repo2docker", "--no-build", "--debug", "."], cwd=ROOT)
    if f"python={PYTHON}" not in dockerfile:
        raise BinderError(f"Binder does not take Python {PYTHON}:\n{dockerfile[:400]}")
    name = f"environment.py-{PYTHON}-linux-64.lock"
    lock = next(tool.glob(f"lib/python*/site-packages/repo2docker/buildpacks/conda/{name}"))
    return dockerfile, lock.read_text(encoding="utf-8")


def copy_repository(folder: Path) -> None:
    """What a commit of everything would hold."""
    listed = run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def without_silent_index(requirements: Path) -> None:
    """Take out an index that does not answer: pip would try it again for every package."""
    text = requirements.read_text(encoding="utf-8")
    for option, address in re.findall(r"^(--extra-index-url (\S+))\n", text, flags=re.MULTILINE):
        try:
            urllib.request.urlopen(address, timeout=20).close()
        except (OSError, urllib.error.URLError):
            print(f"{address} does not answer: PyTorch's CPU build has to come from this machine's package sources.")
            text = text.replace(f"{option}\n", "")
    requirements.write_text(text, encoding="utf-8")


def megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) // 10**6


def check_extensions(listed: str) -> None:
    """That JupyterLab has what shows widgets, from what ``jupyter labextension list`` writes."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", listed)
    missing = [
        name for name in EXTENSIONS if not re.search(rf"^\s*{re.escape(name)} v\S+ enabled\s+OK", plain, re.MULTILINE)
    ]
    if missing:
        raise BinderError(f"JupyterLab has no working {', '.join(missing)}:\n{plain}")


def check_lab(program: Path, environment: dict[str, str], repository: Path, chapter: str) -> None:
    """That JupyterLab starts in the repository, and has the chapter where a launch button says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=t"]
    log = (WORK / "jupyterlab.log").open("w")
    server = subprocess.Popen([program, *options], cwd=repository, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/lab/tree/{chapter}?token=t") as page:
                    shown = page.read().decode()
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/api/contents/{chapter}?content=0&token=t"
                ) as answer:
                    kind = json.load(answer)["type"]
                break
            except (ConnectionError, urllib.error.URLError) as error:
                if server.poll() is not None or time.monotonic() > end or isinstance(error, urllib.error.HTTPError):
                    raise BinderError(f"JupyterLab does not serve {chapter}: {error}. See {log.name}.") from None
                time.sleep(0.5)
        if "jupyter-config-data" not in shown or kind != "notebook":
            raise BinderError(f"JupyterLab shows {chapter} as {kind}.")
    finally:
        server.terminate()
        server.wait()
        log.close()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Do what Binder does with this repository, without Docker.")
    parser.add_argument(
        "--recipe-only", action="store_true", help="only have repo2docker write its recipe, and read it"
    )
    parser.add_argument("chapters", nargs="*", help="the chapters to run instead of all, like 03_rmsprop")
    asked = parser.parse_args(arguments)
    tool, base, repository = WORK / "repo2docker", WORK / "environment", WORK / "repository"
    shutil.rmtree(WORK, ignore_errors=True)
    repository.mkdir(parents=True)
    report: list[dict[str, object]] = []

    def timed(step: str, command: Sequence[str | Path], **options: object) -> None:
        begun = time.perf_counter()
        run(command, **options)
        report.append({"step": step, "seconds": round(time.perf_counter() - begun), "environment MB": megabytes(base)})
        print("{step}: {seconds} s, the environment has {environment MB} MB".format(**report[-1]), flush=True)
        (WORK / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    try:
        run([sys.executable, "-m", "venv", tool])
        run([tool / "bin" / "python", "-m", "pip", "install", "--quiet", REPO2DOCKER])
        dockerfile, lock = recipe(tool)
        (WORK / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        commands = steps(dockerfile)
        print("Binder's recipe runs, as its user:", *commands, sep="\n  ", flush=True)
        if asked.recipe_only:
            return 0
        if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))):
            raise BinderError(f"The steps are run with Python {PYTHON}; this is {sys.version.split()[0]}.")

        copy_repository(repository)
        without_silent_index(repository / ".binder" / "requirements.txt")
        run([sys.executable, "-m", "venv", base])
        pip = [base / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps"]
        timed("what Binder starts with", [*pip, *base_packages(lock)])

        # As in the image: the repository is the home folder, and the environment comes first.
        environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PYTHON", "VIRTUAL_ENV", "JUPYTER"))
            },
            "HOME": str(repository),
            "KERNEL_PYTHON_PREFIX": str(base),
            "PATH": f"{base / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }

        there = {"cwd": repository, "env": environment}
        for command in commands:
            timed(command, ["bash", "-c", command], **there)
        run([base / "bin" / "python", "-m", "pip", "check"], **there)
        check_extensions(run([base / "bin" / "jupyter", "labextension", "list"], **there))
        check_lab(base / "bin" / "jupyter-lab", environment, repository, "chapters/03_rmsprop.ipynb")
        names = asked.chapters or sorted(path.stem for path in (repository / "chapters").glob("*.ipynb"))
        for name in names:
            timed(name, [base / "bin" / "python", "-m", "tools.notebooks.execute", name], **there)
    except BinderError as error:
        print(error)
        return 1
    print(f"Binder would open the book: {len(names)} chapters ran. The recipe and the report are in _build/binder.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
