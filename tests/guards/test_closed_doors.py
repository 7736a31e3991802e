"""Every docstring example, with all doors to the outside shut and assertions off.

One run in a fresh interpreter covers four promises: no network, process or file for writing is opened; the
global generators of numpy and of Python are neither used nor moved; results do not hang on ``assert``
(``python -O``); and nothing is printed or warned of but what the example shows.
"""


def test_every_example_runs_with_the_doors_shut_and_assertions_off(shut_run):
    assert not shut_run["asserts"]
    assert shut_run["opened"] == []
    assert shut_run["report"] == ""
    assert not shut_run["moved"]
    assert shut_run["tried"] > 20
