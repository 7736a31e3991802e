"""The one exception tree, and ``Problem``: one fault with all its rows.

Every verb of the library collects the faults of its input and raises them together, so that a form, a
notebook or a service can show all of them at once. A sentence (``message``, ``hint``) states the rule and
never repeats data; what was found stands beside it in ``rows``, ``ids``, ``values`` and ``suggestions``.
That split is what makes :meth:`SalesOpsError.redacted` safe.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Self

import attrs
import numpy as np

__all__ = [
    "Infeasible",
    "InternalError",
    "InvalidInput",
    "MissingExtra",
    "NotConverged",
    "Problem",
    "SalesOpsError",
    "SalesOpsWarning",
]

_ROWS_SHOWN = 5
_PROBLEMS_SHOWN = 12
_VALUE_WIDTH = 80
_MESSAGE_WIDTH = 3800


def show(value: object) -> str:
    """Show a value as Python would write it: numpy scalars as plain ones, long ones cut."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 8 * _VALUE_WIDTH:
        return f"an integer of about {value.bit_length() * 30103 // 100000 + 1} digits"
    if isinstance(value, (str, bytes)) and len(value) > _VALUE_WIDTH:
        return f"{value[: _VALUE_WIDTH - 20]!r}... ({len(value)} long)"
    text = repr(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _VALUE_WIDTH else text[: _VALUE_WIDTH - 3] + "..."


def _plain_labels(labels: Iterable[Hashable]) -> tuple[Hashable, ...]:
    """Turn numpy scalars into the plain Python values they stand for."""
    return tuple(label.item() if isinstance(label, np.generic) else label for label in labels)


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


@attrs.frozen(kw_only=True)
class Problem:
    """One fault of the input, with every row it stands in.

    Parameters
    ----------
    path : str
        Where: a table column (``"credits.amount"``), a document path (``"$.tiers[2].rate"``) or an argument.
    message : str
        The rule that was broken, as a sentence without data.
    rows : tuple of hashable, optional
        Labels of all offending rows, in row order.
    ids : tuple of str, optional
        Who stands in those rows (``credit_id`` and the like), beside `rows`.
    values : tuple of str, optional
        What was found, as Python would write it (``"'3'"`` is text, ``"3"`` is a number), beside `rows`.
    hint : str, optional
        What to do about it.
    suggestions : tuple of str, optional
        Names that come close to the ones that were not found ("did you mean").

    Examples
    --------
    >>> Problem(path="ties.weight", message="a weight is 0 or more", rows=(3,), values=("-0.5",))
    Problem(path='ties.weight', message='a weight is 0 or more', rows=(3,), values=('-0.5',))
    """

    path: str
    message: str
    rows: tuple[Hashable, ...] = attrs.field(default=(), converter=_plain_labels)
    ids: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    values: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    hint: str | None = None
    suggestions: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    def __repr__(self) -> str:
        """Show the fields that are set, long ones cut."""
        parts = []
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if isinstance(value, tuple) and len(value) > _ROWS_SHOWN:
                shown = ", ".join(repr(item) for item in value[:_ROWS_SHOWN])
                parts.append(f"{field.name}=({shown}, ... {len(value)} in all)")
            else:
                parts.append(f"{field.name}={value!r}")
        return f"Problem({', '.join(parts)})"

    def to_dict(self, *, redact: bool = False) -> dict[str, Any]:
        """Return the fault as plain JSON types.

        Parameters
        ----------
        redact : bool, default False
            True leaves out identifiers and values and keeps position and rule.

        Returns
        -------
        dict

        Examples
        --------
        >>> fault = Problem(path="reps.capacity", message="0 or more", rows=(1,), values=("-1",))
        >>> fault.to_dict(redact=True)
        {'path': 'reps.capacity', 'message': '0 or more', 'rows': [1], 'hint': None}
        """
        rows = [row if isinstance(row, (int, str)) else show(row) for row in self.rows]
        if redact:
            rows = [row for row in rows if not isinstance(row, str)]
            return {"path": self.path, "message": self.message, "rows": rows, "hint": self.hint}
        return {
            "path": self.path,
            "message": self.message,
            "rows": rows,
            "ids": list(self.ids),
            "values": list(self.values),
            "hint": self.hint,
            "suggestions": list(self.suggestions),
        }

    def sentence(self, *, redact: bool = False) -> str:
        """Say the fault in one line: what is wrong, where, what to do.

        Parameters
        ----------
        redact : bool, default False
            True leaves out identifiers and values and keeps position and rule.

        Returns
        -------
        str

        Examples
        --------
        >>> fault = Problem(path="ties.weight", message="a weight is 0 or more", rows=(3,), values=("-0.5",))
        >>> print(fault.sentence())
        ties.weight: a weight is 0 or more (row 3: -0.5)
        """
        text = f"{self.path}: {self.message}" if self.path else self.message
        found = self._found(redact=redact)
        if found:
            text += f" ({found})"
        if self.hint:
            text += f"; {self.hint}"
        if self.suggestions and not redact:
            text += f"; did you mean {' or '.join(self.suggestions)}?"
        return text

    def _found(self, *, redact: bool) -> str:
        if not self.rows:
            return "" if redact else ", ".join((*self.ids, *self.values)[: 2 * _ROWS_SHOWN])
        shown = []
        for k, row in enumerate(self.rows[:_ROWS_SHOWN]):
            label = f"row {row}" if isinstance(row, int) else f"row {row!r}"
            if redact:
                shown.append(label if isinstance(row, int) else "a row with a name of its own")
                continue
            owner = f" ({self.ids[k]})" if k < len(self.ids) else ""
            value = f": {self.values[k]}" if k < len(self.values) else ""
            shown.append(label + owner + value)
        text = ", ".join(shown)
        more = len(self.rows) - _ROWS_SHOWN
        return f"{len(self.rows)} rows: {text}, and {more} more" if more > 0 else text


class SalesOpsError(Exception):
    """Base of everything the library raises on purpose.

    Parameters
    ----------
    message : str
        One sentence that names the occasion ("ties: 2 problems").
    problems : sequence of Problem, optional
        Every fault, with all its rows. Kept whole; only the first few are printed.

    Examples
    --------
    >>> SalesOpsError("nothing to do").problems
    ()
    """

    def __init__(self, message: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, tuple(problems))

    @property
    def message(self) -> str:
        """The sentence that names the occasion."""
        return str(self.args[0])

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every fault, with all its rows."""
        problems: tuple[Problem, ...] = self.args[1]
        return problems

    def __str__(self) -> str:
        return self._text(redact=False)

    def _text(self, *, redact: bool) -> str:
        lines = [self.message] if self.message else []
        room = _MESSAGE_WIDTH
        shown = 0
        for problem in self.problems[:_PROBLEMS_SHOWN]:
            line = f"- {problem.sentence(redact=redact)}"
            room -= len(line)
            if room < 0 and shown:
                break
            lines.append(line[:_MESSAGE_WIDTH])
            shown += 1
        if len(self.problems) > shown:
            lines.append(f"- and {len(self.problems) - shown} more problems; all are in .problems")
        return "\n".join(lines)

    def redacted(self) -> Self:
        """Return the same error without identifiers and values, fit for a log that strangers read.

        Returns
        -------
        SalesOpsError
            Of the same kind; its problems keep path, rule, row numbers and hint only.

        Examples
        --------
        >>> fault = Problem(path="history", message="closed before it was created", rows=(0,), ids=("'o1'",))
        >>> print(InvalidInput("history: 1 problem", [fault]).redacted())
        history: 1 problem
        - history: closed before it was created (row 0)
        """
        bare = [
            Problem(
                path=problem.path,
                message=problem.message,
                rows=tuple(row for row in problem.rows if isinstance(row, int)),
                hint=problem.hint,
            )
            for problem in self.problems
        ]
        return type(self)(self._bare_message(), bare)

    def _bare_message(self) -> str:
        """Take the ids that the problems name out of the sentence that names the occasion."""
        text = self.message
        for name in sorted(
            {name for problem in self.problems for name in problem.ids}, key=len, reverse=True
        ):
            text = text.replace(name, "…")
        return text

    def to_dict(self, *, redact: bool = False) -> dict[str, Any]:
        """Return the error as plain JSON types: the body of a 422 or 409 answer.

        Parameters
        ----------
        redact : bool, default False
            True leaves out identifiers and values.

        Returns
        -------
        dict
            ``kind``, ``message`` and ``problems``.

        Examples
        --------
        >>> InvalidInput("plan: 1 problem", [Problem(path="$.cap", message="not below 0")]).to_dict(
        ...     redact=True
        ... )["problems"]
        [{'path': '$.cap', 'message': 'not below 0', 'rows': [], 'hint': None}]
        """
        return {
            "kind": type(self).__name__,
            "message": self._bare_message() if redact else self.message,
            "problems": [problem.to_dict(redact=redact) for problem in self.problems],
        }


class InvalidInput(SalesOpsError, ValueError):
    """The input contradicts itself or the rules; ``.problems`` names every fault.

    Examples
    --------
    >>> fault = Problem(path="reps.capacity", message="0 or more", rows=(1,), values=("-1",))
    >>> raise InvalidInput("reps: 1 problem", [fault])
    Traceback (most recent call last):
    salesops.errors.InvalidInput: reps: 1 problem
    - reps.capacity: 0 or more (row 1: -1)
    """


class Infeasible(SalesOpsError):
    """Every input is fine alone, and no solution satisfies all of it.

    ``.problems`` is the conflict: the smallest set of constraints that could be found such that dropping any
    one of them leaves a solvable problem.

    Examples
    --------
    >>> str(Infeasible("capacity 3, demand 5, short by 2"))
    'capacity 3, demand 5, short by 2'
    """


class NotConverged(SalesOpsError):
    """An iteration stopped at its limit before it reached the tolerance that was asked for.

    Examples
    --------
    >>> str(NotConverged("residual 2e-4 after 200 steps, 1e-6 was asked for"))
    'residual 2e-4 after 200 steps, 1e-6 was asked for'
    """


class MissingExtra(SalesOpsError, ImportError):
    """An optional package is not installed; the message is the line to type.

    Examples
    --------
    >>> str(MissingExtra('matplotlib is not installed; type: pip install "salesops[plot]"'))
    'matplotlib is not installed; type: pip install "salesops[plot]"'
    """


class InternalError(SalesOpsError):
    """An invariant of ours broke: a defect to report, raised instead of returning a wrong figure.

    Examples
    --------
    >>> issubclass(InternalError, SalesOpsError)
    True
    """


class SalesOpsWarning(UserWarning):
    """Something is legal and probably not meant.

    Examples
    --------
    >>> issubclass(SalesOpsWarning, UserWarning)
    True
    """
