"""Who may own a lead at all: required skills, and columns of leads that must match columns of reps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from salesops._faults import closest, refuse, warn
from salesops._frames import Reader, from_plain, to_plain
from salesops._frames.ids import family, is_missing, objects, scalar
from salesops.errors import Problem, show
from salesops.territory._prices import IntArray
from salesops.territory.inputs import Rows

Mask = npt.NDArray[np.bool_]
Need = tuple[str, str, Hashable]
"""What a lead asks of its owner: column of the leads, column of the reps, and the value."""
_Key = tuple[str, Hashable]

_SHOWN = 3


@attrs.frozen(kw_only=True, eq=False)
class Eligibility:
    """Which reps may own which leads: leads that ask for the same are of one kind.

    Attributes
    ----------
    needs : tuple of (lead column, rep column, value)
        Everything that some lead asks for.
    has : ndarray of bool, shape (n_needs, R)
        Which rep has what is asked for.
    kinds : tuple of tuple of int
        The needs of each kind of lead, positions in `needs`.
    kind : ndarray of shape (n,)
        The kind of each lead.
    near : mapping of int to tuple of str
        What reps have that comes close to a need that none of them meets.
    """

    needs: tuple[Need, ...]
    has: Mask
    kinds: tuple[tuple[int, ...], ...]
    kind: IntArray
    near: Mapping[int, tuple[str, ...]] = attrs.field(factory=dict)

    @classmethod
    def open_to_all(cls, n_leads: int, n_reps: int) -> Self:
        """Let every rep own every lead."""
        nothing = np.ones((0, n_reps), dtype=bool)
        return cls(needs=(), has=nothing, kinds=((),), kind=np.zeros(n_leads, dtype=np.int64))

    @cached_property
    def may(self) -> Mask:
        """Which rep may own leads of which kind, shape (n_kinds, R)."""
        rows = [self.has[list(needs)].all(axis=0) for needs in self.kinds]
        return np.array(rows, dtype=bool).reshape(len(self.kinds), self.has.shape[1])

    def lacking(self, lead: int, rep: int) -> tuple[int, ...]:
        """Give the needs of a lead that a rep does not meet; none if she may own it."""
        return tuple(k for k in self.kinds[self.kind[lead]] if not self.has[k, rep])

    def lacks(self, lead: int, rep: int) -> tuple[str, ...]:
        """Say what a rep lacks to own a lead; nothing if she may."""
        return tuple(map(self.words, self.lacking(lead, rep)))

    def fewest_unmet(self, lead: int) -> list[int]:
        """Give needs of a lead that no rep meets together, none of which can be spared."""
        needs = list(self.kinds[self.kind[lead]])
        for need in needs[::-1]:
            fewer = [k for k in needs if k != need]
            if not self.has[fewer].all(axis=0).any():
                needs = fewer
        return needs

    def unmet(self, lead: int) -> tuple[str, ...]:
        """Say what a lead asks for that no rep has."""
        return tuple(self.words(k) for k in self.kinds[self.kind[lead]] if not self.has[k].any())

    def words(self, need: int) -> str:
        """Name what is asked for: ``skill 'python'``."""
        _, column, value = self.needs[need]
        return f"{'skill' if column == 'skills' else column} {show(value)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the four fields as plain JSON types."""
        return {
            "needs": [
                [of_lead, of_rep, to_plain([value], "needs")[0]] for of_lead, of_rep, value in self.needs
            ],
            "has": self.has.tolist(),
            "kinds": [list(needs) for needs in self.kinds],
            "kind": self.kind.tolist(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], n_reps: int) -> Self:
        """Read what :meth:`to_dict` wrote."""
        values = from_plain([value for _, _, value in document["needs"]])
        columns = [(of_lead, of_rep) for of_lead, of_rep, _ in document["needs"]]
        return cls(
            needs=tuple((*pair, value) for pair, value in zip(columns, values, strict=True)),
            has=np.array(document["has"], dtype=bool).reshape(len(columns), n_reps),
            kinds=tuple(tuple(needs) for needs in document["kinds"]),
            kind=np.array(document["kind"], dtype=np.int64),
        )


def read_match(match: object, faults: list[Problem]) -> dict[str, str]:
    """Read the option `match`: column of the leads to column of the reps."""
    if match is None:
        return {}
    hint = 'write match=("segment",) or match={"language": "languages"}'
    if isinstance(match, str):
        match = (match,)
    if isinstance(match, Mapping):
        pairs = list(match.items())
    elif isinstance(match, Sequence):
        pairs = [(name, name) for name in match]
    else:
        raise refuse("match", "is neither names of columns nor a mapping of them", match, hint=hint)
    wrong = [pair for pair in pairs if not all(isinstance(name, str) and name for name in pair)]
    if wrong:
        values = tuple(f"{show(of_lead)}: {show(of_rep)}" for of_lead, of_rep in wrong)
        faults.append(Problem(path="match", message="names columns by text", values=values, hint=hint))
        return {}
    return dict(pairs)


def read_eligibility(reps: Rows, leads: Rows, match: Mapping[str, str]) -> Eligibility:
    """Read what leads require and what reps have, in label order."""
    asked: list[_Asked] = []
    for of_lead, of_rep in (("requires", "skills"), *match.items()):
        is_many = of_lead == "requires"
        if is_many and not leads.table.has(of_lead):
            continue
        wanted, code = distinct_sets(leads.table, of_lead, is_many=is_many)
        if is_many and not any(wanted):
            continue
        there, whose = distinct_sets(reps.table, of_rep, is_many=True)
        offered = [there[k] for k in reps.column(whose).tolist()]
        asked.append(
            _Asked(of_lead=of_lead, of_rep=of_rep, wanted=wanted, code=leads.column(code), offered=offered)
        )
    if not asked:
        return Eligibility.open_to_all(len(leads.labels), len(reps.labels))
    return _joined(asked, len(reps.labels))


