"""The properties of the allocator do reach what they speak of: every operation, done, and refused in every way."""

import random

from headgate.model.memory.pages import Outcome
from headgate.properties.test_allocator import Dealer, deal

DONE = Outcome.DONE
REACHED = {
    ("allocate", DONE), ("allocate", Outcome.QUOTA_FULL), ("allocate", Outcome.COLOUR_FULL),
    ("free", DONE), ("free", Outcome.NOT_OWNED),
    ("drain", DONE),
    ("begin_copy", DONE), ("begin_copy", Outcome.NOT_OWNED), ("begin_copy", Outcome.COLOUR_FULL),
    ("begin_copy", Outcome.MOVING),
    ("finish_copy", DONE), ("finish_copy", Outcome.NOT_OWNED), ("kept", DONE), ("given up", DONE),
    ("hand_over", DONE), ("hand_over", Outcome.NOT_EMPTY),
}  # fmt: skip


def test_every_operation_is_met_with_every_outcome() -> None:
    Dealer.met.clear()
    for seed in range(120):
        deal(random.Random(seed), 60)
    assert set(Dealer.met) == REACHED
    assert min(Dealer.met.values()) >= 5
