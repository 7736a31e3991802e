"""What a newcomer reads who made one mistake."""

import pytest

from salesops.errors import InvalidInput


def told(ask):
    """Give the one line under the head of the one error that a call raises."""
    with pytest.raises(InvalidInput) as caught:
        ask()
    head, *lines = str(caught.value).split("\n")
    assert head.endswith(": 1 problem")
    (line,) = lines
    return line.removeprefix("- ")