@attrs.frozen(kw_only=True, eq=False)
class _Asked:
    """One column of the leads beside one of the reps: what leads want, what each rep offers."""

    of_lead: str
    of_rep: str
    wanted: list[frozenset[_Key]]
    code: IntArray
    offered: list[frozenset[_Key]]

    @property
    def keys(self) -> list[_Key]:
        """Everything that leads want, in a stated order."""
        return sorted(_union(self.wanted), key=_order)

    def nearest(self, key: _Key) -> tuple[str, ...]:
        """Find what reps offer that comes close to what was asked for."""
        return closest(key[1], [value for _, value in sorted(_union(self.offered), key=_order)])


def _union(sets: list[frozenset[_Key]]) -> frozenset[_Key]:
    nothing: frozenset[_Key] = frozenset()
    return nothing.union(*sets)


def _joined(asked: list[_Asked], n_reps: int) -> Eligibility:
    """List all needs, and the kinds of leads that ask for the same in every column."""
    needs: list[Need] = []
    rows: list[list[bool]] = []
    near: dict[int, tuple[str, ...]] = {}
    place: list[dict[_Key, int]] = []
    for column in asked:
        keys = column.keys
        place.append({key: len(needs) + k for k, key in enumerate(keys)})
        for key in keys:
            row = [key in have for have in column.offered]
            if not any(row) and len(near) < _SHOWN:
                near[len(needs)] = column.nearest(key)
            needs.append((column.of_lead, column.of_rep, key[1]))
            rows.append(row)
    codes = np.stack([column.code for column in asked], axis=1)
    distinct, kind = np.unique(codes, axis=0, return_inverse=True)
    kinds = []
    for row_of in distinct.tolist():
        each = zip(asked, place, row_of, strict=True)
        kinds.append(tuple(sorted(where[key] for column, where, k in each for key in column.wanted[k])))
    return Eligibility(
        needs=tuple(needs),
        has=np.array(rows, dtype=bool).reshape(len(needs), n_reps),
        kinds=tuple(kinds),
        kind=kind.ravel().astype(np.int64),
        near=near,
    )


def warn_unmet(eligibility: Eligibility) -> None:
    """Warn of what leads ask for and no rep has: probably another spelling."""
    unmet = np.flatnonzero(~eligibility.has.any(axis=1)).tolist() if eligibility.has.shape[1] else []
    if not unmet:
        return
    said = []
    for k in unmet[:_SHOWN]:
        near = eligibility.near.get(k, ())
        said.append(eligibility.words(k) + (f" (did you mean {near[0]}?)" if near else ""))
    more = f" and {len(unmet) - _SHOWN} more" if len(unmet) > _SHOWN else ""
    warn(f"leads ask for what no rep has: {', '.join(said)}{more}")


def _order(key: _Key) -> tuple[str, str]:
    return key[0], repr(key[1])


def distinct_sets(table: Reader, column: str, *, is_many: bool) -> tuple[list[frozenset[_Key]], IntArray]:
    """Read a column of collections, or of single values, as codes into distinct sets, in a stable order."""
    cells = table.cells(column)
    if cells is None:
        return [frozenset()], np.zeros(len(table), dtype=np.int64)
    given = objects(cells)
    code_of: dict[frozenset[_Key], int] = {frozenset(): 0}
    codes = np.zeros(len(given), dtype=np.int64)
    wrong: list[int] = []
    seen: dict[str, int] = {}
    for row, cell in enumerate(given):
        if isinstance(cell, str) and cell in seen:
            codes[row] = seen[cell]
            continue
        items = _items(cell, is_many=is_many)
        if items is None:
            wrong.append(row)
            continue
        codes[row] = code_of.setdefault(items, len(code_of))
        if isinstance(cell, str):
            seen[cell] = int(codes[row])
    if is_many:
        message = "is one name or a collection of names, none of them missing or empty"
        hint = "use text, or a list, tuple or set of text; leave the cell empty for nothing"
    else:
        message = "is one value, not a collection"
        hint = "a lead that needs several things lists them in requires"
    table.fault(column, wrong, message, hint=hint)
    ordered = sorted(code_of, key=lambda items: sorted(map(_order, items)))
    rank = np.empty(len(ordered), dtype=np.int64)
    rank[[code_of[items] for items in ordered]] = np.arange(len(ordered))
    return ordered, rank[codes]


def _items(cell: object, *, is_many: bool) -> frozenset[_Key] | None:
    """Read one cell as a set of values with their types; None if it cannot be read."""
    if isinstance(cell, (list, tuple, set, frozenset, np.ndarray)):
        if not is_many:
            return None
        values = [scalar(value) for value in cell]
        return _keys(values)
    if isinstance(cell, Mapping):
        return None
    value: Any = scalar(cell)
    is_blank = is_missing(value) or (isinstance(value, str) and not value.strip())
    return frozenset() if is_blank else _keys([value])


def _keys(values: list[Hashable]) -> frozenset[_Key] | None:
    blank = [is_missing(value) or (isinstance(value, str) and not value.strip()) for value in values]
    try:
        return None if any(blank) else frozenset((family(value), value) for value in values)
    except TypeError:
        return None
