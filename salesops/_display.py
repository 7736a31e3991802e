"""Text and HTML of results, without dependencies; every name that comes from data is escaped."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from salesops._faults import import_extra
from salesops.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIGURE = re.compile(r"–|-?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[-+][0-9]+)?(?: %)?")
_LONGEST = 1e15

_PAGE = (
    "body{margin:0 auto;max-width:1080px;padding:24px 20px 60px;color:#1c2733;background:#fff;"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}h1{font-size:28px;line-height:1.2}"
    "h2{font-size:20px;margin:36px 0 8px;padding-top:12px;border-top:1px solid #d9dfe6}"
    "p{max-width:76ch}img{max-width:100%;height:auto;display:block;margin:10px 0}"
    "pre{background:#f5f7f9;border-radius:6px;padding:10px 14px;overflow-x:auto;font-size:13px}"
)

_STYLE = (
    "<style>.so{font:14px/1.45 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1c2733;"
    "background:#fff;border:1px solid #d9dfe6;border-radius:8px;padding:12px 16px;"
    "margin:6px 0;display:inline-block;max-width:100%;overflow-x:auto}"
    ".so h4{margin:0 0 6px;font-size:15px}.so p{margin:4px 0;color:#4a5866}"
    ".so dl{display:grid;grid-template-columns:max-content auto;gap:2px 16px;margin:6px 0}"
    ".so dt{color:#4a5866}.so dd{margin:0;font-variant-numeric:tabular-nums}"
    ".so table{border-collapse:collapse;margin:8px 0;color:#1c2733}"
    ".so caption{text-align:left;color:#4a5866;padding:2px 0}"
    ".so th,.so td{padding:3px 10px;border-bottom:1px solid #e7ebf0;text-align:left;"
    "white-space:nowrap}.so th{color:#4a5866;font-weight:600;white-space:normal;vertical-align:bottom}"
    ".so td.n,.so th.n{text-align:right;font-variant-numeric:tabular-nums}</style>"
)


def number(value: float, digits: int = 4) -> str:
    """Write a number the way a table shows it: few digits, thousands apart, no trailing noise."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if float(value).is_integer() and abs(value) < _LONGEST:
        return f"{int(value):,}"
    if abs(value) < 10**digits or abs(value) >= _LONGEST:
        return f"{value:,.{digits}g}"
    return f"{value:,.0f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share of one as a percentage."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.{digits}f} %"


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else value.isoformat(sep=" ")
    return str(value)


def _figures(frame: pd.DataFrame, rows: list[list[str]]) -> list[bool]:
    """Say which columns stand to the right: numbers, and text that is all amounts or percentages."""
    return [
        (pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))
        or (bool(rows) and all(_FIGURE.fullmatch(row[k]) for row in rows))
        for k, kind in enumerate(frame.dtypes)
    ]


def _rows(frame: pd.DataFrame, max_rows: int) -> list[list[str]]:
    columns = [frame[name].head(max_rows).tolist() for name in frame.columns]
    return [[_cell(value) for value in row] for row in zip(*columns, strict=True)]


def text_table(frame: pd.DataFrame, *, max_rows: int = 20) -> str:
    """Lay a frame out as aligned text, numbers to the right."""
    rows = _rows(frame, max_rows)
    head = [str(name) for name in frame.columns]
    width = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    right = _figures(frame, rows)
    lines = [
        "  ".join(
            cell.rjust(width[k]) if right[k] else cell.ljust(width[k]) for k, cell in enumerate(row)
        ).rstrip()
        for row in [head, ["-" * n for n in width], *rows]
    ]
    if len(frame) > max_rows:
        lines.append(f"... {len(frame) - max_rows} more rows")
    return "\n".join(lines)


def text_card(title: str, facts: Mapping[str, object], frame: pd.DataFrame | None = None) -> str:
    """Lay out a result as text: a title, its facts, and perhaps a table."""
    width = max((len(name) for name in facts), default=0)
    lines = [title, *(f"  {name.ljust(width)}  {_cell(value)}" for name, value in facts.items())]
    if frame is not None and len(frame.columns):
        lines.extend(["", text_table(frame)])
    return "\n".join(lines)


