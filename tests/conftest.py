"""What every test may ask for, and how the suite sets itself up."""

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

os.environ["MPLBACKEND"] = "Agg"

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def shared():
    """Return the folder of shared data: ``SALESOPS_SHARED``, else ``shared`` beside the checkout."""
    folder = Path(os.environ.get("SALESOPS_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared data: {folder.name} beside the checkout or SALESOPS_SHARED")
    return folder


@pytest.fixture(scope="session")
def root():
    """Return the top folder of the checkout."""
    return ROOT
