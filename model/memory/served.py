"""What a workload is served with, and what came of it: requests, the server, and what is counted (see `serving`)."""

from typing import NamedTuple

import attrs

from headgate.model.memory.blocks import PREEMPT
from headgate.model.memory.eviction import POLICIES
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, ExactNs, Nanoseconds
from headgate.spec.vocabulary import KeyValue
from headgate.spec.workloads import BLOCK_TOKENS

__all__ = ["ADMISSIONS", "RULES", "Job", "Outcome", "Server", "Share", "most_pages"]

RULES = (*POLICIES, PREEMPT)
ADMISSIONS = ("now", "maximum", "slots")


class Job(NamedTuple):
    """A request: when it comes, its tokens, whose it is, its class of length, and the hashes of its prefixes.

    Each of `blocks` is the hash of `hash_tokens` tokens of the prompt, and of all before them.
    """

    arrival_ns: Nanoseconds
    prompt: int
    output: int
    tenant: int
    kind: int
    blocks: tuple[int, ...] = ()
    hash_tokens: int = BLOCK_TOKENS


@attrs.frozen
class Server:
    """A device that serves: the pages it has for the cache, its rate, and who is admitted.

    At most `slots` requests are there at a time. Under the admission "now" a prompt has to fit beside the pages that
    requests have, under "maximum" the most that they can come to has to; "slots" looks at nothing else.

    Under the policies that have floors, the requests of a tenant that has one, in pages, keep equal shares of it;
    any other keeps a share, one for each slot, of the frames that are nobody's floor.
    """

    capacity: int
    rate: BytesPerNs
    kv: KeyValue
    slots: int
    admission: str = "now"
    floors: tuple[int | None, ...] = ()

    @implements("EV-5")
    def floor(self, tenant: int, requests: int) -> int:
        """Return the frames that a request is entitled to, if its tenant has so many there."""
        floor = self.floors[tenant] if self.floors else None
        if floor is not None:
            return floor // requests
        return (self.capacity - sum(each or 0 for each in self.floors)) // self.slots


@attrs.define
class Share:
    """What the requests of one tenant and one class came to.

    Pages: `uses` in all steps, `fresh` ones that were computed, `forgotten` ones that were there when their last
    request ended, and had gone since, `unseated` ones for which there was no frame before, `lost_to` those that had
    gone for a page of each class; what is left are hits. `evicted_by` counts evictions. Of the `prompt_pages` of those
    who came, so many were `found_used` by others, and `found_left` in free frames. `page_ticks` are those of pages that
    they were charged for.
    """

    lost_to: list[int]
    evicted_by: list[int]
    requests: int = 0
    done: int = 0
    refused: int = 0
    unfinished: int = 0
    tokens: int = 0
    uses: int = 0
    fresh: int = 0
    unseated: int = 0
    preempted: int = 0
    preempted_pages: int = 0
    recomputed: int = 0
    first_late: int = 0
    next_late: int = 0
    page_ticks: int = 0
    forgotten: int = 0
    prompt_pages: int = 0
    found_used: int = 0
    found_left: int = 0

    @property
    def evicted(self) -> int:
        """Pages that went for those of others."""
        return sum(self.evicted_by)

    @property
    def missed(self) -> int:
        """Uses of a page that was not there."""
        return self.fresh + self.forgotten + self.unseated + self.recomputed + sum(self.lost_to)

    @property
    def hits(self) -> int:
        """Uses of a page that was there."""
        return self.uses - self.missed


@attrs.frozen
class Outcome:
    """What a rule made of a workload: `shares[tenant][class]`, how long it took, and the most pages at a time.

    So many pages were `loaded`, `found` in free frames, `freed` by requests that ended or were emptied, and `left`.
    """

    rule: str
    shares: list[list[Share]]
    end_ns: ExactNs
    steps: int
    most_taken: int
    loaded: int
    found: int
    freed: int
    left: int
    ticks_per_ns: int


def most_pages(prompt: int, output: int, page_tokens: int) -> int:
    """Return the pages that a request comes to; the token that comes out last is not stored."""
    return -(-(prompt + output - 1) // page_tokens)
