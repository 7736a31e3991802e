"""Ids that only the holder of a key can match."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Hashable

from salesops._faults import refuse
from salesops._frames import to_plain
from salesops._frames.ids import family, scalar

__all__ = ["pseudonym"]

_DIGITS = 32


def pseudonym(person: Hashable, *, key: str | bytes) -> str:
    """Hash an id with a secret key, as :meth:`SocialGraph.pseudonymised` does for all of its people.

    It brings reps, leads and answers under the same pseudonyms as a graph.

    Parameters
    ----------
    person : hashable
        Text, number, date, or a tuple of these. 1, 1.0, True and "1" have four pseudonyms.
    key : str or bytes
        The secret, not empty; text stands for its UTF-8 bytes. It is never repeated in an error.

    Returns
    -------
    str
        32 hexadecimal digits: HMAC with SHA-256 over the type and value of the id, cut to 128 bits.

    Raises
    ------
    InvalidInput
        If the key is empty, or the id cannot be written as JSON.

    References
    ----------
    H. Krawczyk, M. Bellare, R. Canetti (1997), "HMAC: Keyed-Hashing for Message Authentication".

    Examples
    --------
    >>> from salesops.territory import pseudonym
    >>> pseudonym("ann", key="a secret of the company")
    '...'
    """
    if not isinstance(key, (str, bytes)) or not key:
        raise refuse("key", "is text or bytes, and not empty", type(key).__name__)
    secret = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    value = scalar(person)
    written = json.dumps([family(value), *to_plain([value], "person")], sort_keys=True)
    return hmac.new(secret, written.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
