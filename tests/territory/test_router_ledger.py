"""What a router has counted: found by id, in order, and shared by all that came of it."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from salesops.territory._ledger import Entry, Ledger


def entry(place):
    return Entry(place, SimpleNamespace(lead_id=place), (1.0,), None)


@given(st.lists(st.one_of(st.integers(), st.text(), st.tuples(st.text(), st.integers())), unique=True))
def test_a_ledger_answers_like_a_dict_and_goes_in_order(keys):
    ledger, known = Ledger(), {}
    for place, key in enumerate(keys):
        assert ledger.get(key) is None
        known[key] = entry(place)
        ledger = ledger.including(key, known[key])
    assert all(ledger.get(key) is known[key] for key in keys)
    assert list(ledger) == list(known.values())


def test_a_ledger_is_a_value_and_shares_all_but_one_box():
    one = Ledger().including("a", entry(0))
    two = one.including("b", entry(1))
    assert one.get("b") is None
    assert sum(was is not now for was, now in zip(one.shelves, two.shelves, strict=True)) == 1


def test_keys_of_one_box_do_not_hide_each_other():
    ledger = Ledger()
    for place in range(5):
        ledger = ledger.including(place << 12, entry(place))
    assert [ledger.get(place << 12).place for place in range(5)] == list(range(5))