def html_table(frame: pd.DataFrame, *, max_rows: int = 20, caption: str | None = None) -> str:
    """Lay a frame out as an HTML table, numbers to the right, everything escaped."""
    rows = _rows(frame, max_rows)
    right = _figures(frame, rows)
    side = [' class="n"' if is_number else "" for is_number in right]
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption>{html.escape(caption)}</caption>")
    names = "".join(f"<th{side[k]}>{html.escape(str(name))}</th>" for k, name in enumerate(frame.columns))
    parts.append(f"<thead><tr>{names}</tr></thead><tbody>")
    for row in rows:
        cells = "".join(f"<td{side[k]}>{html.escape(cell)}</td>" for k, cell in enumerate(row))
        parts.append(f"<tr>{cells}</tr>")
    parts.append("</tbody></table>")
    if len(frame) > max_rows:
        parts.append(f"<p>{len(frame) - max_rows:,} more rows</p>")
    return "".join(parts)


def html_card(
    title: str,
    facts: Mapping[str, object],
    tables: Iterable[tuple[str, pd.DataFrame]] = (),
    *,
    notes: Sequence[str] = (),
) -> str:
    """Lay out a result as an HTML card: a title, its facts, its tables, and notes in words."""
    shown = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(_cell(value))}</dd>" for name, value in facts.items()
    )
    words = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    grids = "".join(html_table(frame, caption=caption) for caption, frame in tables)
    return f'{_STYLE}<div class="so"><h4>{html.escape(title)}</h4><dl>{shown}</dl>{words}{grids}</div>'


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Take the caller's axes, or make new ones of a size in inches."""
    if ax is not None:
        return ax
    pyplot = import_extra("matplotlib.pyplot", "plot")
    made: Axes = pyplot.subplots(figsize=size, layout="constrained")[1]
    return made


def report(title: str, sections: Mapping[str, object]) -> str:
    """Put results, pictures, tables and words on one self-contained HTML page.

    Parameters
    ----------
    title : str
        Heading of the page.
    sections : mapping of str to object
        Heading of each section and what stands under it: a result of this library (anything with
        ``_repr_html_``), a matplotlib Axes or Figure (embedded as PNG), a frame, text, or a list of these.

    Returns
    -------
    str
        A page without scripts and without links to the outside. Writing it to a file is up to the caller.

    Raises
    ------
    InvalidInput
        If a section holds something that cannot be shown.

    Examples
    --------
    >>> import pandas as pd
    >>> won = pd.DataFrame({"rep_id": ["anna"], "won": [7]})
    >>> page = report("Q3 <review>", {"Bookings": ["Deals won by rep.", won]})
    >>> "Q3 &lt;review&gt;" in page and "anna" in page
    True
    """
    faults: list[Problem] = []
    body = "".join(
        f"<h2>{html.escape(heading)}</h2>{_shown(content, f'sections[{k}]', faults)}"
        for k, (heading, content) in enumerate(sections.items())
    )
    if faults:
        raise InvalidInput("report: some sections cannot be shown", faults)
    name = html.escape(title)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_PAGE}</style></head><body><h1>{name}</h1>{body}</body></html>\n"
    )


def _shown(content: Any, path: str, faults: list[Problem]) -> str:
    if isinstance(content, str):
        return f"<pre>{html.escape(content)}</pre>" if "\n" in content else f"<p>{html.escape(content)}</p>"
    if isinstance(content, (list, tuple)):
        return "".join(_shown(part, f"{path}[{k}]", faults) for k, part in enumerate(content))
    if isinstance(content, pd.DataFrame):
        return f'{_STYLE}<div class="so">{html_table(content)}</div>'
    figure = content if hasattr(content, "savefig") else getattr(content, "figure", None)
    if hasattr(figure, "savefig"):
        return _picture(figure)
    if hasattr(content, "_repr_html_"):
        return str(content._repr_html_())
    hint = "pass a result, an Axes or Figure, a frame, text, or a list of these"
    faults.append(Problem(path=path, message="cannot be shown", values=(type(content).__name__,), hint=hint))
    return ""


def _picture(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, bbox_inches="tight", metadata={"Software": None})
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    words = "; ".join(filter(None, (axes.get_title() for axes in figure.get_axes()))) or "picture"
    return f'<img alt="{html.escape(words, quote=True)}" src="data:image/png;base64,{code}">'
