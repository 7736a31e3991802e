"""What an import brings along, by list of modules and not by the clock."""

import json
import subprocess
import sys

import house
import pytest

HEAVY = ("scipy.stats", "scipy.optimize", "matplotlib")
NEW_MODULES = """
import json, sys
before = set(sys.modules)
import {module}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def brought_along(module):
    """List the modules that one import adds to a bare interpreter."""
    answer = subprocess.run(
        [sys.executable, "-c", NEW_MODULES.format(module=module)],
        cwd=house.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def root_import():
    return brought_along("salesops")


def test_importing_salesops_loads_only_the_list_of_its_rooms(root_import):
    assert [name for name in root_import if name.startswith("salesops")] == ["salesops", "salesops._version"]


def test_importing_salesops_loads_nothing_that_pip_brings(root_import):
    tops = {name.partition(".")[0] for name in root_import}
    assert tops - {"salesops"} <= set(sys.stdlib_module_names)


def test_importing_salesops_adds_few_modules(root_import):
    assert len(root_import) < 40


def test_importing_every_public_module_loads_no_heavy_optional_room():
    names = ", ".join(module.__name__ for module in house.public_modules())
    loaded = brought_along(names)
    found = [name for name in loaded if any(name == top or name.startswith(f"{top}.") for top in HEAVY)]
    assert not found
