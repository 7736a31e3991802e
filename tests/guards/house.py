"""What the guards know of the house: its files, its public things and their examples."""

import ast
import contextlib
import doctest
import functools
import importlib
import inspect
import io
import json
import pkgutil
import sys
import time
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "salesops"
PATIENCE = 600
EXTRAS = {
    "matplotlib",
    "tqdm",
    "great_tables",
    "pyarrow",
    "numba",
    "rapidfuzz",
    "duckdb",
    "dask",
    "distributed",
    "pyspark",
    "sklearn",
    "polars",
}
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
        for name in getattr(module, "__all__", ()):
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
        if "matplotlib.pyplot" in sys.modules:  # it keeps all figures, and warns at the twentieth
            sys.modules["matplotlib.pyplot"].close("all")
    return runner.tries, report.getvalue()


@contextlib.contextmanager
def recorded(classes, limit=50):
    """Keep the first instances of each class that are made meanwhile, whoever makes them."""
    born = {cls: [] for cls in classes}
    own = {cls: vars(cls).get("__init__") for cls in classes}

    def watched(cls, init):
        @functools.wraps(init)
        def wrapper(self, *args, **kwargs):
            init(self, *args, **kwargs)
            if type(self) is cls and len(born[cls]) < limit:
                born[cls].append(self)

        return wrapper

    for cls in classes:
        cls.__init__ = watched(cls, cls.__init__)
    try:
        yield born
    finally:
        for cls, init in own.items():
            if init is None:
                del cls.__init__
            else:
                cls.__init__ = init


def first_of_several(folder, job):
    """Let the worker that comes first do a job and write its answer; the others wait for it and read it."""
    answer = folder / "answer.json"
    try:
        folder.mkdir()
    except FileExistsError:
        end = time.monotonic() + PATIENCE
        while not answer.exists():
            if time.monotonic() > end:
                raise TimeoutError(f"another worker began and never wrote {answer.name}") from None
            time.sleep(0.2)
    else:
        draft = folder / "draft.json"
        try:
            draft.write_text(json.dumps(job(folder)), encoding="utf-8")
        except BaseException as error:
            draft.write_text(json.dumps({"failed": repr(error)}), encoding="utf-8")
            raise
        finally:
            draft.rename(answer)
    return json.loads(answer.read_text(encoding="utf-8"))


def examples_of_classes():
    """List the public classes whose instances are kept while the examples run."""
    return [thing for _, thing in public_objects() if inspect.isclass(thing) and attrs.has(thing)]


def models_among(born):
    """Keep the instances of models."""
    from salesops._codec import Model

    return {kind: things for kind, things in born.items() if issubclass(kind, Model)}


class Absent:
    """A finder for the front of ``sys.meta_path`` that knows no optional package."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def plots_without_extras(born):
    """Forget the optional packages and plot one instance of each class that draws: what is said instead."""
    from salesops.errors import MissingExtra

    for name in [name for name in sys.modules if name.partition(".")[0] in EXTRAS - {"pyarrow"}]:
        del sys.modules[name]  # pyarrow stays: pandas has taken it up already
    sys.meta_path.insert(0, Absent())
    said = {}
    for kind, things in born.items():
        if callable(getattr(kind, "plot", None)) and things:
            try:
                things[0].plot()
                said[kind.__name__] = "drew without matplotlib"
            except MissingExtra as error:
                said[kind.__name__] = str(error)
    return said


def statements(path):
    """Parse a file and walk all its nodes."""
    return ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
