"""Without any optional package everything imports, and what needs one says which line to type."""

import json
import subprocess
import sys

import house
import pytest

from salesops._faults import import_extra
from salesops.errors import MissingExtra

BLOCKED = """
import json, sys, warnings
extras = {"matplotlib", "tqdm", "great_tables", "pyarrow", "numba", "rapidfuzz", "duckdb", "dask",
          "distributed", "pyspark", "sklearn", "polars"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in extras:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, "tests/guards")
"""
IMPORT_ALL = """
import house
print(json.dumps([module.__name__ for module in house.public_modules()]))
"""
PLOT_ALL = """
import house
from salesops.errors import MissingExtra
said = {}
for kind, born in house.harvest().items():
    if callable(getattr(kind, "plot", None)) and born:
        try:
            born[0].plot()
            said[kind.__name__] = "drew without matplotlib"
        except MissingExtra as error:
            said[kind.__name__] = str(error)
print(json.dumps(said))
"""


def without_extras(code):
    """Run code in an interpreter that finds no optional package."""
    answer = subprocess.run(
        [sys.executable, "-c", BLOCKED + code], cwd=house.ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_every_public_module_imports_without_extras():
    assert without_extras(IMPORT_ALL) == [module.__name__ for module in house.public_modules()]


def test_a_plot_without_matplotlib_says_what_to_type():
    plain = 'matplotlib is not installed; type: pip install "salesops[plot]"'
    said = without_extras(PLOT_ALL)
    drawn = {
        name.rpartition(".")[2]
        for name, thing in house.public_objects()
        if isinstance(thing, type) and hasattr(thing, "plot")
    }
    assert said == dict.fromkeys(sorted(drawn), plain)


@pytest.mark.parametrize("extra", ["plot", "tables", "arrow", "fast", "match", "duckdb", "dask", "spark"])
def test_an_absent_package_is_named_with_the_line_that_brings_it(extra):
    with pytest.raises(MissingExtra) as caught:
        import_extra(f"no_such_package_{extra}.part", extra)
    assert str(caught.value) == (
        f'no_such_package_{extra} is not installed; type: pip install "salesops[{extra}]"'
    )
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
