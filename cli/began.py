"""When this process began: a limit that the user gives counts from there, and not from when everything is loaded."""

import os
import time

__all__ = ["process_began"]

# Nothing takes that long before a command runs: a system that says so counts its clocks otherwise.
LONGEST_S = 5.0


def process_began() -> float:
    """Return when this process began, by `time.monotonic`; now, where the system does not tell."""
    now = time.monotonic()
    try:
        with open("/proc/self/stat", "rb") as file:
            # After the name of the program, which is in brackets: the 20th field, in ticks since the system began.
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return now
    return now - age if 0 <= age <= LONGEST_S else now
