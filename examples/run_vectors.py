"""python run_vectors.py vectors/bucket.json token-bucket package.module:factory (needs nothing of headgate)."""

import importlib
import json
import math
import sys
from collections import defaultdict, deque
from fractions import Fraction
from pathlib import Path


def right(answer, expected):
    if isinstance(expected, str) and "/" in expected:  # between two ns: the exact instant, or the first whole ns after
        return answer == math.ceil(Fraction(expected)) or abs(answer - Fraction(expected)) < 1e-9
    return list(answer) == expected if isinstance(expected, list) else answer == expected


def serve(arrivals, it):  # a server of 1 byte a ns, which asks whenever it is free
    to_come, queues, now, served = deque(arrivals), defaultdict(deque), 0, []
    while to_come or any(queues.values()):
        now = now if any(queues.values()) else max(now, to_come[0][1])
        while to_come and to_come[0][1] <= now:
            _, at, tenant, size = to_come.popleft()
            it.enqueue(at, tenant, size)
            queues[tenant].append(size)
        tenant = it.dequeue(now)
        if not queues[tenant]:
            return [*served, (tenant, 0, now)]  # nothing of it waits
        served.append((tenant, queues[tenant].popleft(), now))
        now += served[-1][1]
    return served


def main(file, policy, target):
    module, _, name = target.partition(":")
    sys.path.insert(0, "")  # the current folder, where python itself has that of this file
    wrong, known = 0, json.loads(Path(file).read_text())["vectors"]
    if not any(each["policy"] == policy for each in known):
        sys.stderr.write(f"{file}: expected one of {sorted({each['policy'] for each in known})}, got {policy!r}\n")
        return 2
    for vector in [each for each in known if each["policy"] == policy]:
        it = getattr(importlib.import_module(module), name)(**vector["configuration"])
        calls = vector["calls"]
        found = serve(calls, it) if calls[0][0] == "enqueue" else [getattr(it, op)(*given) for op, *given in calls]
        holds = len(found) == len(vector["answers"]) and all(map(right, found, vector["answers"]))
        print(vector["id"], "holds" if holds else f"{vector['clause']}: {found}, expected {vector['answers']}")
        wrong += not holds
    return wrong > 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.stderr.write(f"usage: {__doc__}\n")
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
