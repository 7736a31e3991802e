"""From hazards and past wins to one blended outlook, and from it to the distribution of every unit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from salesops._frames import id_column
from salesops.forecast import _structure
from salesops.forecast._arrays import label_column
from salesops.forecast._asked import check_open
from salesops.forecast._blend import Blend
from salesops.forecast._panel import Panel
from salesops.forecast._structure import Hazards
from salesops.forecast._sums import Draws, Sum
from salesops.forecast._wins import Amounts, Wins, learn_amounts, win_rates
from salesops.forecast.distribution import Distribution

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_KEPT = 256
_POINTS = 1 << 12


@attrs.frozen(kw_only=True, eq=False)
class Outlook:
    """Open deals with their chances, and wins to come from elsewhere, by unit and segment."""

    rows: Ints
    p: Floats
    p_structure: Floats
    unit: Ints
    segment: Ints
    amount: Floats
    known: npt.NDArray[np.bool_]
    new: Floats
    past: Floats
    amounts: Amounts

    @property
    def deal_means(self) -> Floats:
        return np.bincount(self.unit, weights=self.p * self.amount, minlength=len(self.new)).astype(float)

    @property
    def new_means(self) -> Floats:
        return np.asarray((self.new * self.amounts.means).sum(axis=1))

    @property
    def structure_means(self) -> Floats:
        return np.asarray(self.deal_means + self.new_means)

    @property
    def wins_means(self) -> Floats:
        return np.asarray((self.past * self.amounts.means).sum(axis=1))

    @property
    def variances(self) -> Floats:
        """Variance of each unit if deals were independent."""
        square = np.array([draws.square for draws in self.amounts.draws])
        own = self.amount**2
        unknown = ~self.known
        scale = self.amounts.factor[self.unit[unknown]] ** 2
        own[unknown] = square[self.segment[unknown]] * scale
        deals = self.p * own - (self.p * self.amount) ** 2
        new = (self.new * square[None, :]).sum(axis=1) * self.amounts.factor**2
        return np.asarray(np.bincount(self.unit, weights=deals, minlength=len(self.new)) + new)

    def only(self, wanted: Sequence[Hashable] | None, panel: Panel) -> Outlook:
        """Keep the deals that are asked for."""
        if wanted is None:
            return self
        place = {panel.deals[d]: k for k, d in enumerate(panel.deal[self.rows].tolist())}
        check_open(wanted, place)
        kept = np.array(sorted({place[name] for name in wanted}), dtype=np.int64)
        fields = ("rows", "p", "p_structure", "unit", "segment", "amount", "known")
        return attrs.evolve(self, **{name: getattr(self, name)[kept] for name in fields})


def look(panel: Panel, wins: Wins, hazards: Hazards, origin: int, horizon: int) -> Outlook:
    """Look ahead from a day, with what was known on it."""
    creation = _structure.creation_of(panel, origin, horizon)
    seen = _structure.project(panel, hazards, origin, horizon, creation)
    past = wins.up_to(origin)
    amounts = learn_amounts(past, len(panel.units), len(panel.segments))
    unit, segment = panel.unit[seen.rows], panel.segment[seen.rows]
    stated = panel.amount[seen.rows]
    known = ~np.isnan(stated)
    amount = np.where(known, stated, amounts.means[unit, segment])
    return Outlook(
        rows=seen.rows,
        p=seen.p,
        p_structure=seen.p,
        unit=unit,
        segment=segment,
        amount=amount,
        known=known,
        new=seen.new,
        past=win_rates(wins, panel, origin, horizon),
        amounts=amounts,
    )


def blended(outlook: Outlook, blend: Blend) -> Outlook:
    """Make each unit's mean the weighted mean of structure and past wins.

    Deals keep their chances if they can: what the listed deals cannot account for becomes wins from
    elsewhere; if they account for more than the mean, their chances are lowered.
    """
    means = outlook.amounts.means
    structure = blend.open * outlook.deal_means + outlook.new_means
    target = blend.weight * structure + (1.0 - blend.weight) * outlook.wins_means
    p = np.minimum(outlook.p * blend.open, 1.0)
    deals = np.bincount(outlook.unit, weights=p * outlook.amount, minlength=len(target))
    least = np.minimum(blend.weight * outlook.new_means, 0.9 * target)
    new_mean = np.maximum(target - deals, least)
    factor = np.divide(
        target - new_mean, deals, out=np.ones(len(target)), where=(deals > 0) & (deals > target - new_mean)
    )
    mix = blend.weight * outlook.new + (1.0 - blend.weight) * outlook.past + 1e-12
    mix_mean = (mix * means).sum(axis=1)
    scale = np.divide(new_mean, mix_mean, out=np.zeros(len(target)), where=mix_mean > 0)
    return attrs.evolve(outlook, p=p * np.minimum(factor, 1.0)[outlook.unit], new=mix * scale[:, None])


def distributions(panel: Panel, outlook: Outlook, blend: Blend) -> dict[tuple[str, Hashable], Distribution]:
    """Make the distribution of the company and of each unit of each level, from the same parts."""
    everyone = np.arange(len(panel.units))
    laws: dict[tuple[str, Hashable], Distribution] = {
        ("company", None): _law(panel, outlook, everyone, blend.shock)
    }
    for depth, level in enumerate(panel.levels):
        labels = [unit[depth] for unit in panel.units]
        groups: dict[Hashable, list[int]] = {}
        for k, label in enumerate(labels):
            groups.setdefault(label, []).append(k)
        is_lowest = len(groups) == len(panel.units) and len(groups) > 1
        shock = blend.unit_shock if is_lowest else 0.5 * (blend.shock + blend.unit_shock)
        for label, members in groups.items():
            laws[level, label] = _law(panel, outlook, np.array(members), shock)
    return laws


def _law(panel: Panel, outlook: Outlook, units: Ints, shock: float) -> Distribution:
    mine = np.flatnonzero(np.isin(outlook.unit, units))
    sure = mine[outlook.known[mine]]
    guess = mine[~outlook.known[mine]]
    groups = []
    for unit, segment in sorted(
        {(u, g) for u, g in zip(outlook.unit[guess], outlook.segment[guess], strict=True)}
    ):
        same = guess[(outlook.unit[guess] == unit) & (outlook.segment[guess] == segment)]
        groups.append(
            (outlook.p[same], _scaled(outlook.amounts.draws[segment], outlook.amounts.factor[unit]))
        )
    new = outlook.new[units]
    rate = float(new.sum())
    parts = Sum(
        p=outlook.p[sure],
        a=outlook.amount[sure],
        groups=_merged(groups),
        new=(rate, _pooled(new, units, outlook.amounts)) if rate > 0 else None,
        points=_POINTS,
    )
    names = tuple(panel.deals[d] for d in panel.deal[outlook.rows[sure]].tolist())
    return Distribution(parts=parts, shock=shock, deals=names)


def _scaled(draws: Draws, factor: float) -> Draws:
    return attrs.evolve(draws, values=draws.values * factor)


def _merged(groups: list[tuple[Floats, Draws]]) -> tuple[tuple[Floats, Draws], ...]:
    """Keep groups apart while they are few; else let them share what they draw from."""
    if len(groups) <= 4:
        return tuple(groups)
    chance = np.concatenate([p for p, _ in groups])
    weight = np.array([float(p.sum()) for p, _ in groups])
    total = max(float(weight.sum()), 1e-300)
    values = np.concatenate([draws.values for _, draws in groups])
    weights = np.concatenate(
        [draws.weights * w / total for (_, draws), w in zip(groups, weight, strict=True)]
    )
    return ((chance, thin(values, weights)),)


def _pooled(new: Floats, units: Ints, amounts: Amounts) -> Draws:
    """Mix what new wins bring over units and segments."""
    values, weights = [], []
    total = float(new.sum())
    for k, unit in enumerate(units.tolist()):
        for g, draws in enumerate(amounts.draws):
            if new[k, g] > 1e-9 * total:
                values.append(draws.values * amounts.factor[unit])
                weights.append(draws.weights * new[k, g] / total)
    return thin(np.concatenate(values), np.concatenate(weights))


def thin(values: Floats, weights: Floats) -> Draws:
    """Put neighbours together until a few hundred values are left; the mean stays."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order] / weights.sum()
    if len(values) > _KEPT:
        share = np.cumsum(weights) - weights / 2
        heavy = np.cumsum(weights * values)
        heavy = heavy / max(float(heavy[-1]), 1e-300)
        group = np.floor((share + heavy) / 2 * _KEPT).astype(np.int64)
        _, group = np.unique(group, return_inverse=True)
        whole = np.bincount(group, weights=weights).astype(np.float64)
        values, weights = np.bincount(group, weights=weights * values) / whole, whole
    return Draws(values=values, weights=weights)


