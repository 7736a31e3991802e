"""One plan paid in parts of its reps, by the caller's mapper; the parts put together are the whole."""

from __future__ import annotations

import itertools
from functools import partial
from typing import NamedTuple

import attrs
import numpy as np

from salesops._frames import Ids
from salesops._frames.arrays import is_constant
from salesops._money import IntArray
from salesops._run import Mapper, run
from salesops.comp._desk import Block, Desk, Paid, Reached, Rows, Settled
from salesops.comp._kernels import runs
from salesops.comp._pay import pay
from salesops.comp.rewards import Contest
from salesops.errors import InvalidInput


class Part(NamedTuple):
    """A desk with the seats of some reps, and where its seats and credits stand on the whole one."""

    desk: Desk
    seat: int
    own: int
    team: int
    credit: IntArray


def pay_in_parts(desk: Desk, mapper: Mapper, n_parts: int) -> Paid:
    """Pay the reps of a desk in parts; trouble in any of them is told by paying the whole."""
    parts = _parts(desk, n_parts) if _reps_stand_alone(desk) else []
    if len(parts) < 2:
        return pay(desk)
    try:
        done = run(pay, [part.desk for part in parts], mapper=mapper)
    except InvalidInput:
        return pay(desk)
    if any(paid.trouble is not None for paid in done):
        return pay(desk)
    n_own = len(desk.own.place)
    blocks = [
        _placed(block, part, n_own) for part, paid in zip(parts, done, strict=True) for block in paid.blocks
    ]
    attained = [
        Reached(
            each[0].part,
            np.concatenate([reached.credited for reached in each]),
            np.concatenate([reached.quota for reached in each]),
        )
        for each in zip(*(paid.attained for paid in done), strict=True)
    ]
    settled = Settled(*map(np.concatenate, zip(*(paid.settled for paid in done), strict=True)))
    return Paid(blocks, attained, settled, None)


def _reps_stand_alone(desk: Desk) -> bool:
    """Say whether what a rep earns hangs on no seat of another rep."""
    open_measure = any(getattr(part, "measure", "") is None for part in desk.plan.components)
    ranks = any(isinstance(part, Contest) for part in desk.plan.components)
    return not ranks and not (open_measure and len(desk.measures) > 1)


def _parts(desk: Desk, n_parts: int) -> list[Part]:
    """Cut between reps so that parts have about as many credits each."""
    first = np.flatnonzero(runs(desk.seat_rep))
    before = np.searchsorted(desk.own.seat, first)
    wanted = np.linspace(0, len(desk.own.place), n_parts + 1)[1:-1]
    cuts = first[np.minimum(np.searchsorted(before, wanted), len(first) - 1)] if len(first) else first
    edges = np.unique(np.concatenate([[0], cuts, [desk.n_seats]])).tolist()
    return [_part(desk, low, high) for low, high in itertools.pairwise(edges)]


def _part(desk: Desk, low: int, high: int) -> Part:
    own = np.searchsorted(desk.own.seat, [low, high]).tolist()
    team = np.searchsorted(desk.team.seat, [low, high]).tolist()
    used = np.unique(np.concatenate([desk.own.credit[slice(*own)], desk.team.credit[slice(*team)]]))
    labels = desk.credit_ids.take(used).labels()
    seats = slice(low, high)
    n_own = own[1] - own[0]
    part = attrs.evolve(
        desk,
        seat_rep=desk.seat_rep[seats],
        seat_period=desk.seat_period[seats],
        seat_number=desk.seat_number[seats],
        opening=desk.opening[seats],
        served={name: (mine[seats], whole[seats]) for name, (mine, whole) in desk.served.items()},
        counts=tuple(None if mask is None else mask[used] for mask in desk.counts),
        texts={name: cells[used] for name, cells in desk.texts.items()},
        numbers={name: (value[used], known[used]) for name, (value, known) in desk.numbers.items()},
        ranks=partial(_same, desk.rank[used]),
        stated=desk.stated[used],
        credit_ids=Ids(np.arange(len(used)), labels),
        own=_cut(desk.own, own, low, used, 0),
        team=_cut(desk.team, team, low, used, n_own),
        level=desk.level[slice(*team)],
    )
    return Part(part, low, own[0], team[0], used)


def _same(values: IntArray) -> IntArray:
    return values


def _cut(rows: Rows, ends: list[int], seat: int, used: IntArray, place: int) -> Rows:
    mine = Rows(*(column[slice(*ends)] for column in rows))
    return mine._replace(
        place=place + np.arange(len(mine.place)),
        credit=np.searchsorted(used, mine.credit),
        seat=mine.seat - seat,
    )


def _placed(block: Block, part: Part, n_own: int) -> Block:
    """Bring the lines of a part to where they stand in the whole."""
    n_mine, n_team = len(part.desk.own.place), len(part.desk.team.place)
    block = block._replace(seat=block.seat + part.seat)
    if len(part.credit) and not (is_constant(block.credit) and int(block.credit[0]) < 0):
        credit = np.where(block.credit < 0, -1, part.credit[np.maximum(block.credit, 0)])
        block = block._replace(credit=credit)
    if is_constant(block.order) and int(block.order[0]) >= n_mine + n_team:
        return block
    of_team = block.order - n_mine + n_own + part.team
    order = np.where(block.order < n_mine, block.order + part.own, of_team)
    return block._replace(order=np.where(block.order < n_mine + n_team, order, block.order))
