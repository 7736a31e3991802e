"""What every test may ask for, and how the suite sets itself up."""

import os
import sys
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


class _Figures:
    """Close what a test or an example has drawn: matplotlib keeps all, and warns at the twentieth."""

    def pytest_runtest_teardown(self) -> None:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close("all")


def pytest_configure(config: pytest.Config) -> None:
    """Close figures after the examples of the package, too, which stand outside this folder."""
    config.pluginmanager.register(_Figures(), "figures")
