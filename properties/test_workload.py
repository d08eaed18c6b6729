"""What must hold of serving a workload (WL-1 to WL-4)."""

from fractions import Fraction

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from headgate.model.memory import eviction
from headgate.model.memory.blocks import Blocks
from headgate.model.memory.eviction import POLICIES, Claims, Holdings
from headgate.model.memory.prefixes import Block
from headgate.model.memory.residency import Pool
from headgate.model.memory.serving import ADMISSIONS, PREEMPT, RULES, Job, Outcome, Server, serve
from headgate.properties.oracles import workload as plain
from headgate.spec.links import checks
from headgate.spec.vocabulary import KeyValue

KINDS = TENANTS = 2


@attrs.frozen
class Setting:
    """Requests, in order of arrival, and the device that serves them."""

    jobs: list[Job]
    server: Server
    until_ns: int | None = None

    def served(self, rule: str) -> Outcome:
        return serve(iter(self.jobs), self.server, rule, TENANTS, KINDS, self.until_ns)


def hashes_of(prompt: int, hash_tokens: int, topic: int, alike: int, number: int) -> tuple[int, ...]:
    """Return a hash for each so many tokens and what precedes them; the first `alike` tokens are those of the topic."""
    ends = [min(begin + hash_tokens, prompt) for begin in range(0, prompt, hash_tokens)]
    return tuple(100 * topic + end if end <= alike else 1000 * (number + 1) + end for end in ends)


@st.composite
def settings(draw: DrawFn) -> Setting:
    """Draw up to eight requests of up to ten tokens, on a device of too few pages more often than not.

    Prompts of the same topic begin with the same tokens, up to some length.
    """
    rows = st.tuples(st.integers(0, 12), st.integers(1, 7), st.integers(1, 6), st.integers(0, 1), st.integers(0, 1),
                     st.integers(0, 1), st.sampled_from((7, 5, 3, 0)))  # fmt: skip
    jobs: list[Job] = []
    now = 0
    hash_tokens, topics = draw(st.integers(1, 3)), draw(st.sampled_from((1, 2, 0)))
    for gap, prompt, output, tenant, kind, topic, alike in draw(
        st.lists(rows, min_size=draw(st.integers(1, 5)), max_size=8)
    ):
        now += max(0, gap - 8)
        hashes = hashes_of(prompt, hash_tokens, topic, alike, len(jobs)) if topic < topics else ()
        jobs.append(Job(now, prompt, output, tenant, kind, hashes, hash_tokens))
    kv = KeyValue(draw(st.integers(1, 2)), draw(st.sampled_from((1, 1, 2, 3))), draw(st.integers(0, 4)), Fraction(9),
                  Fraction(4), draw(st.sampled_from([None, Fraction(1, 2), Fraction(5, 3)])))  # fmt: skip
    server = Server(draw(st.integers(3, 14)), draw(st.sampled_from([Fraction(1), Fraction(7, 3)])), kv,
                    draw(st.integers(1 + (topics > 0), 4)), draw(st.sampled_from(ADMISSIONS)),
                    draw(st.sampled_from([(), (), (3, None), (1, 2), (0, 2)])))  # fmt: skip
    return Setting(jobs, server, draw(st.sampled_from([None, None, 20])))


KV = KeyValue(1, 1, 1, Fraction(9), Fraction(4), Fraction(1, 2))
# Two grow beyond the memory together; the third comes when one is done.
TIGHT = Setting([Job(0, 2, 4, 0, 0), Job(0, 2, 4, 1, 1), Job(1, 2, 2, 0, 1)], Server(6, Fraction(1), KV, 3))
# As many frames as slots: everybody is entitled to one, and a page can be refused.
FLOORS = Setting([Job(0, 3, 3, 0, 0)] * 3, Server(6, Fraction(1), KV, 3, "slots"))
# The first pays for what it begins with, then the second does; the third finds what is left of it in free frames.
ALIKE = Setting([Job(0, 5, 2, 0, 0, (1, 2, 3), 2), Job(1, 5, 4, 1, 1, (1, 2, 4), 2), Job(60, 5, 1, 0, 1, (1, 2, 3), 2)],
                Server(7, Fraction(1), KV, 3))  # fmt: skip
