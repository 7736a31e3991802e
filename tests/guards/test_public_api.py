"""The public names and their signatures, written down, so that no change of them goes unseen.

Write the file anew, and read the difference before committing it, with

    SALESOPS_WRITE_API=1 pytest tests/guards/test_public_api.py
"""

import difflib
import inspect
import os

import attrs
import house

FILE = house.ROOT / "tests" / "guards" / "public_api.txt"
COMMAND = "SALESOPS_WRITE_API=1 pytest tests/guards/test_public_api.py"


def plain(annotation):
    """Write an annotation the same on every Python and pandas."""
    if isinstance(annotation, str):
        return annotation.strip("'\"")
    if annotation is type(None):
        return "None"
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation).replace("typing.", "")


def default(value):
    """Write a default without the address of anything."""
    if value is attrs.NOTHING:
        return "..."
    return value.__name__ if inspect.isroutine(value) or inspect.isclass(value) else repr(value)


def signature(thing):
    """Write the parameters of a callable, with annotations and defaults; a built-in one has none to read."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:
        return ""
    parts = []
    kind = None
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and kind not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            parts.append("*")
        kind = parameter.kind
        mark = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(kind, "")
        text = mark + parameter.name
        if parameter.annotation is not parameter.empty:
            text += f": {plain(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += f" = {default(parameter.default)}"
        parts.append(text)
    returns = getattr(thing, "__annotations__", {}).get("return")
    answer = f" -> {plain(returns)}" if returns is not None and not inspect.isclass(thing) else ""
    return f"({', '.join(parts)}){answer}"


def members(cls, name):
    """Write what a class says itself in full, and what it inherits by name only."""
    own = {key: member for key, member in house.own_members(cls) if key in vars(cls)}
    for key, member in own.items():
        yield f"    {name}.{key}{signature(member) if inspect.isfunction(member) else ''}"
    inherited = [key for key, _ in house.own_members(cls) if key not in own]
    if inherited:
        yield f"    {name} inherits {', '.join(inherited)}"


def lines():
    """List the public interface, one name a line, and the bases that it inherits from."""
    for module in house.public_modules():
        yield f"{module.__name__}: {', '.join(sorted(getattr(module, '__all__', ())))}"
    bases = {}
    public = {id(thing) for _, thing in house.public_objects()}
    for name, thing in house.public_objects():
        if inspect.isclass(thing):
            yield f"{name}{signature(thing)}"
            yield from members(thing, name)
            bases |= {f"{base.__module__}.{base.__qualname__}": base for base in thing.__mro__[1:]}
        elif callable(thing):
            yield f"{name}{signature(thing)}"
        else:
            yield f"{name}: {type(thing).__name__}"
    for name, base in sorted(bases.items()):
        if name.startswith("salesops.") and id(base) not in public and house.own_members(base):
            yield name
            yield from members(base, name)


def test_the_public_interface_is_the_one_written_down():
    found = "\n".join(lines()) + "\n"
    if os.environ.get("SALESOPS_WRITE_API"):
        FILE.write_text(found, encoding="utf-8")
    written = FILE.read_text(encoding="utf-8")
    difference = "\n".join(
        difflib.unified_diff(written.splitlines(), found.splitlines(), "written", "found", lineterm="", n=0)
    )
    assert not difference, f"the public interface changed; if it is meant: {COMMAND}\n{difference}"


def test_the_root_holds_at_most_25_names():
    import salesops

    assert len(salesops.__all__) <= 25


def test_every_room_says_what_is_public():
    """A module inside a wing may leave that to the wing."""
    rooms = [module for module in house.public_modules() if module.__name__.count(".") <= 1]
    assert [module.__name__ for module in rooms if not hasattr(module, "__all__")] == []


def test_lists_of_public_names_are_sorted_and_without_repeats():
    wrong = [
        module.__name__
        for module in house.public_modules()
        if list(getattr(module, "__all__", ())) != sorted(set(getattr(module, "__all__", ())))
    ]
    assert not wrong
