"""Create the virtual environment and install the pinned requirements: ``python bootstrap.py .venv``.

Runs on the system's Python with the standard library alone, so it can say clearly what is missing.
The syntax stays old on purpose: an old Python must reach the sentence that tells it is too old.
"""

import os
import subprocess
import sys

PINNED_FOR = (3, 11)


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def check_python():
    found = "%d.%d" % sys.version_info[:2]
    wanted = "%d.%d" % PINNED_FOR
    if sys.version_info[:2] < PINNED_FOR:
        stop(
            "Python %s is too old: install Python %s, or name one with `make PYTHON=/path/to/python%s`."
            % (found, wanted, wanted)
        )
    if sys.version_info[:2] > PINNED_FOR:
        print(
            "Python %s found. The pinned versions were compiled for Python %s: trying them all the same."
            % (found, wanted)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "Python %s lacks the module venv: install it (on Debian and Ubuntu: apt-get install python3-venv)." % found
        )


def run(*command):
    if subprocess.call(command) != 0:
        stop("Setting up the environment failed at: %s" % " ".join(command))


def main(folder):
    check_python()
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        print("Creating the environment in %s ..." % folder)
        run(sys.executable, "-m", "venv", folder)
    print("Installing the pinned requirements (some minutes the first time) ...")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
    # setuptools, pinned like the rest, builds the library itself: no second download for that.
    run(*(pip + ["-r", "requirements.txt"]))
    os.environ["PYTHONWARNINGS"] = "ignore"  # setuptools explains what an editable installation is
    run(*(pip + ["--quiet", "--no-deps", "--no-build-isolation", "-e", "."]))


if __name__ == "__main__":
    main(sys.argv[1])