# A page that is in use still was last used by somebody who has ended: under LRU it goes after those before that one.
ENDED = Setting(
    [Job(at, prompt, output, tenant, kind, blocks, 3) for at, prompt, output, tenant, kind, blocks in (
        (0, 2, 2, 0, 1, (2,)), (40, 3, 3, 0, 1, (3,)), (80, 3, 5, 1, 0, (3,)), (120, 4, 6, 1, 1, ()),
        (120, 2, 3, 1, 0, (102,)), (120, 3, 4, 0, 0, (6003,)), (120, 2, 2, 1, 0, (102,)), (120, 1, 3, 0, 0, (1,)),
    )],
    Server(12, Fraction(1), attrs.evolve(KV, weight_bytes=2), 5, "slots"),
)  # fmt: skip
# The last user of what two share is not who pays for it.
LAST = Setting([Job(15, 4, 3, 0, 0, (1, 2, 3, 4), 1), Job(18, 6, 1, 0, 0, (21, 22, 23, 24, 25, 26), 1),
                Job(18, 7, 1, 0, 0, (1, 2, 3, 4, 5, 6, 7), 1), Job(18, 2, 1, 0, 0, (41, 42), 1)],
               Server(8, Fraction(1), KV, 4, "slots"))  # fmt: skip
# What the third uses of the first is not the third's to take.
HELD = Setting([Job(0, 3, 3, 0, 0, (2, 3), 2), Job(0, 2, 3, 0, 0, (22,), 2), Job(0, 4, 3, 0, 0, (2, 4), 2)],
               Server(8, Fraction(1), KV, 5, "slots"))  # fmt: skip
# As `ALIKE`, but somebody who shares nothing takes the frames first.
GONE = Setting([*ALIKE.jobs[:2], Job(50, 6, 1, 0, 0), ALIKE.jobs[2]], ALIKE.server)


def oracle(setting: Setting, rule: str) -> tuple[Fraction, dict[object, int], dict[object, int]]:
    server, kv = setting.server, setting.server.kv
    assert kv.first_slo_ns is not None
    assert kv.next_slo_ns is not None
    return plain.serve(
        [job[:6] for job in setting.jobs],
        rule=rule,
        capacity=server.capacity,
        page_tokens=kv.page_tokens,
        hash_tokens=setting.jobs[0].hash_tokens,
        slots=server.slots,
        floors=server.floors,
        admission=server.admission,
        rate=server.rate,
        link=kv.link_bytes_per_ns or server.rate,
        token_bytes=kv.token_bytes,
        weight_bytes=kv.weight_bytes,
        first_slo=kv.first_slo_ns,
        next_slo=kv.next_slo_ns,
        until=setting.until_ns,
    )  # type: ignore[return-value]


def counted(outcome: Outcome) -> dict[object, int]:
    """Return what a run counted, in the oracle's words."""
    counts: dict[object, int] = {}
    names = ("requests", "done", "refused", "unfinished", "tokens", "uses", "fresh", "unseated", "preempted",
             "preempted_pages", "recomputed", "forgotten", "prompt_pages", "found_used", "found_left",
             "first_late", "next_late")  # fmt: skip
    for tenant, row in enumerate(outcome.shares):
        for kind, share in enumerate(row):
            who = (tenant, kind)
            counts |= {(who, name): getattr(share, name) for name in names}
            counts |= {(who, f"lost to {k}"): lost for k, lost in enumerate(share.lost_to)}
            counts |= {(who, f"evicted by {k}"): gone for k, gone in enumerate(share.evicted_by)}
            if outcome.rule != PREEMPT:
                counts[who, "hits"] = share.hits
    return {key: count for key, count in counts.items() if count}


@checks("WL-2", "WL-3", "WL-4")
@pytest.mark.parametrize("rule", RULES)
@given(setting=settings())
@example(setting=TIGHT)
@example(setting=FLOORS)
@example(setting=ALIKE)
@example(setting=GONE)
@example(setting=ENDED)
@example(setting=LAST)
@example(setting=HELD)
def test_counts_are_those_of_pages(rule: str, setting: Setting) -> None:
    """Hits, misses by cause, evictions, lateness, times and memory held: as page by page and token by token."""
    outcome = setting.served(rule)
    end, counts, held = oracle(setting, rule)
    assert outcome.end_ns == end
    assert counted(outcome) == {key: count for key, count in counts.items() if count}
    for tenant, row in enumerate(outcome.shares):
        for kind, share in enumerate(row):
            assert Fraction(share.page_ticks, outcome.ticks_per_ns) == held[tenant, kind]


