"""SHA256SUMS, for those who want to know that a file arrived whole: ``sha256sum --check SHA256SUMS``."""

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def write(folder: Path) -> Path:
    """Write the checksums of all files in ``folder`` beside them; returns the path."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != NAME]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    sums = folder / NAME
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")
    return sums
