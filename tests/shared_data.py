"""Large public data sets that lie outside the repository; tests that need them skip without."""

import os
from pathlib import Path

import pytest


def require(name: str) -> Path:
    """Path of a file or folder of the shared data; skips the test, saying so, when it is absent.

    The data is looked for in `$AUDIT_LOG_SHARED_DATA`, else in `../shared/data` beside the
    repository.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("AUDIT_LOG_SHARED_DATA", beside)) / name
    if not path.exists():
        pytest.skip(f"NOT TESTED: {path} is absent; AUDIT_LOG_SHARED_DATA names another place")
    return path
