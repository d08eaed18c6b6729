"""What a mutant is: one piece of text of the model, replaced."""

import attrs

__all__ = ["Mutant"]


@attrs.frozen
class Mutant:
    """`old` is replaced by `new` in headgate.model.`module`; `clauses` are those of the broken rule.

    A theorem kills it, properties left aside; where none can, `property_only` says why.
    """

    id: str
    module: str
    old: str
    new: str
    clauses: tuple[str, ...]
    property_only: str = ""
