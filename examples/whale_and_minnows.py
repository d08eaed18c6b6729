"""Writes `workloads/whale_and_minnows.csv`: short requests by the dozen, and a very long one now and then.

The lengths are those of an essay (*The Scheduling Tax of Multi-Tenant Inference*, abstract: 2K and 128K tokens), one
request in twenty-five is long; the rest comes from a fixed sequence, so that the file is the same wherever it is made:

    python -m headgate.examples.whale_and_minnows > examples/workloads/whale_and_minnows.csv
"""

from collections.abc import Iterator

__all__ = ["rows"]

REQUESTS, WHALE_EVERY = 250, 25
MINNOW, WHALE = 2048, 131_072


def rows() -> Iterator[str]:
    """Yield the lines of the file, without their ends."""
    yield "tenant,arrival_ns,prompt_tokens,output_tokens"
    state, now = 1, 0
    for number in range(REQUESTS):
        state = (1_103_515_245 * state + 12_345) % 2**31
        drawn = state >> 16
        if number % WHALE_EVERY == WHALE_EVERY // 2:
            yield f"documents,{now},{WHALE},{40 + drawn % 40}"
        else:
            yield f"chat,{now},{MINNOW - 512 + drawn % 1024},{100 + drawn % 120}"
        now += (60 + drawn % 120) * 10**6


if __name__ == "__main__":
    print("\n".join(rows()))
