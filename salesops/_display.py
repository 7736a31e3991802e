"""Text and HTML of results, without dependencies; every name that comes from data is escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

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
    "white-space:nowrap}.so th{color:#4a5866;font-weight:600}"
    ".so td.n,.so th.n{text-align:right;font-variant-numeric:tabular-nums}</style>"
)


def number(value: float, digits: int = 4) -> str:
    """Write a number the way a table shows it: few digits, thousands apart, no trailing noise."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


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


def _numeric(frame: pd.DataFrame) -> list[bool]:
    return [
        pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in frame.dtypes
    ]


def _rows(frame: pd.DataFrame, max_rows: int) -> list[list[str]]:
    columns = [frame[name].head(max_rows).tolist() for name in frame.columns]
    return [[_cell(value) for value in row] for row in zip(*columns, strict=True)]


def text_table(frame: pd.DataFrame, *, max_rows: int = 20) -> str:
    """Lay a frame out as aligned text, numbers to the right."""
    rows = _rows(frame, max_rows)
    head = [str(name) for name in frame.columns]
    width = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    right = _numeric(frame)
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
    right = _numeric(frame)
    side = [' class="n"' if is_number else "" for is_number in right]
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption>{html.escape(caption)}</caption>")
    names = "".join(f"<th{side[k]}>{html.escape(str(name))}</th>" for k, name in enumerate(frame.columns))
    parts.append(f"<thead><tr>{names}</tr></thead><tbody>")
    for row in _rows(frame, max_rows):
        cells = "".join(f"<td{side[k]}>{html.escape(cell)}</td>" for k, cell in enumerate(row))
        parts.append(f"<tr>{cells}</tr>")
    parts.append("</tbody></table>")
    if len(frame) > max_rows:
        parts.append(f"<p>{len(frame) - max_rows:,} more rows in <code>to_frame()</code></p>")
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
