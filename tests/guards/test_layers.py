"""Imports point down the house: no room imports one above or beside it, and no file is in a cycle."""

import ast
import graphlib
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import house
import pytest

NAMES = {house.module_name(path) for path in house.source_files()}


def layers():
    """Read the order of rooms from the contract in pyproject.toml: room -> (layer, siblings may meet)."""
    tool = tomllib.loads((house.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = tool["contracts"]
    order = {}
    for depth, layer in enumerate(contract["layers"]):
        for room in layer.replace("|", " ").replace(":", " ").split():
            order[room.strip("()")] = (depth, ":" in layer)
    return order


def imports_of(source, module, is_package, known):
    """Name every module of `known` that a source imports, wherever in the file the import stands."""
    found = set()
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(full if full in known else base)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found.update(arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))
    return {name for name in found if name in known and name != module}


@pytest.fixture(scope="module")
def imports():
    return {
        house.module_name(path): imports_of(
            path.read_text(encoding="utf-8"), house.module_name(path), path.name == "__init__.py", NAMES
        )
        for path in house.source_files()
    }


def room_of(module):
    return ".".join(module.split(".")[:2])


def test_every_room_has_its_place_in_the_contract():
    rooms = {room_of(name) for name in NAMES} - {"salesops"}
    assert rooms <= set(layers())


def test_no_room_imports_one_above_or_beside_it(imports):
    order = layers()
    wrong = []
    for module, targets in imports.items():
        for target in targets:
            here, there = room_of(module), room_of(target)
            if here in (there, "salesops") or "salesops" in (module, target):
                continue
            (depth, siblings_meet), (depth_there, _) = order[here], order[there]
            if depth_there < depth or (depth_there == depth and not siblings_meet):
                wrong.append(f"{module} imports {target}")
    assert not wrong


def test_no_room_imports_from_the_root(imports):
    """The root loads every room, so a room that asks the root closes a circle."""
    assert [module for module, targets in imports.items() if "salesops" in targets] == []


def test_no_imports_go_in_a_circle(imports):
    rooms = {module: targets for module, targets in imports.items() if module != "salesops"}
    try:
        graphlib.TopologicalSorter(rooms).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(
    "source",
    [
        "import salesops.comp",
        "from salesops import comp",
        "from salesops.comp import calculate",
        "def f():\n    from salesops.comp import calculate",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from salesops.comp import CompPlan",
        "from ..comp import calculate",
        "from .. import comp",
        "import importlib\nimportlib.import_module('salesops.comp')",
    ],
)
def test_the_check_sees_an_import_in_every_disguise(source):
    known = {"salesops", "salesops.comp", "salesops.territory", "salesops.territory.graph"}
    assert imports_of(source, "salesops.territory.graph", False, known) == {"salesops.comp"}


def test_the_contract_holds_in_import_linter_too():
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter is in the extra dev; the check above needs nothing")
    command = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run(
        [command, "--no-cache"], cwd=house.ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout
