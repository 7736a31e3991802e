"""Order of rows, hash seed and kind of id never change a plan."""

import os
import subprocess
import sys

import pytest

_SCRIPT = """
import datetime as dt, decimal, enum, fractions, hashlib, itertools, os, uuid
import pandas as pd
from salesops.territory import assign

class Tier(enum.Enum):
    GOLD = 1
    SILVER = 2
    LEAD = 3
    IRON = 4

kinds = {
    "int": [3, 1, 2, 4],
    "str": ["b", "a", "d", "c"],
    "float": [1.5, 2.5, 3.5, 0.5],
    "bool": [True, False],
    "tuple": [("a", 1), ("a", "x"), ("b", 1), (1,)],
    "frozenset": [frozenset("ab"), frozenset("cd"), frozenset("a"), frozenset("abcdef")],
    "tuple of sets": [(frozenset("ab"),), (frozenset("cd"),), (frozenset("a"),), (frozenset("xyz"),)],
    "bytes": [b"a", b"b", b"c", b"\\xff"],
    "Timestamp": list(pd.date_range("2024-01-01", periods=4)),
    "date": [dt.date(2024, 1, day) for day in (3, 1, 2, 4)],
    "Decimal": [decimal.Decimal(text) for text in ("1", "2.5", "3", "10")],
    "Fraction": [fractions.Fraction(text) for text in ("1/2", "1/3", "2", "5")],
    "Enum": list(Tier),
    "UUID": [uuid.UUID(int=number) for number in (5, 3, 9, 1)],
    "mixed": [1, "1", ("1",), b"1"],
}
unsalted = {"int", "float", "bool", "Decimal", "Fraction", "UUID"}  # their hash hangs on no seed
for name, ids in kinds.items():
    if name in unsalted and int(os.environ["PYTHONHASHSEED"]) > 1:
        continue
    told = set()
    for order in itertools.islice(itertools.permutations(ids), 0, 24, 3):
        reps = [{"rep_id": label, "capacity": 2, "skills": {"x", "y", "z"}} for label in order[::-1]]
        leads = [{"lead_id": label, "requires": ["z", "x"]} for label in order]
        equal = [{"rep_id": rep, "lead_id": lead, "score": 1} for rep in order for lead in ids]
        plan = assign(reps, leads, score=equal, locked=[{"lead_id": ids[0], "rep_id": ids[-1]}])
        told.add((plan.input_digest, plan.owner.tobytes()))
    print(name, len(told), hashlib.sha256(repr(sorted(told)).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def answers():
    """What sixteen hash seeds say of equal scores in eight orders of rows, by kind of id."""
    running = []
    told: dict[str, set[str]] = {}
    for seed in range(16):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", _SCRIPT], stdout=subprocess.PIPE, text=True, env=environment
            )
        )
        if len(running) == 2:
            for process in running:
                for line in process.communicate()[0].splitlines():
                    name, answer = line.rsplit(" ", 2)[0], line.rsplit(" ", 2)[1:]
                    told.setdefault(name, set()).add(" ".join(answer))
            running = []
    return told


def test_one_digest_over_sixteen_hash_seeds_and_eight_permutations(answers):
    for said in answers.values():
        assert len(said) == 1
        assert next(iter(said)).startswith("1 ")


def test_leads_and_reps_have_ids_of_every_hashable_kind(answers):
    assert len(answers) == 15
