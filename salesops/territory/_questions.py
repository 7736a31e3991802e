"""The questions of a review: the warmest path of each rep to each lead, and what is known of the tie."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops import _display
from salesops._frames import id_column
from salesops._frames.tables import object_column
from salesops.territory import _kernels
from salesops.territory._chains import Chain, chains_between
from salesops.territory._listing import Ties
from salesops.territory.graph import SocialGraph
from salesops.territory.inputs import column_of, read_rows
from salesops.territory.measures import IntroductionPath
from salesops.territory.results import Introduction, Proximity

_IDS = ("rep_id", "lead_id", "source", "target")


def questions(
    prox: Proximity,
    options: IntroductionPath,
    who: tuple[list[Hashable], list[Hashable]],
    nearest: int | None,
    *,
    names: bool,
) -> pd.DataFrame:
    """Lay out one row for each rep and lead; `who` are the people of the reps and of the leads."""
    return _frame(prox.graph, _asked(prox, options, who, nearest, names=names))


def people_of(frame: pd.DataFrame, name: str, key: str) -> list[Hashable]:
    """Name the person who stands for each rep or lead, in label order."""
    rows = read_rows(frame, name, key, [])
    own = [rows.ids.label(int(row)) for row in rows.order]
    if not rows.table.has("person_id"):
        return own
    named = rows.table.ids("person_id", optional=True)
    given = [named.label(int(row)) for row in rows.order]
    return [mine if theirs is None else theirs for mine, theirs in zip(own, given, strict=True)]


@attrs.frozen(kw_only=True, eq=False)
class _Asked:
    """One question: of whom, about which lead, and the tie between which two people."""

    rep: Hashable
    lead: Hashable
    source: Hashable
    target: Hashable
    between: str | None
    path: Introduction
    strength: float


def _asked(
    prox: Proximity,
    options: IntroductionPath,
    who: tuple[list[Hashable], list[Hashable]],
    nearest: int | None,
    *,
    names: bool,
) -> list[_Asked]:
    graph, contacts = prox.graph, prox.contacts
    strength = _kernels.strengths(graph.adjacency, options.transform, options.half_weight)
    chains = chains_between(strength, prox.persons, contacts.person, options.max_hops)
    asked = []
    for k in range(prox.n_leads):
        mine = range(int(contacts.starts[k]), int(contacts.starts[k + 1]))
        found = [_best(chains[r], mine, contacts.weight) for r in range(prox.n_reps)]
        order = sorted(range(prox.n_reps), key=lambda r: (-found[r][0], r))
        known = next((int(contacts.person[c]) for c in mine if contacts.person[c] >= 0), -1)
        for r in sorted(order[:nearest]):
            _, warmth, chain = found[r]
            target = graph.labels[chain[-1]] if chain else graph.labels[known] if known >= 0 else who[1][k]
            between = None
            if names and len(chain) > 2:
                target = graph.labels[chain[1]]
                between = str(target)
            asked.append(
                _Asked(
                    rep=prox.rep_labels[r],
                    lead=prox.lead_labels[k],
                    source=who[0][r],
                    target=target,
                    between=between,
                    path=Introduction(
                        rep_id=prox.rep_labels[r],
                        lead_id=prox.lead_labels[k],
                        strength=warmth,
                        n_between=max(len(chain) - 2, 0) if chain else None,
                        people=tuple(graph.labels[p] for p in chain) if names and chain else None,
                    ),
                    strength=found[r][0],
                )
            )
    return sorted(asked, key=lambda each: (prox.rep_labels.position(each.rep), -each.strength))


def _best(
    chains: list[Chain], mine: range, weight: npt.NDArray[np.float64]
) -> tuple[float, float, list[int]]:
    """Choose the contact with the warmest path, each times its weight."""
    best: tuple[float, float, list[int]] = (0.0, 0.0, [])
    for c in mine:
        warmth, chain = chains[c]
        if warmth * weight[c] > best[0]:
            best = (float(warmth * weight[c]), warmth, chain)
    return best


def _frame(graph: SocialGraph, asked: list[_Asked]) -> pd.DataFrame:
    """Lay the questions out with what is known of each tie."""
    known = _known(graph, asked)
    cells: dict[str, Any] = {
        name: id_column(column_of([getattr(question, name.removesuffix("_id")) for question in asked]))
        for name in _IDS
    }
    cells["path"] = object_column([str(question.path) for question in asked])
    cells["n_between"] = pd.array([question.path.n_between for question in asked], dtype="Int64")
    cells["strength"] = np.array([question.strength for question in asked], dtype=np.float64)
    cells["weight"] = np.array([fact["weight"] for fact in known], dtype=np.float64)
    cells["evidence"] = object_column([_evidence(fact) for fact in known])
    for name in ("kind", "provenance", "status"):
        cells[name] = object_column([fact[name] for fact in known])
    cells["observed_on"] = pd.Series(
        np.array([fact["observed_on"] for fact in known], dtype="datetime64[D]").astype("datetime64[s]")
    )
    cells["question"] = object_column(
        [_question(question, fact) for question, fact in zip(asked, known, strict=True)]
    )
    cells["answer"] = object_column([None] * len(asked))
    cells["by"] = object_column([str(question.rep) for question in asked])
    return pd.DataFrame(cells)


def _known(graph: SocialGraph, asked: list[_Asked]) -> list[dict[str, Any]]:
    """Look up the tie that each question is about: all its kinds together."""
    ties = graph._listed()  # noqa: SLF001  (the list behind the graph)
    n = np.int64(max(graph.n_people, 1))
    one = np.array([graph.labels.position(question.source) for question in asked], dtype=np.int64)
    other = np.array([graph.labels.position(question.target) for question in asked], dtype=np.int64)
    if not graph.is_directed:
        one, other = np.minimum(one, other), np.maximum(one, other)
    key = ties.source.astype(np.int64) * n + ties.target
    wanted = np.where((one < 0) | (other < 0), -1, one * n + other)
    first, last = np.searchsorted(key, wanted, "left"), np.searchsorted(key, wanted, "right")
    return [_facts(ties, slice(a, b)) for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _facts(ties: Ties, rows: slice) -> dict[str, Any]:
    facts: dict[str, Any] = {"weight": np.nan, "observed_on": np.datetime64("NaT", "D"), "status": None}
    for name in ("kind", "provenance"):
        column = ties.about.text(name)
        words = [] if column is None else [word for word in column.words(rows).tolist() if word is not None]
        facts[name] = ", ".join(dict.fromkeys(words)) or None
    if rows.start == rows.stop:
        return facts
    total = float(ties.weight[rows].sum())
    facts["weight"] = total if total > 0 else np.nan
    status = ties.about.text("status")
    said = set() if status is None else {word or "observed" for word in status.words(rows).tolist()}
    facts["status"] = next((word for word in ("denied", "confirmed") if word in said), "observed")
    days = ties.about.days("observed_on")
    if days is not None and not np.isnat(days[rows]).all():
        seen = days[rows]
        facts["observed_on"] = seen[~np.isnat(seen)].max()
    return facts


def _evidence(fact: Mapping[str, Any]) -> str:
    if fact["status"] is None:
        return "none"
    parts = [fact["kind"]] if fact["kind"] else []
    if fact["weight"] == fact["weight"]:
        parts.append(f"weight {_display.number(fact['weight'])}")
    if not np.isnat(fact["observed_on"]):
        parts.append(f"last on {fact['observed_on']}")
    if fact["provenance"]:
        parts.append(f"from {fact['provenance']}")
    if fact["status"] != "observed":
        parts.append(fact["status"])
    return ", ".join(parts)


def _question(question: _Asked, fact: Mapping[str, Any]) -> str:
    if question.path.n_between == 0 and question.source == question.target:
        return "This is you: there is nothing to answer."
    if question.between is not None:
        asked = f"Do you know {question.between}, who could lead you to {question.lead}?"
    elif fact["status"] is not None:
        asked = f"Do you know {question.lead}?"
    elif question.path.n_between:
        return f"Do you know {question.lead} yourself? The graph sees {question.path} in between."
    else:
        return f"Do you know {question.lead}? The graph sees no way there."
    said = {"denied": " So far the answer was no.", "confirmed": " So far the answer was yes."}
    return asked + said.get(fact["status"] or "", "")
