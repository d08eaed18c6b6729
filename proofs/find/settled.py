"""Theorems that answer a question without a search: which one settles what, with its scope checked."""

from headgate.proofs.find.question import Answer, Question

__all__ = ["settled"]


def settled(question: Question) -> Answer | None:
    """Return the answer that a theorem gives, or None where none does."""
    return None
