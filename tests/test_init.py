"""The root: a short list of names that load when they are first used."""

import re
import subprocess
import sys

import pytest

import salesops
from salesops import errors


def test_an_error_at_the_root_is_the_one_of_its_room():
    assert salesops.InvalidInput is errors.InvalidInput


def test_a_room_loads_when_it_is_first_named(root):
    code = (
        "import sys, salesops\n"
        "assert 'salesops.datasets' not in sys.modules\n"
        "salesops.datasets.lazega\n"
        "assert 'salesops.datasets' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_the_root_lists_its_names_before_they_are_loaded():
    assert set(dir(salesops)) >= set(salesops.__all__)


def test_an_unknown_name_is_an_attribute_error_with_the_name():
    with pytest.raises(AttributeError, match="module 'salesops' has no attribute 'territories'"):
        salesops.territories  # noqa: B018  (the attribute access is what is tested)


def test_the_version_is_the_one_that_is_installed():
    assert re.fullmatch(r"\d+\.\d+\.\d+", salesops.__version__)
