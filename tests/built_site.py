"""The built site, for tests that look at what is in it."""

import pytest

from tools.paths import SITE


def require_site() -> None:
    """Fail unless the site is built, and its last build ended well: only such a build leaves ``.built`` behind."""
    if not (SITE / ".built").exists():
        pytest.fail("The site is not built, or its last build failed: run `make book` first.")
