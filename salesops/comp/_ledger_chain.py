"""Proof of a ledger: every digest worked out again, and the rules of posting and closing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from salesops.comp._ledger_book import Book, digest_of, step_digest
from salesops.comp._ledger_documents import LedgerStep
from salesops.errors import Problem, show

ORIGIN = hashlib.sha256(b"salesops ledger").hexdigest()
"""The digest of a ledger in which nothing has happened."""


def first_fault(steps: Sequence[LedgerStep], book: Book, head: str) -> Problem | None:
    """Find the first entry or step that is not what was posted; none if all are."""
    return next(_faults(steps, book, head), None)


def _faults(steps: Sequence[LedgerStep], book: Book, head: str) -> Iterator[Problem]:
    digest, done, closed = ORIGIN, 0, set[str]()
    rows, proofs = list(book.rows()), book.digests.tolist()
    posted_in, postings = book["posted_in"].tolist(), book["posting"].tolist()
    known: set[str] = set()
    for k, step in enumerate(steps):
        digest = step_digest(digest, step)
        if digest != step.digest:
            yield _broken(f"$.steps[{k}]", "the step is not what its digest proves", str(step.number))
        known |= {period.name for period in step.periods}
        if step.action == "closed":
            if step.period is None or step.period in closed or step.period not in known:
                message = "a step closes a known period that was open"
                yield _broken(f"$.steps[{k}].period", message, show(step.period))
            closed.add(step.period or "")
        if not done <= step.entries <= len(rows) or (step.action == "closed" and step.entries != done):
            message = "the entries of the steps do not add up"
            yield _broken(f"$.steps[{k}].entries", message, str(step.entries))
        for place in range(done, min(step.entries, len(rows))):
            digest = digest_of(digest, rows[place])
            where = f"$.entries[{place}]"
            if digest != proofs[place]:
                yield _broken(where, "the entry is not what its digest proves", str(place + 1))
            if postings[place] != step.number:
                yield _broken(where, "the entry stands under another step", str(place + 1))
            if posted_in[place] in closed or posted_in[place] not in known:
                yield _broken(where, "the entry is posted in a period that was not open", str(place + 1))
        done = max(done, step.entries)
    if done != len(rows):
        yield _broken(f"$.entries[{done}]", "no step has posted the entry", str(done + 1))
    if digest != head:
        yield _broken("$.digest", "the ledger does not end in its digest", head)


def _broken(path: str, message: str, value: str) -> Problem:
    hint = "what comes before it is proved; restore the ledger from where it was stored"
    return Problem(path=path, message=message, values=(value,), hint=hint)


def holds_digest(steps: Sequence[LedgerStep], book: Book, head: str, known: str) -> bool:
    """Tell whether a digest that was noted earlier is on the chain."""
    return known in (ORIGIN, head) or any(step.digest == known for step in steps) or known in book.digests