@checks("WL-1")
@pytest.mark.parametrize("rule", RULES)
@given(setting=settings())
@example(setting=TIGHT)
@example(setting=FLOORS)
@example(setting=ALIKE)
@example(setting=GONE)
def test_nothing_is_lost(rule: str, setting: Setting) -> None:
    """Requests in = done + refused + unfinished; pages in = evicted + freed + resident; nobody waits for ever."""
    outcome = setting.served(rule)
    server = setting.server
    shares = [share for row in outcome.shares for share in row]
    assert sum(share.requests for share in shares) == len(setting.jobs)
    for share in shares:
        assert share.requests == share.done + share.refused + share.unfinished
        assert 0 <= share.hits <= share.uses
    large = [j for j in setting.jobs if -(-(j.prompt + j.output - 1) // server.kv.page_tokens) > server.capacity]
    if setting.until_ns is None:
        assert sum(share.unfinished for share in shares) == 0
        assert sum(share.refused for share in shares) == len(large)
        assert sum(share.tokens for share in shares) == sum(j.output for j in setting.jobs) - sum(
            j.output for j in large
        )
    assert outcome.most_taken <= server.capacity
    evicted = sum(share.evicted for share in shares)
    assert outcome.loaded + outcome.found == outcome.freed + evicted + outcome.left


@checks("EV-13", "WL-4")
@pytest.mark.parametrize("rule", [PREEMPT, "resident"])
@given(setting=settings())
@example(setting=ALIKE)
@example(setting=GONE)
def test_without_an_end_of_frames_what_came_before_is_found(rule: str, setting: Setting) -> None:
    """Found pages are those that are repeated in the workload, counted in one pass; nothing is forgotten."""
    server = attrs.evolve(setting.server, capacity=10**6)
    outcome = attrs.evolve(setting, server=server, until_ns=None).served(rule)
    shares = [share for row in outcome.shares for share in row]
    found = sum(share.found_used + share.found_left for share in shares)
    page_tokens, hash_tokens = server.kv.page_tokens, setting.jobs[0].hash_tokens
    assert found == plain.repeated_pages([job[:6] for job in setting.jobs], page_tokens, hash_tokens)
    assert sum(share.forgotten for share in shares) == 0
    assert sum(share.hits for share in shares) == sum(share.uses - share.fresh for share in shares)


@checks("WL-2")
@pytest.mark.parametrize("policy", POLICIES)
@given(
    pages=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    capacity=st.integers(1, 12),
    floor=st.integers(0, 3),
    steps=st.integers(1, 4),
    leaver=st.integers(0, 9),
)
@example(pages=[3, 3, 3], capacity=6, floor=2, steps=3, leaver=9)
@example(pages=[5, 2, 2], capacity=7, floor=0, steps=3, leaver=1)
def test_a_block_is_its_pages(
    policy: str, pages: list[int], capacity: int, floor: int, steps: int, leaver: int
) -> None:
    """The run of a block is so many loads of `eviction.load`, and on a pool of pages what pinned pages give."""
    blocks, pool = Blocks(capacity, policy), Pool(capacity, POLICIES[policy], "lru")
    served = [Block(number) for number in range(len(pages))]
    for block, count in zip(served, pages, strict=True):
        blocks.join(block, count, floor=floor)
        pool.join(floor, count)
    oldest = [0] * len(pages)
    alive = list(range(len(pages)))
    for step in range(steps):
        for who in list(alive):
            place = alive.index(who)
            state = Holdings(
                tuple(blocks.resident), tuple(0 if k != place else blocks.resident[k] for k in range(len(alive)))
            )
            claims = Claims((floor,) * len(alive), tuple(blocks.pages))
            used = blocks.use(served[who])
            refused, went = 0, []
            for _ in range(used.missed):
                ages = [oldest[k] for k in alive]
                loaded, state = eviction.load(state, capacity, claims, place, POLICIES[policy], ages)
                refused += bool(loaded.refused)
                went += [loaded.owner] if loaded.evicted else []
            assert (refused, went) == (used.refused, [k for k, run in used.evicted for _ in range(run)])
            assert list(state.resident) == blocks.resident
            oldest[who] = step * len(pages) + who + 1
            misses, gone = use_pages(pool, who, pages[who])
            assert (misses, gone) == (used.missed, [alive[k] for k in went])
            assert [pool.resident()[k] for k in alive] == blocks.resident
            assert blocks.taken == sum(blocks.resident) <= capacity
        if leaver in alive and len(alive) > 1:
            blocks.leave(served[leaver])
            pool.leave(leaver)
            alive.remove(leaver)


def use_pages(pool: Pool, who: int, pages: int) -> tuple[int, list[int]]:
    """Use pages one by one, each pinned until the last is there; return (misses, the owners of those that went)."""
    for page in range(pages):
        pool.pin(who, page)
    misses, gone = 0, []
    for page in range(pages):
        hit, evicted = pool.touch(who, page)
        pool.pin(who, page)
        misses += not hit
        gone += [evicted.owner] if evicted else []
    for page in range(pages):
        pool.unpin(who, page)
    return misses, gone
