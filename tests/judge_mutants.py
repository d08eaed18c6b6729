"""Break each judge of a review by hand, and see which miniature notices.

A judge is what decides whether somebody's code is accused (properties/review/suites). A mutant replaces one piece of
its text. It is killed by a right miniature that is then accused, or by a wrong one that is then not caught by its
clause. Each mutant names the miniature that kills it, so that one review is all it costs.

`python -m headgate.tests.judge_mutants [ID ...]` looks for the first miniature that kills each.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

import attrs

from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, Profile, hunt
from headgate.properties.review.suites.common import Suite
from headgate.properties.review.targets import PythonTarget
from headgate.tests.miniatures import MINIATURES, Miniature

__all__ = ["JUDGE_MUTANTS", "JudgeMutant", "killed", "suite_with", "text_of"]

SUITES = "headgate.properties.review.suites"


@attrs.frozen
class JudgeMutant:
    """`old` becomes `new` in the module of that name, which judges `role`; the miniature `by` kills it."""

    id: str
    role: str
    old: str
    new: str
    by: str
    module: str = ""

    @property
    def place(self) -> str:
        """Return the module that is changed."""
        return f"{SUITES}.{self.module or self.role}"


def _arbiter(name: str, old: str, new: str, by: str) -> JudgeMutant:
    return JudgeMutant(name, "arbiter", old, new, by, "arbiter_judges")


def _window(name: str, old: str, new: str, by: str) -> JudgeMutant:
    return JudgeMutant(name, "bucket", old, new, by, "bucket_windows")


JUDGE_MUTANTS = (
    JudgeMutant(
        "bucket-one-more",
        "bucket",
        "size > level + slack:",
        "size > level + slack + 1:",
        "bucket-Hundredths",
    ),
    JudgeMutant(
        "bucket-exact-fit",
        "bucket",
        "size <= level - slack:",
        "size < level - slack:",
        "bucket-Strict",
    ),
    JudgeMutant(
        "bucket-no-tolerance",
        "bucket",
        "size <= level - slack:",
        "size <= level:",
        "bucket-InSeconds",
    ),
    JudgeMutant(
        "bucket-starts-empty",
        "bucket",
        "full(self.most), 0",
        "Bucket(0), 0",
        "bucket-Eager",
    ),
    JudgeMutant(
        "bucket-beyond-depth",
        "bucket",
        "call, log)) and size > judge",
        "call, log)) and size > 2 * judge",
        "bucket-OneBeyond",
    ),
    _window("sliding-window-closed", "self.choices = {False, True}", "self.choices = {True}", "bucket-Sliding"),
    _window("sliding-window-open", "self.choices = {False, True}", "self.choices = {False}", "bucket-SlidingClosed"),
    _window("sliding-window-admits", "if size <= most + slack}", "if True}", "bucket-LogOfThree"),
    _window("fixed-window-early", "= moment // self.length", "= (moment + 1) // self.length", "bucket-Windows"),
    _window(
        "fixed-window-aligned", "in (False, True) for closed", "in (False,) for closed", "bucket-FromTheFirstOffer"
    ),
    _window("fixed-window-refuses", "(back or size > room - slack)", "True", "bucket-CountsTheRefused"),
    _window(
        "fixed-window-exact-ends",
        "        slack = self.tolerance * max(now, self.length)\n",
        "        slack = Fraction(0)\n",
        "bucket-FloatWindows",
    ),
    _window(
        "fixed-window-from-the-start",
        "{_Counter(True, closed, Fraction(0))",
        "{_Counter(True, closed)",
        "bucket-FromTheStart",
    ),
    _window("fixed-window-attempts", "size * self.attempts", "0", "bucket-Incr"),
    _window("fixed-window-no-attempts", "size * self.attempts", "size", "bucket-Windows"),
    _window(
        "sliding-counter-rounds",
        "{_Pair(floored) for floored in (False, True)}",
        "{_Pair(False)}",
        "bucket-WeighedDown",
    ),
    _window(
        "sliding-counter-exact",
        "{_Pair(floored) for floored in (False, True)}",
        "{_Pair(True)}",
        "bucket-WeighedExactly",
    ),
    _window("sliding-counter-share", "(number + 1 - moment / self.length)", "1", "bucket-WeighedDown"),
    _window("sliding-counter-refuses", "size > room - byte", "True", "bucket-NeverForgets"),
    _window("sliding-counter-admits", "size <= room + byte", "True", "bucket-ForgetsTheWindow"),
    _window("sliding-counter-gap", "self.used if number == self.number + 1 else 0", "self.used", "bucket-WeighedDown"),
    JudgeMutant(
        "bucket-floats-forgive",
        "bucket",
        "0 if self.exact and self.brims else self.slack",
        "self.slack",
        "bucket-NeverEmpty",
    ),
    JudgeMutant(
        "bucket-floats-never-forgive",
        "bucket",
        "0 if self.exact and self.brims else self.slack",
        "0 if self.exact else self.slack",
        "bucket-InThirds",
    ),
    JudgeMutant(
        "admission-illegal",
        "admission",
        "if declared.legal and not",
        "if False and not",
        "admission-Semaphore",
    ),
    JudgeMutant(
        "shaper-one-unit-late",
        "shaper",
        "late >= declared.clock.unit_ns",
        "late > declared.clock.unit_ns",
        "shaper-NextTick",
    ),
    JudgeMutant(
        "shaper-exactly-then",
        "shaper",
        "departure < earliest - slack:",
        "departure <= earliest - slack:",
        "shaper-Exact",
    ),
    JudgeMutant(
        "shaper-any-order",
        "shaper",
        "departure < reference.last - slack:",
        "departure < 0:",
        "shaper-Overtakes",
    ),
    JudgeMutant(
        "marker-exact-fit",
        "marker",
        "* rates.peak_depth < size:",
        "* rates.peak_depth <= size:",
        "marker-Eager",
    ),
    JudgeMutant(
        "marker-green-is-free",
        "marker",
        'size if colour != "red" else 0',
        'size if colour == "yellow" else 0',
        "marker-Eager",
    ),
    _arbiter(
        "gap-twice",
        "pairwise_gap(_largest_cost(run, i)",
        "2 * pairwise_gap(_largest_cost(run, i)",
        "arbiter-InPairs",
    ),
    _arbiter(
        "gap-of-one",
        "_largest_cost(run, i), _largest_cost(run, j)",
        "_largest_cost(run, i), 0",
        "arbiter-Sfq",
    ),
    _arbiter(
        "waits-only-before",
        "if service.release_ns <= start]",
        "if service.release_ns < start or service is run.services[number]]",
        "arbiter-OverlooksTheInstant",
    ),
    _arbiter(
        "fcfs-at-once",
        "if service.release_ns > first:",
        "if service.release_ns >= first:",
        "arbiter-Fcfs",
    ),
    _arbiter(
        "priority-next-best",
        "if served > best:",
        "if served > best + 1:",
        "arbiter-TwoLevels",
    ),
    _arbiter(
        "round-robin-three-times",
        "since[other] > 1:",
        "since[other] > 2:",
        "arbiter-TwoATurn",
    ),
    _arbiter(
        "vtc-twice",
        "Fraction(vtc_gap(most))",
        "2 * Fraction(vtc_gap(most))",
        "arbiter-KeepsAfterOne",
    ),
    _arbiter(
        "wfq-twice",
        "service.finish_ns > done + slack",
        "service.finish_ns > done + 2 * slack",
        "arbiter-StampsAtTheHead",
    ),
    _arbiter(
        "wfq-smallest",
        "max(s.request.bytes for s in services)",
        "min(s.request.bytes for s in services)",
        "arbiter-Wfq",
    ),
    _arbiter(
        "wf2q-own-size",
        "wfq_delay(size, longest,",
        "wfq_delay(size, size,",
        "arbiter-Wf2qPlus",
    ),
    _arbiter(
        "wf2q-any-time",
        "ledgers[tenant] = (Fraction(after), at)",
        "ledgers[tenant] = (Fraction(after), since)",
        "arbiter-Wf2qPlus",
    ),
    _arbiter(
        "drr-no-quantum",
        "_largest(run, tenant) / run.quanta[tenant] for",
        "_largest(run, tenant) for",
        "arbiter-TwoQuanta",
    ),
    _arbiter(
        "drr-while-both-wait",
        "stays_in_the_list(run)\n",
        "False\n",
        "arbiter-ForgetsWhoMayReturn",
    ),
    _arbiter(
        "drr-less-than-the-clause",
        '(worst_gap, "are backlogged")',
        '(worst_waiting_gap, "are backlogged")',
        "arbiter-ReturnsToTheHead",
    ),
    _arbiter(
        "drr-always-the-clause",
        "stays_in_the_list(run)\n",
        "True\n",
        "arbiter-KernelDrr",
    ),
    _arbiter(
        "drr-nobody-else-waits",
        "if came_back and any(each.release_ns <= first.start_ns for each in run.services[number + 2 :]):",
        "if came_back:",
        "arbiter-KernelDrr",
    ),
    _arbiter(
        "drr-never-away",
        "second.release_ns > first.start_ns",
        "True",
        "arbiter-KernelDrr",
    ),
    JudgeMutant(
        "allocator-exact-room",
        "allocator",
        "if count <= room:",
        "if count < room:",
        "allocator-QuotaOffByOne",
    ),
    JudgeMutant(
        "allocator-all-the-room",
        "allocator",
        "self.quotas[tenant]) - len(self.mine[tenant])",
        "self.quotas[tenant])",
        "allocator-Owners",
    ),
    JudgeMutant(
        "allocator-fewer",
        "allocator",
        "len(granted) != count",
        "len(granted) > count",
        "allocator-Partly",
    ),
    JudgeMutant(
        "cache-last-frame",
        "cache",
        "len(reference.used) < reference.frames",
        "len(reference.used) <= reference.frames",
        "cache-Ordered",
    ),
    JudgeMutant(
        "cache-newest",
        "cache",
        "is not None and gone != oldest:",
        "is not None and gone == oldest:",
        "cache-Ordered",
    ),
    JudgeMutant(
        "cache-count-of-pages",
        "cache",
        "self.resident[page[0]] -= 1",
        "self.resident[page[0]] -= 0",
        "cache-LargestFirst",
    ),
    JudgeMutant(
        "cache-unpinned-is-lost",
        "cache",
        "        self.held[page[0]] -= 1\n        self._loosen(page)\n",
        "        self.held[page[0]] -= 1\n        pass\n",
        "cache-Ordered",
    ),
    JudgeMutant(
        "cache-pinned",
        "cache",
        "if gone in reference.pinned:",
        "if False:",
        "cache-PinsAreNames",
    ),
    JudgeMutant(
        "admission-one-more",
        "admission",
        "self.capacity + slack)",
        "self.capacity + slack + 1)",
        "admission-Locked",
    ),
    JudgeMutant(
        "admission-all-back",
        "admission",
        "if 0 < amount <= held:",
        "if 0 < amount < held:",
        "admission-Locked",
    ),
    JudgeMutant(
        "admission-one-order",
        "admission",
        "for order in ((0, 1), (1, 0))",
        "for order in ((0, 1),)",
        "admission-Locked",
    ),
)


def text_of(mutant: JudgeMutant) -> str:
    """Return the text of the module that the mutant changes."""
    spec = find_spec(mutant.place)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text("utf-8")


def suite_with(mutant: JudgeMutant) -> Suite:
    """Return the suite of its role with the judge broken; the modules that are loaded stay as they are."""
    suite = f"{SUITES}.{mutant.role}"
    kept = {name: importlib.import_module(name) for name in {mutant.place, suite}}
    try:
        broken = _executed(mutant.place, text_of(mutant).replace(mutant.old, mutant.new))
        if mutant.place != suite:
            broken = _executed(suite, Path(str(kept[suite].__file__)).read_text("utf-8"))
        found: Suite = broken.SUITE
        return found
    finally:
        sys.modules.update(kept)


def _executed(name: str, text: str) -> ModuleType:
    """Return a module of this text, which stands in the place of the one of that name."""
    spec = find_spec(name)
    assert spec is not None
    made = module_from_spec(spec)
    sys.modules[name] = made
    exec(compile(text, str(spec.origin), "exec"), vars(made))
    return made


def killed(mutant: JudgeMutant, by: Miniature, profile: str = "ci") -> bool:
    """Return whether the verdict on a miniature is wrong once the judge is broken, after the cases of a profile."""
    _, declared = declare(by.role, **by.declared)
    many = Profile(PROFILES[profile].cases, float("inf"))
    found = hunt(suite_with(mutant), PythonTarget(by.factory, by.name, declared.clock), declared, many)
    if not by.clauses:
        return found.outcome is Outcome.VIOLATING
    return found.violation is None or found.violation.clause not in by.clauses


def killers(mutant: JudgeMutant) -> Iterator[str]:
    """Yield the miniatures that kill it, the right ones first."""
    for each in sorted(MINIATURES, key=lambda one: bool(one.clauses)):
        if each.role == mutant.role and killed(mutant, each):
            yield each.name


def main(names: Sequence[str]) -> int:
    """Print who kills each mutant; 1 where nobody does."""
    survived = False
    for mutant in JUDGE_MUTANTS:
        if not names or mutant.id in names:
            found = next(killers(mutant), "")
            survived |= not found
            print(f"{mutant.id:28} {found or 'SURVIVED'}", flush=True)
    return int(survived)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