def deal_table(panel: Panel, outlook: Outlook) -> pd.DataFrame:
    """One row for each open deal: its units, amount, chance and mean."""
    rows = outlook.rows
    table = pd.DataFrame(
        {"deal_id": id_column(_objects([panel.deals[d] for d in panel.deal[rows].tolist()]))}
    )
    for depth, level in enumerate(panel.levels):
        table[level] = label_column([panel.units[u][depth] for u in outlook.unit.tolist()])
    table["stage"] = [panel.stages[s] for s in panel.state[rows].tolist()]
    table["days_in_stage"] = panel.as_of - panel.entered[rows]
    table["amount"] = outlook.amount
    table["amount_known"] = outlook.known
    table["probability"] = outlook.p
    table["before_recalibration"] = outlook.p_structure
    table["mean"] = outlook.p * outlook.amount
    table["reason"] = [
        f"stage {stage} for {days} days" + ("" if known else "; amount not known, mean of past wins")
        for stage, days, known in zip(
            table["stage"].tolist(),
            table["days_in_stage"].tolist(),
            outlook.known.tolist(),
            strict=True,
        )
    ]
    return table


def commit_table(panel: Panel, hazards: Hazards) -> pd.DataFrame:
    """Show what a rep's word was worth: of ended deals, how many were won when committed and when not."""
    before = np.flatnonzero((panel.moves_to >= panel.n_stages) & panel.is_open)
    rows = []
    effects = hazards.win.effects
    for unit, labels in enumerate(panel.units):
        for said, word in ((1, "committed"), (0, "not committed")):
            mine = before[(panel.unit[before] == unit) & (panel.commit[before] == said)]
            if not len(mine) or "said" not in effects:
                continue
            own = effects["said"][(said + 1) * len(panel.units) + unit]
            won = int((panel.moves_to[mine] == panel.n_stages).sum())
            rows.append([*labels, word, len(mine), won, won / len(mine), effects["commit"][said + 1] * own])
    return pd.DataFrame(rows, columns=[*panel.levels, "said", "n", "won", "share_won", "effect"])


def closed_table(panel: Panel) -> pd.DataFrame:
    """One row for each deal that has ended: how, when, for what amount."""
    rows = panel.standing(panel.as_of)
    rows = rows[panel.state[rows] >= panel.n_stages]
    return pd.DataFrame(
        {
            "deal_id": id_column(_objects([panel.deals[d] for d in panel.deal[rows].tolist()])),
            "outcome": np.where(panel.state[rows] == panel.n_stages, "won", "lost"),
            "closed_on": panel.day[rows].astype("datetime64[D]").astype("datetime64[s]"),
            "amount": panel.amount[rows],
        }
    )


def _objects(values: list[Hashable]) -> npt.NDArray[np.object_]:
    cells = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        cells[k] = value
    return cells
