"""Classes as documents: an attrs class, a dict, a JSON text and a JSON Schema that cannot drift apart.

A class of values inherits `Model`::

    @attrs.frozen(kw_only=True)
    class Tier(Model):
        "One step of a rate table."

        start: Decimal = attrs.field(metadata=about("Where the step begins", name="from", minimum=0))
        rate: Fraction = attrs.field(metadata=about("What is paid on it", minimum=0))

and is checked once, where it is born: by its constructor (``Tier(start="0", rate="0.05")``) or by
``from_dict`` and ``from_json``. Either way every fault is found before one `InvalidInput` names them all.

**Types of fields.** str, int, bool, finite float, Decimal (exact amounts), Fraction (exact rates),
datetime.date, Hashable (ids), Literal of texts, ``T | None`` (default None), ``tuple[T, ...]``,
``Mapping[str, T]``, another Model, and a union of Models, each with a ``kind: ClassVar`` that the document
carries. No field is a binary float unless it says float. Fields are public names without converters or
validators of their own; their descriptions become the Parameters section of the class and its schema.

**What a class may say** (all optional)

- ``schema_version: ClassVar[int]``: its documents are stored; the number stands at the top of each, and
  ``_migrations[n]`` turns a document of version n (without the number) into one of version n + 1.
- ``kind: ClassVar[str]``: its tag in a union.
- ``_short_form: ClassVar[ShortForm]``: names of the parts that may stand at the top of a document. For
  anything else, ``_expand(document)`` returns the long form and where its parts were written (`Expanded`);
  paths of faults are turned back.
- ``_faults(known)``, a static method: yields a `Problem` for each broken rule between fields.

**The protocol of** ``_faults``. `known` has the fields of the class as attributes, by their Python names. It
is the value itself when every field could be read. Otherwise it stands for what could be read: a field that
is missing or unreadable is None, inside the items of a list too, while the list keeps its length; a part that
is not even an object answers None to every name. So a rule asks for None first and speaks only when it has
all it needs. It calls no methods of its parts and tells members of a union by ``part.kind``. Paths are
relative and in the words of documents: ``Problem(path="tiers[1].from", ...)``; the codec puts the rest before
them, and leaves out a rule's problem where the value itself could not be read.
"""

from salesops._codec._fields import CURRENCY, Expanded, Limits, ShortForm, TextRule, about
from salesops._codec._model import Model, read_argument

__all__ = ["CURRENCY", "Expanded", "Limits", "Model", "ShortForm", "TextRule", "about", "read_argument"]
