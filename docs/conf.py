"""How the documentation is built: ``sphinx-build -W docs docs/_build``."""

import importlib
import inspect
import pkgutil
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import salesops

project = "salesops"
author = "The salesops developers"
copyright = "The salesops developers, BSD-3-Clause"
version = release = salesops.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "salesops"
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("changelog", "development", "glossary", "index")}
html_theme_options = {
    "navigation_depth": 3,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}

GENERATED = Path(__file__).parent / "api" / "_generated"


def public_modules():
    """Name the public modules, those nearest to the root first, the root itself last."""
    names = [
        found.name
        for found in pkgutil.walk_packages(salesops.__path__, "salesops.")
        if not any(part.startswith("_") for part in found.name.split("."))
    ]
    return [*sorted(names, key=lambda name: (name.count("."), name)), "salesops"]


def page(name, names, module):
    """Write the page of one module: its docstring, a table of its names, and each of them in full."""
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", ""]
    lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {entry}" for entry in names), ""]
    for entry in names:
        thing = getattr(module, entry)
        if inspect.isclass(thing):
            kind = "autoexception" if issubclass(thing, Exception) else "autoclass"
            lines += [f".. {kind}:: {entry}", "   :members:", ""]
        else:
            lines += [f".. {'autofunction' if callable(thing) else 'autodata'}:: {entry}", ""]
    return "\n".join(lines)


def write_api(_app):
    """Write one page for each public module, each public thing on the page of the shortest module."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir(parents=True)
    told = set()
    for name in public_modules():
        module = importlib.import_module(name)
        listed = [
            entry
            for entry in getattr(module, "__all__", ())
            if entry not in getattr(module, "_ROOMS", ())
            and not entry.startswith("_")
            and not inspect.ismodule(getattr(module, entry))
        ]
        fresh = [entry for entry in listed if (entry, id(getattr(module, entry))) not in told]
        told.update((entry, id(getattr(module, entry))) for entry in fresh)
        if fresh:
            (GENERATED / f"{name}.rst").write_text(page(name, fresh, module), encoding="utf-8")


def setup(app):
    """Write the pages of the interface before the sources are read."""
    app.connect("builder-inited", write_api)
