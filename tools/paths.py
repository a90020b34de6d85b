"""Where the parts of the repository are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
RUNS = CHAPTERS / "runs.json"
"""What each chapter took when ``make statistics`` ran it."""
SITE = ROOT / "_build" / "html"
MEASURED = ROOT / "tests" / "book" / "measured.cfg"
"""What nbval passes over in stored outputs."""
RECORDS = ROOT / "rmsprop_lib" / "data" / "records"
"""What experiments gave that take longer than a chapter may."""
