"""Why a line pays what it pays: a sentence, and the same as facts, from what the run has stored."""

from __future__ import annotations

import html
from typing import Any

import attrs

from salesops.comp._line import line_at
from salesops.comp._lines import Lines, Names
from salesops.comp._proof import proof_of
from salesops.comp._sentences import sentence_of

__all__ = ["Explanation"]


@attrs.frozen(kw_only=True, repr=False)
class Explanation:
    """One line in words and as facts.

    Parameters
    ----------
    line_id : int
    text : str
        What ``print`` shows.
    facts : dict
        Plain JSON types. Amounts with a fraction are exact text in major units; ``amount`` is minor units.

    Examples
    --------
    >>> Explanation(line_id=0, text="500.00 at 10 % = 50.00.", facts={"amount": 5000})
    500.00 at 10 % = 50.00.
    """

    line_id: int
    text: str
    facts: dict[str, Any] = attrs.field(hash=False)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"

    def to_dict(self) -> dict[str, Any]:
        """Return the facts and the sentence as plain JSON types.

        Returns
        -------
        dict

        Examples
        --------
        >>> Explanation(line_id=0, text="500.00 at 10 % = 50.00.", facts={"amount": 5000}).to_dict()
        {'amount': 5000, 'text': '500.00 at 10 % = 50.00.'}
        """
        return {**self.facts, "text": self.text}


def explain_line(lines: Lines, names: Names, k: int) -> Explanation:
    """Explain one line."""
    line = line_at(lines, names, k)
    return Explanation(line_id=k, text=sentence_of(line), facts={"line_id": k, **proof_of(line)})
