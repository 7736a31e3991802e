"""What the guards know of the house: its files, its public things and their examples."""

import ast
import contextlib
import doctest
import importlib
import inspect
import io
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "salesops"
DOCTEST_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def source_files():
    """List every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def module_name(path):
    """Name the module that a file of the package is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def public_modules():
    """Import every module whose path has no part that starts with an underscore."""
    import salesops

    names = [
        found.name
        for found in pkgutil.walk_packages(salesops.__path__, "salesops.")
        if not any(part.startswith("_") for part in found.name.split("."))
    ]
    return [salesops, *(importlib.import_module(name) for name in sorted(names))]


def public_objects():
    """Name every public thing once, by the shortest module that lists it: ``(name, object)``."""
    seen = {}
    for module in public_modules():
        for name in module.__all__:
            if name in getattr(module, "_ROOMS", ()):
                continue
            thing = getattr(module, name)
            if not inspect.ismodule(thing):
                seen.setdefault((id(thing), name), (f"{module.__name__}.{name}", thing))
    return sorted(seen.values(), key=lambda pair: pair[0])


def own_members(cls):
    """List the public methods and properties that a class has from the house: ``(name, object)``."""
    members = {}
    for owner in reversed(cls.__mro__):
        if owner.__module__.partition(".")[0] != "salesops":
            continue
        for name, member in vars(owner).items():
            function = inspect.unwrap(getattr(member, "__func__", member))
            described = isinstance(member, property) or type(member).__name__ == "cached_property"
            if not name.startswith("_") and (inspect.isfunction(function) or described):
                members[name] = member if described else function
    return sorted(members.items())


def docstring_examples():
    """Collect the examples in the docstrings of the whole package, as doctests."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = []
    for path in source_files():
        module = importlib.import_module(module_name(path))
        tests.extend(test for test in finder.find(module) if test.examples)
    return tests


def run_examples():
    """Run all docstring examples; return how many were tried and the report of those that failed."""
    runner = doctest.DocTestRunner(optionflags=DOCTEST_FLAGS, verbose=False)
    report = io.StringIO()
    for test in docstring_examples():
        runner.run(test, out=report.write)
    return runner.tries, report.getvalue()


def harvest():
    """Run all docstring examples and keep every value that they name or show."""
    kept = []
    show = sys.displayhook
    sys.displayhook = kept.append
    try:
        for test in docstring_examples():
            namespace = dict(test.globs)
            before = set(map(id, namespace.values()))
            for example in test.examples:
                code = compile(example.source, test.name, "single", dont_inherit=True)
                with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                    exec(code, namespace)  # noqa: S102  (the package's own examples)
            kept.extend(value for value in namespace.values() if id(value) not in before)
    finally:
        sys.displayhook = show
    return [value for value in kept if not inspect.isclass(value) and not inspect.ismodule(value)]


def statements(path):
    """Parse a file and walk all its nodes."""
    return ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
