"""Text and HTML of results: numbers as people read them, and names that cannot break the page."""

import html.parser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import _display
from salesops.errors import InvalidInput

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a&b</td></table>",
    "'; --",
    "\u202e",
]


class Tags(html.parser.HTMLParser):
    """Collect the tags and attributes that a browser would see, and check that they close."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = set(), set(), [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attributes)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


ALLOWED = {
    *("style", "div", "h1", "h2", "h4", "dl", "dt", "dd", "p", "pre", "table", "caption"),
    *("thead", "tbody", "tr", "th", "td", "code", "img", "html", "head", "title", "meta", "body"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_on_a_card(name):
    frame = pd.DataFrame({name: [name], "n": [1]})
    page = _display.html_card(name, {name: name}, [(name, frame)], notes=[name])
    seen = Tags(page)
    assert seen.tags <= ALLOWED
    assert seen.attributes <= {"class"}
    assert seen.text.count(name) == 7
    assert seen.open == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_in_a_report(name):
    page = _display.report(name, {name: [name, f"{name}\n{name}", pd.DataFrame({name: [name]})]})
    seen = Tags(page)
    assert seen.tags <= ALLOWED
    assert seen.attributes <= {"class", "lang", "charset", "name", "content"}
    assert seen.open == []


@given(st.text(max_size=30), st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_no_text_adds_a_tag(name, cells):
    plain = Tags(_display.html_card("x", {"x": "x"}, [("x", pd.DataFrame({"x": ["x"] * len(cells)}))]))
    seen = Tags(_display.html_card(name, {name: name}, [(name, pd.DataFrame({name: cells}))]))
    assert seen.tags <= plain.tags
    assert seen.attributes <= plain.attributes


def test_a_report_loads_nothing_from_outside():
    page = _display.report("Q3", {"Bookings": pd.DataFrame({"rep_id": ["anna"]})})
    seen = Tags(page)
    assert not seen.tags & {"script", "link", "iframe", "object"}
    assert "http" not in page


def test_a_report_holds_a_picture_as_data():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    axes.set_title('Won & <lost> "deals"')
    page = _display.report("Q3", {"Funnel": axes})
    pyplot.close(figure)
    assert 'src="data:image/png;base64,' in page
    assert 'alt="Won &amp; &lt;lost&gt; &quot;deals&quot;"' in page
    assert Tags(page).open == []


def test_a_report_refuses_what_it_cannot_show_all_at_once():
    with pytest.raises(InvalidInput) as caught:
        _display.report("Q3", {"one": 3, "two": ["fine", object()]})
    assert [problem.path for problem in caught.value.problems] == ["sections[0]", "sections[1][1]"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (0.123456, "0.1235"),
        (1234.5678, "1,235"),
        (12345.678, "12,346"),
        (-0.5, "-0.5"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
    ],
)
def test_a_number_is_written_with_few_digits(value, shown):
    assert _display.number(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.1234, "12.3 %"), (1.0, "100.0 %"), (None, "–"), (np.nan, "–")]
)
def test_a_share_is_written_as_a_percentage(share, shown):
    assert _display.percent(share) == shown


def test_a_text_table_aligns_numbers_to_the_right():
    frame = pd.DataFrame({"rep_id": ["anna", "bo"], "won": [7, 12], "rate": [0.5, None]})
    lines = _display.text_table(frame).splitlines()
    assert lines == ["rep_id  won  rate", "------  ---  ----", "anna      7   0.5", "bo       12     –"]


def test_a_long_table_says_how_many_rows_it_leaves_out():
    frame = pd.DataFrame({"n": range(1_234)})
    assert _display.text_table(frame).endswith("... 1214 more rows")
    assert "1,214 more rows" in _display.html_table(frame)


def test_a_missing_value_is_a_dash_whatever_its_kind():
    frame = pd.DataFrame(
        {
            "text": ["a", None],
            "whole": pd.array([1, None], dtype="Int64"),
            "day": [pd.Timestamp("2024-02-01"), pd.NaT],
            "flag": pd.array([True, None], dtype="boolean"),
        }
    )
    assert _display.text_table(frame).splitlines()[-1].split() == ["–", "–", "–", "–"]


def test_a_day_is_written_without_a_clock():
    frame = pd.DataFrame({"day": [pd.Timestamp("2024-02-01")], "moment": [pd.Timestamp("2024-02-01 08:30")]})
    assert _display.text_table(frame).splitlines()[-1] == "2024-02-01  2024-02-01 08:30:00"


def test_an_empty_frame_shows_its_columns():
    assert _display.text_table(pd.DataFrame({"rep_id": [], "won": []})).splitlines()[0].split() == [
        "rep_id",
        "won",
    ]


def test_a_text_card_lists_its_facts():
    card = _display.text_card("Plan", {"reps": 40, "leads": 7_624, "gap": 0.0123})
    assert card == "Plan\n  reps   40\n  leads  7624\n  gap    0.0123"


def test_amounts_that_are_text_stand_to_the_right_like_numbers():
    frame = pd.DataFrame({"rep_id": ["anna"], "paid": ["1,200.50"], "share": ["4.0 %"], "n": [3]})
    head = _display.html_table(frame)
    assert "<th>rep_id</th>" in head
    assert head.count('<th class="n">') == 3
