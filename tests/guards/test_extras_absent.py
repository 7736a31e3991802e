"""Without any optional package everything imports, and what needs one says which line to type."""

import json
import subprocess
import sys

import house
import pytest

from salesops._faults import import_extra
from salesops.errors import MissingExtra

IMPORT_ALL = """
import json, sys
sys.path.insert(0, "tests/guards")
import house
sys.meta_path.insert(0, house.Absent())
print(json.dumps([module.__name__ for module in house.public_modules()]))
"""


def test_every_public_module_imports_without_extras():
    answer = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=house.ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout.splitlines()[-1]) == [
        module.__name__ for module in house.public_modules()
    ]


def test_a_plot_without_matplotlib_says_what_to_type(shut_run):
    plain = 'matplotlib is not installed; type: pip install "salesops[plot]"'
    drawn = {
        name.rpartition(".")[2]
        for name, thing in house.public_objects()
        if isinstance(thing, type) and hasattr(thing, "plot")
    }
    assert shut_run["plots"] == dict.fromkeys(sorted(drawn), plain)


@pytest.mark.parametrize("extra", ["plot", "tables", "arrow", "fast", "match", "duckdb", "dask", "spark"])
def test_an_absent_package_is_named_with_the_line_that_brings_it(extra):
    with pytest.raises(MissingExtra) as caught:
        import_extra(f"no_such_package_{extra}.part", extra)
    assert str(caught.value) == (
        f'no_such_package_{extra} is not installed; type: pip install "salesops[{extra}]"'
    )
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
