"""Eviction on int64 arrays: the same steps, one lane of an array for each of many memories."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from headgate.model.algebra import where
from headgate.model.batch import run
from headgate.model.memory.eviction import POLICIES, Claims
from headgate.model.memory.frames import Frames, Layout, cold, touch
from headgate.spec.units import Number

__all__ = ["FREE", "HIT", "REFUSED", "run_frames", "use"]

# What became of a use, where no page was evicted for it; else it is the number of that page.
HIT, FREE, REFUSED = -1, -2, -3


def use(
    state: Frames, layout: Layout, capacity: Number, claims: Claims, page: Number, policy: str, within: str
) -> tuple[Number, Frames]:
    """Return (what became of it, frames): HIT, FREE (a frame was), REFUSED, or the page that was evicted."""
    touched, after = touch(state, layout, capacity, claims, page, POLICIES[policy], within)
    fetched = where(touched.evicted, touched.victim, FREE)
    return where(touched.hit, HIT, where(touched.refused, REFUSED, fetched)), after


def run_frames(
    layout: Layout,
    capacity: npt.ArrayLike | int,
    floors: Sequence[Any],
    totals: Sequence[int],
    uses: npt.ArrayLike,
    policy: str,
    within: str,
) -> npt.NDArray[np.int64]:
    """Return what became of each use, as `use` has it, from an empty memory; `uses` is an array (steps, memories).

    `capacity` and each of `floors` are integers, or arrays (memories,).
    """

    def step(state: Frames, own: Any, page: Number) -> tuple[Any, Frames]:
        return use(state, layout, own[0], Claims(own[1], tuple(totals)), page, policy, within)

    return run(lambda own: cold(len(layout.owners)), step, (capacity, tuple(floors)), uses)
