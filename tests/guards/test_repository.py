"""Rules on the text of the repository that no reader should have to remember."""

import ast
import re
import subprocess
import tomllib

import house
import pytest

LONGEST_FILE = 600
LONGEST_FUNCTION = 60
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ".cfg", ".sh", ".json", ".css", ".rst", ""}
SKIPPED = {".git", ".nox", ".venv", "_build", "_generated", "build", "dist", "output", "__pycache__"}
MODULES_WITHOUT_SUBJECT = {"utils.py", "helpers.py", "common.py", "base.py", "misc.py", "__main__.py"}
OUTSIDE = {
    "argparse",
    "click",
    "ctypes",
    "dill",
    "flask",
    "http",
    "joblib",
    "marshal",
    "multiprocessing",
    "pickle",
    "requests",
    "runpy",
    "shelve",
    "socket",
    "sqlite3",
    "subprocess",
    "typer",
    "urllib",
    "yaml",
}
CLOCK = {"now", "today", "utcnow", "time_ns", "localtime", "gmtime", "perf_counter", "monotonic"}
BUILT_IN_ERRORS = {
    name
    for name, thing in vars(__import__("builtins")).items()
    if isinstance(thing, type) and issubclass(thing, Exception)
}
SOURCES = house.source_files()


def tracked_files():
    """List the text files that belong to the repository."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=house.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0 and found.stdout:
        files = [house.ROOT / line for line in found.stdout.splitlines()]
    else:
        files = [path for path in house.ROOT.rglob("*") if not SKIPPED & set(path.parts)]
    return [path for path in files if path.is_file() and path.suffix in TEXT]


def places(pattern):
    """Find a pattern in the repository's text: ``file:line``."""
    found = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(house.ROOT)}:{number}: {line.strip()[:80]}")
    return found


def nodes(kind):
    """Walk all nodes of one kind in the package: ``(place, node)``."""
    for path in SOURCES:
        for node in house.statements(path):
            if isinstance(node, kind):
                yield f"{path.relative_to(house.ROOT)}:{node.lineno}", node


def test_no_file_names_a_path_of_one_machine():
    assert places(r"(?<![\w.])/(" + "wo" + "rk|ro" + "ot|fa" + "rm|home" + r"/\w+)/") == []


def test_no_file_names_the_host_of_a_package_registry():
    assert (
        places(r"py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(org|com)|deb\.deb" + r"ian\.org") == []
    )


@pytest.mark.parametrize("path", SOURCES, ids=house.module_name)
def test_a_file_holds_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_a_function_fits_a_screen():
    long = []
    for place, node in nodes((ast.FunctionDef, ast.AsyncFunctionDef)):
        docstring = ast.get_docstring(node, clean=False)
        body = node.body[0].end_lineno if docstring is not None else node.lineno
        length = node.end_lineno - body
        if length > LONGEST_FUNCTION:
            long.append(f"{place} {node.name}: {length} lines")
    assert not long


def test_every_module_is_named_after_its_subject():
    assert [path.name for path in SOURCES if path.name in MODULES_WITHOUT_SUBJECT] == []


def test_the_package_imports_nothing_that_leads_outside():
    found = []
    for place, node in nodes((ast.Import, ast.ImportFrom)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        found += [f"{place} {name}" for name in names if name.partition(".")[0] in OUTSIDE]
    assert not found


def asks_a_tree(call):
    """A k-d tree is asked for points, a frame would be asked in text."""
    return isinstance(call.func.value, ast.Name) and call.func.value.id == "tree"


def test_the_package_neither_evaluates_text_nor_prints():
    forbidden = {"eval", "exec", "compile", "print", "input", "breakpoint", "__import__"}
    found = [
        f"{place} {node.func.id}"
        for place, node in nodes(ast.Call)
        if isinstance(node.func, ast.Name) and node.func.id in forbidden
    ]
    found += [
        f"{place} {node.func.attr}"
        for place, node in nodes(ast.Call)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in ("eval", "read_pickle", "query")
        and not asks_a_tree(node)
    ]
    assert not found


def test_the_package_never_asks_the_clock():
    found = [
        f"{place} {ast.unparse(node.func)}"
        for place, node in nodes(ast.Call)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK
        # time_limit= counts the seconds that the caller gave; nothing else in the search knows the time.
        and not (ast.unparse(node.func) == "time.monotonic" and "territory/_clock.py" in place)
    ]
    assert not found


def speaks_a_protocol_of_python(node):
    """Tell a special method, or a container of our own, of which Python expects its own errors."""
    if isinstance(node, ast.FunctionDef):
        return node.name.startswith("__") and node.name.endswith("__")
    bases = [ast.unparse(base) for base in getattr(node, "bases", [])]
    return any(re.match(r"(dict|list|tuple|set|frozenset|str|int)\b", base) for base in bases)


def test_only_the_errors_of_the_house_are_raised():
    found = []
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        excused = {
            id(inner)
            for outer in ast.walk(tree)
            if speaks_a_protocol_of_python(outer)
            for inner in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.exc is not None and id(node) not in excused:
                name = ast.unparse(node.exc).partition("(")[0]
                if name in BUILT_IN_ERRORS:
                    found.append(f"{path.relative_to(house.ROOT)}:{node.lineno} {name}")
    assert not found


def test_the_package_does_not_check_input_by_assert():
    assert [place for place, _ in nodes(ast.Assert)] == []


def test_no_dtype_is_compared_with_object():
    found = [
        place
        for place, node in nodes(ast.Compare)
        if ".dtype" in ast.unparse(node) and re.search(r"\b(object|'object'|'O')", ast.unparse(node))
    ]
    assert not found


def test_comments_hold_no_banners_and_no_debts():
    found = []
    for path in [*SOURCES, *(house.ROOT / "tests").rglob("*.py")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"# ?(-{4,}|={4,}|#{3,}|(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b)", line):
                found.append(f"{path.relative_to(house.ROOT)}:{number}")
    assert not found


def test_there_is_no_command_line_tool():
    project = tomllib.loads((house.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not {"scripts", "gui-scripts", "entry-points"} & set(project)


def test_readme_holds_each_of_its_two_commands_once():
    lines = (house.ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for command in (
        'pip install -e ".[notebook]" && python examples/quickstart.py',
        'pip install -e ".[test]" && pytest',
    ):
        assert lines.count(command) == 1


def test_the_oldest_versions_tested_are_the_oldest_allowed():
    project = tomllib.loads((house.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    allowed = {}
    for requirement in [
        *project["dependencies"],
        *(r for e in ("test", "notebook", "plot", "arrow") for r in extras[e]),
    ]:
        if not requirement.startswith("salesops"):
            name, _, version = requirement.partition(">=")
            allowed[name] = version
    pins = re.findall(r"^(\S+)==(\S+)$", (house.ROOT / ".ci" / "oldest.txt").read_text(), re.MULTILINE)
    tested = {name: version for name, version in pins if name in allowed}
    assert set(tested) == set(allowed)
    for name, version in allowed.items():
        assert re.fullmatch(re.escape(version) + r"(\.0)*", tested[name]), name
