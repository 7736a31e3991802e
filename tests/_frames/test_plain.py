import datetime as dt
import json

import pytest

from salesops._frames import from_plain, to_plain
from salesops.errors import InvalidInput


def test_ids_come_back_through_json_with_their_type():
    labels = ["1", 1, 1.5, True, ("a", 2), dt.date(2024, 1, 31), dt.datetime(2024, 1, 31, 9)]
    back = from_plain(json.loads(json.dumps(to_plain(labels, "people"))))
    assert [(type(value), value) for value in back] == [(type(value), value) for value in labels]


def test_an_id_that_json_cannot_hold_is_refused():
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        to_plain([frozenset({1})], "people")
