"""Every Python block on a page of the documentation, and in README, runs from top to bottom."""

import io
import re
from contextlib import redirect_stdout

import house
import pytest

PAGES = [
    house.ROOT / "README.md",
    *(
        path
        for path in sorted((house.ROOT / "docs").rglob("*.md"))
        if not {"_build", "_generated"} & set(path.parts)
    ),
]
BLOCK = re.compile(r"^```(?:python|\{code-block\} python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Cut the Python blocks out of a page, each with the line it begins on."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start(1)), found[1]) for found in BLOCK.finditer(text)]


WITH_CODE = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.relative_to(house.ROOT).as_posix())
def test_the_code_on_a_page_runs_as_it_stands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__page__"}
    for line, source in blocks(page):
        code = compile("\n" * line + source, str(page), "exec", dont_inherit=True)
        with redirect_stdout(io.StringIO()):
            exec(code, namespace)  # noqa: S102  (the project's own pages)
    assert list(tmp_path.iterdir()) == []


def test_readme_has_code_to_look_at():
    assert house.ROOT / "README.md" in WITH_CODE
