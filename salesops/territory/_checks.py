"""What the fields of a measure must hold: validators that name the class and the field."""

from __future__ import annotations

from typing import Any

import attrs

from salesops._faults import refuse


def path_of(instance: object, attribute: attrs.Attribute[Any]) -> str:
    """Name a field the way a caller wrote it."""
    return f"{type(instance).__name__}.{attribute.name}"


def is_number(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no number; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refuse(path_of(instance, attribute), "is not a number", value)


def is_share(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Refuse a number outside the open interval from 0 to 1."""
    if not 0 < value < 1:
        raise refuse(path_of(instance, attribute), "must be a number between 0 and 1, both excluded", value)


def is_positive(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Refuse 0, negative and infinite numbers, and NaN."""
    if not 0 < value < float("inf"):
        raise refuse(path_of(instance, attribute), "must be a finite number above 0", value)


def is_not_negative(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Refuse negative and infinite numbers, and NaN."""
    if not 0 <= value < float("inf"):
        raise refuse(path_of(instance, attribute), "must be a finite number of 0 or more", value)


def is_flag(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse everything but True and False."""
    if not isinstance(value, bool):
        raise refuse(path_of(instance, attribute), "must be True or False", value)


def is_count(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise refuse(path_of(instance, attribute), "must be a whole number of 1 or more", value)


def is_whole(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no whole number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise refuse(path_of(instance, attribute), "must be a whole number of 0 or more", value)


def is_hop_limit(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is neither None nor a whole number of 1 or more."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        message = "must be a whole number of 1 or more, or None for no limit"
        raise refuse(path_of(instance, attribute), message, value)
