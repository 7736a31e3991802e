"""Every public thing says what it is for, what it takes, and shows itself at work."""

import inspect
import re

import house
import pytest


def callables():
    """List every public function and class, and their public methods."""
    for name, thing in house.public_objects():
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield name, thing
        if inspect.isclass(thing):
            for member_name, member in house.own_members(thing):
                if inspect.isfunction(member):
                    yield f"{name}.{member_name}", member


CALLABLES = dict(callables())


def section(text, title):
    """Cut one section out of a numpydoc docstring, or give nothing."""
    pattern = rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)"
    found = re.search(pattern, inspect.cleandoc(text or ""), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def takes(thing):
    """Name what a caller may pass; errors and warnings are all made the same way, told of at their base."""
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return []
    names = [name for name in inspect.signature(thing).parameters if not name.startswith("_")]
    return [name for name in names if name not in ("self", "cls", "args", "kwargs")]


@pytest.mark.parametrize("name", CALLABLES)
def test_a_public_thing_begins_with_one_sentence(name):
    first = inspect.cleandoc(CALLABLES[name].__doc__ or "").split("\n\n")[0]
    assert first.endswith((".", "?"))


@pytest.mark.parametrize("name", CALLABLES)
def test_a_public_thing_shows_itself_at_work(name):
    """A method may be shown in the example of its class instead."""
    if ">>> " in section(CALLABLES[name].__doc__, "Examples"):
        return
    owner, _, method = name.rpartition(".")
    assert re.search(rf"\.{method}\(", section(getattr(CALLABLES.get(owner), "__doc__", ""), "Examples"))


@pytest.mark.parametrize("name", CALLABLES)
def test_a_public_thing_explains_all_that_it_takes(name):
    titles = "(?:Parameters|Attributes)" if inspect.isclass(CALLABLES[name]) else "Parameters"
    told = section(CALLABLES[name].__doc__, titles)
    heads = re.findall(r"^(\*{0,2}\w[\w, *]*?)(?: :|$)", told, re.MULTILINE)
    named = {part.strip(" *") for head in heads for part in head.split(",")}
    assert set(takes(CALLABLES[name])) <= named


@pytest.mark.parametrize("name", [name for name, thing in CALLABLES.items() if inspect.isfunction(thing)])
def test_a_public_function_explains_what_it_gives_back(name):
    thing = CALLABLES[name]
    if thing.__annotations__.get("return") in (None, "None"):
        return
    assert section(thing.__doc__, "(?:Returns|Yields)")


def test_every_public_property_says_what_it_is():
    silent = [
        f"{name}.{member_name}"
        for name, thing in house.public_objects()
        if inspect.isclass(thing)
        for member_name, member in house.own_members(thing)
        if not inspect.isfunction(member) and not (getattr(member, "__doc__", None) or "").strip()
    ]
    assert not silent


def test_every_module_says_what_it_is():
    import ast

    silent = [
        house.module_name(path)
        for path in house.source_files()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent
