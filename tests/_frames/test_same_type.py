import pandas as pd

from salesops._frames import Labels, check_same_type
from salesops._frames.ids import factorize


def ids(*values):
    return factorize(pd.Series(list(values), dtype=object))[0]


def test_text_that_equals_a_number_is_refused_even_among_mixed_ids():
    faults = []
    check_same_type(faults, "leads.person_id", ids("101"), Labels.of(ids("r1", 101)), "the graph", [0])
    assert [fault.values for fault in faults] == [("'101' (str), there 101 (int)",)]


def test_an_unknown_id_of_a_known_kind_passes():
    faults = []
    check_same_type(faults, "leads.person_id", ids("stranger"), Labels.of(ids("r1", 101)), "the graph", [0])
    assert faults == []
