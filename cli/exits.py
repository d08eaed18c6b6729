"""How a command ends: its exit code, and the one line that says why the input was refused."""

import enum

from headgate.spec.vocabulary import Verdict

__all__ = ["BadInput", "Exit", "InternalFault", "exit_for"]


class Exit(enum.IntEnum):
    """The exit codes of every command. The last two are the shell's own: 128 and the number of the signal."""

    HOLDS = 0
    VIOLATED = 1
    BAD_INPUT = 2
    UNDECIDED = 3
    INTERNAL_FAULT = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class BadInput(Exception):
    """Bad usage or bad input; `str()` says what, where, and what was expected."""


class InternalFault(Exception):
    """headgate contradicts itself: nothing that a user could have caused."""


def exit_for(verdict: Verdict) -> Exit:
    """Return the exit code of a verdict."""
    return {
        Verdict.HOLDS: Exit.HOLDS,
        Verdict.VIOLATED: Exit.VIOLATED,
        Verdict.UNDECIDED: Exit.UNDECIDED,
    }[verdict]
