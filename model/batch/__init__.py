"""The rules on int64 arrays: many schedules at once, one lane of an array each.

The drivers call the same step functions as everybody else. What comes in is integers, after scaling by a common
denominator (`common_scale`, `scaled`); a batch that could leave int64 is refused before it starts (`BatchOverflow`,
see `headgate.model.interval`). Arrays are (steps, schedules); work goes on in chunks of schedules that fit a cache.
"""

from headgate.model.batch.arbiters import Served, Traffic, run_arbiter, run_head_of_line
from headgate.model.batch.arrays import CHUNK, common_scale, run, scaled
from headgate.model.batch.policing import (
    run_bucket,
    run_essay_bucket,
    run_gcra,
    run_ledger,
    run_marker,
    run_meter,
    run_refresh,
)
from headgate.model.interval import BatchOverflow

__all__ = [
    "CHUNK",
    "BatchOverflow",
    "Served",
    "Traffic",
    "common_scale",
    "run",
    "run_arbiter",
    "run_bucket",
    "run_essay_bucket",
    "run_gcra",
    "run_head_of_line",
    "run_ledger",
    "run_marker",
    "run_meter",
    "run_refresh",
    "scaled",
]
