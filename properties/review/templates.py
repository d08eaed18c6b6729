"""Drivers to start from: `headgate review --init ROLE` writes one, with a small implementation to be replaced."""

from collections.abc import Mapping

from headgate.properties.review.suites.common import Suite
from headgate.properties.review.templates_pages import PAGES
from headgate.spec.errors import InputError

__all__ = ["LANGUAGES", "template"]

LANGUAGES = ("python", "stdio-python", "javascript", "go")

# The name of the class, of a role.
NAMES = {
    "bucket": "Bucket",
    "shaper": "Shaper",
    "marker": "Marker",
    "arbiter": "Arbiter",
    "allocator": "Allocator",
    "cache": "Cache",
    "admission": "Admission",
}

PYTHON = {
    "bucket": '''\
class Bucket:
    """A token bucket: full at first, refilled at `rate`, never above `burst`."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.last = burst, 0

    def offer(self, now, size):
        """Return whether `size` tokens are admitted at `now`; what must be refused may raise an error instead."""
        if not 0 < size <= self.burst:
            return False
        self.level = min(self.burst, self.level + (now - self.last) * self.rate)
        self.last = now
        if self.level < size:
            return False
        self.level -= size
        return True
''',
    "shaper": '''\
class Shaper:
    """A token bucket that lets wait: what it holds back leaves, in order, once the level covers it."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.last = burst, 0

    def submit(self, now, size):
        """Return when `size` bytes submitted at `now` leave: the first whole unit of the clock at which they may."""
        begin = max(now, self.last)
        level = min(self.burst, self.level + (begin - self.last) * self.rate)
        leaves = begin + max(0, -(-(size - level) // self.rate))
        self.level = min(self.burst, level + (leaves - begin) * self.rate) - size
        self.last = leaves
        return leaves
''',
    "marker": '''\
class Marker:
    """The two-rate three-colour marker of RFC 2698, colour-blind."""

    def __init__(self, cir, cbs, pir, pbs):
        self.cir, self.cbs, self.pir, self.pbs = cir, cbs, pir, pbs
        self.committed, self.peak, self.last = cbs, pbs, 0

    def mark(self, now, size):
        """Return "green", "yellow" or "red" for a packet of `size` bytes at `now`."""
        self.committed = min(self.cbs, self.committed + (now - self.last) * self.cir)
        self.peak = min(self.pbs, self.peak + (now - self.last) * self.pir)
        self.last = now
        if self.peak < size:
            return "red"
        self.peak -= size
        if self.committed < size:
            return "yellow"
        self.committed -= size
        return "green"
''',
    "arbiter": '''\
class Arbiter:
    """Start-time fair queueing: the smallest start tag goes first."""

    def __init__(self, weights, **others):
        self.weights, self.queues = weights, [[] for _ in weights]
        self.virtual, self.finish = 0, [0] * len(weights)

    def enqueue(self, now, tenant, size):
        """Take a request of `size` bytes of a tenant (0, 1, ...) at `now`."""
        start = max(self.virtual, self.finish[tenant])
        self.finish[tenant] = start + size / self.weights[tenant]
        self.queues[tenant].append(start)

    def dequeue(self, now):
        """Return the tenant whose oldest request goes into service at `now`; None if nothing waits."""
        waiting = [(queue[0], tenant) for tenant, queue in enumerate(self.queues) if queue]
        if not waiting:
            self.virtual = max(self.finish)
            return None
        self.virtual, tenant = min(waiting)
        self.queues[tenant].pop(0)
        return tenant
''',
} | PAGES

PYTHON_LOOP = """
import json
import sys


def answer(call):
    operation, *arguments = call
    try:
        return getattr(it, operation)(*arguments)
    except ValueError as error:
        return {"raised": str(error)}  # a refusal where the call must be refused, a crash where it is legal


it = None
for line in sys.stdin:
    message = json.loads(line)
    if message["cmd"] == "stop":
        break
    if message["cmd"] == "start":
        reply = {"ready": True}
    elif message["cmd"] == "configure":
        it = NAME(**message["configuration"])
        reply = {"seq": message["seq"], "ok": True}
    else:
        reply = {"seq": message["seq"], "results": [answer(call) for call in message["calls"]]}
    print(json.dumps(reply), flush=True)
"""

JAVASCRIPT = {
    "bucket": """\
// A token bucket: full at first, refilled at `rate`, never above `burst`.
class Bucket {
  constructor({ rate, burst }) {
    Object.assign(this, { rate, burst, level: burst, last: 0 });
  }
  // Whether `size` tokens are admitted at `now`; what must be refused may throw instead.
  offer(now, size) {
    if (size <= 0 || size > this.burst) return false;
    this.level = Math.min(this.burst, this.level + (now - this.last) * this.rate);
    this.last = now;
    if (this.level < size) return false;
    this.level -= size;
    return true;
  }
}
""",
    "shaper": """\
// A token bucket that lets wait: what it holds back leaves, in order, once the level covers it.
class Shaper {
  constructor({ rate, burst }) {
    Object.assign(this, { rate, burst, level: burst, last: 0 });
  }
  // When `size` bytes submitted at `now` leave: the first whole unit of the clock at which they may.
  submit(now, size) {
    const begin = Math.max(now, this.last);
    const level = Math.min(this.burst, this.level + (begin - this.last) * this.rate);
    const leaves = begin + Math.max(0, Math.ceil((size - level) / this.rate));
    this.level = Math.min(this.burst, level + (leaves - begin) * this.rate) - size;
    this.last = leaves;
    return leaves;
  }
}
""",
    "marker": """\
// The two-rate three-colour marker of RFC 2698, colour-blind.
class Marker {
  constructor({ cir, cbs, pir, pbs }) {
    Object.assign(this, { cir, cbs, pir, pbs, committed: cbs, peak: pbs, last: 0 });
  }
  mark(now, size) {
    this.committed = Math.min(this.cbs, this.committed + (now - this.last) * this.cir);
    this.peak = Math.min(this.pbs, this.peak + (now - this.last) * this.pir);
    this.last = now;
    if (this.peak < size) return "red";
    this.peak -= size;
    if (this.committed < size) return "yellow";
    this.committed -= size;
    return "green";
  }
}
""",
    "arbiter": """\
// Start-time fair queueing: the smallest start tag goes first.
class Arbiter {
  constructor({ weights }) {
    Object.assign(this, { weights, virtual: 0 });
    this.queues = weights.map(() => []);
    this.finish = weights.map(() => 0);
  }
  enqueue(now, tenant, size) {
    const start = Math.max(this.virtual, this.finish[tenant]);
    this.finish[tenant] = start + size / this.weights[tenant];
    this.queues[tenant].push(start);
    return null;
  }
  // The tenant whose oldest request goes into service at `now`; null if nothing waits.
  dequeue(now) {
    let chosen = null;
    this.queues.forEach((queue, tenant) => {
      if (queue.length > 0 && (chosen === null || queue[0] < this.queues[chosen][0])) chosen = tenant;
    });
    this.virtual = chosen === null ? Math.max(...this.finish) : this.queues[chosen].shift();
    return chosen;
  }
}
""",
}

JAVASCRIPT_LOOP = """
// What reads a clock is told the time: let now = 0; Date.now = performance.now = () => now; each call sets now first.
let it = null;

async function answer([operation, ...given]) {
  try {
    const result = await it[operation](...given);
    return result === undefined ? null : result;
  } catch (error) {
    return { raised: String(error) };  // a refusal where the call must be refused, a crash where it is legal
  }
}

async function reply(message) {
  if (message.cmd === "start") return { ready: true };
  if (message.cmd === "configure") {
    it = new NAME(message.configuration);
    return { seq: message.seq, ok: true };
  }
  const results = [];
  for (const call of message.calls) results.push(await answer(call));
  return { seq: message.seq, results };
}

(async () => {
  for await (const line of require("readline").createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    if (message.cmd === "stop") process.exit(0);
    process.stdout.write(JSON.stringify(await reply(message)) + "\\n");
  }
})();
"""

GO = {
    "bucket": """\
// Bucket is a token bucket: full at first, refilled at Rate, never above Burst.
type Bucket struct {
	Rate, Burst float64
	level, last float64
}

func (b *Bucket) begin() { b.level = b.Burst }

func (b *Bucket) call(operation string, a []float64) any {
	now, size := a[0], a[1] // offer
	if size <= 0 || size > b.Burst {
		return false
	}
	b.level = math.Min(b.Burst, b.level+(now-b.last)*b.Rate)
	b.last = now
	if b.level < size {
		return false
	}
	b.level -= size
	return true
}
""",
    "shaper": """\
// Shaper is a token bucket that lets wait: what it holds back leaves, in order, once the level covers it.
type Shaper struct {
	Rate, Burst float64
	level, last float64
}

func (s *Shaper) begin() { s.level = s.Burst }

func (s *Shaper) call(operation string, a []float64) any {
	now, size := a[0], a[1] // submit
	begin := math.Max(now, s.last)
	level := math.Min(s.Burst, s.level+(begin-s.last)*s.Rate)
	leaves := begin + math.Max(0, math.Ceil((size-level)/s.Rate))
	s.level = math.Min(s.Burst, level+(leaves-begin)*s.Rate) - size
	s.last = leaves
	return leaves
}
""",
    "marker": """\
// Marker is the two-rate three-colour marker of RFC 2698, colour-blind.
type Marker struct {
	Cir, Cbs, Pir, Pbs    float64
	committed, peak, last float64
}

func (m *Marker) begin() { m.committed, m.peak = m.Cbs, m.Pbs }

func (m *Marker) call(operation string, a []float64) any {
	now, size := a[0], a[1] // mark
	m.committed = math.Min(m.Cbs, m.committed+(now-m.last)*m.Cir)
	m.peak = math.Min(m.Pbs, m.peak+(now-m.last)*m.Pir)
	m.last = now
	if m.peak < size {
		return "red"
	}
	m.peak -= size
	if m.committed < size {
		return "yellow"
	}
	m.committed -= size
	return "green"
}
""",
    "arbiter": """\
// Arbiter is start-time fair queueing: the smallest start tag goes first.
type Arbiter struct {
	Weights []float64
	virtual float64
	finish  []float64
	queues  [][]float64
}

func (q *Arbiter) begin() {
	q.finish = make([]float64, len(q.Weights))
	q.queues = make([][]float64, len(q.Weights))
}

func (q *Arbiter) call(operation string, a []float64) any {
	if operation == "enqueue" { // now, tenant, size
		tenant, size := int(a[1]), a[2]
		start := math.Max(q.virtual, q.finish[tenant])
		q.finish[tenant] = start + size/q.Weights[tenant]
		q.queues[tenant] = append(q.queues[tenant], start)
		return nil
	}
	chosen := -1 // dequeue: the tenant that goes into service at now, nil if nothing waits
	for tenant, queue := range q.queues {
		if len(queue) > 0 && (chosen < 0 || queue[0] < q.queues[chosen][0]) {
			chosen = tenant
		}
	}
	if chosen < 0 {
		for _, finish := range q.finish {
			q.virtual = math.Max(q.virtual, finish)
		}
		return nil
	}
	q.virtual = q.queues[chosen][0]
	q.queues[chosen] = q.queues[chosen][1:]
	return chosen
}
""",
}

GO_HEAD = """\
package main

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
)

"""

GO_LOOP = """
func main() {
	it := &NAME{}
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\\n')
		if err != nil {
			return
		}
		var message struct {
			Cmd           string
			Seq           int
			Configuration json.RawMessage
			Calls         [][]json.RawMessage
		}
		if json.Unmarshal(line, &message) != nil || message.Cmd == "stop" {
			return
		}
		reply := map[string]any{"seq": message.Seq}
		switch message.Cmd {
		case "start":
			reply = map[string]any{"ready": true}
		case "configure":
			it = &NAME{}
			if err := json.Unmarshal(message.Configuration, it); err != nil {
				panic(err)
			}
			it.begin()
			reply["ok"] = true
		default:
			results := []any{}
			for _, call := range message.Calls {
				var operation string
				if err := json.Unmarshal(call[0], &operation); err != nil {
					panic(err)
				}
				arguments := make([]float64, len(call)-1)
				for i, value := range call[1:] {
					if err := json.Unmarshal(value, &arguments[i]); err != nil {
						panic(err)
					}
				}
				results = append(results, it.call(operation, arguments))
			}
			reply["results"] = results
		}
		if out.Encode(reply) != nil {
			return
		}
	}
}
"""

LINES: Mapping[str, tuple[str, str, Mapping[str, str], str]] = {
    "python": ("#", "headgate review driver:NAME", PYTHON, ""),
    "stdio-python": ("#", "headgate review --exec 'python driver.py'", PYTHON, PYTHON_LOOP),
    "javascript": ("//", "headgate review --exec 'node driver.js'", JAVASCRIPT, JAVASCRIPT_LOOP),
    "go": ("//", "go build -o driver driver.go && headgate review --exec ./driver", GO, GO_LOOP),
}


def template(suite: Suite, language: str) -> str:
    """Return a driver for the role of `suite`; InputError where there is none in this language."""
    sign, command, known, loop = LINES[language]
    role = suite.role
    body, name = known.get(role), NAMES[role]
    if body is None:
        others = ", ".join(language for language, (_, _, bodies, _) in LINES.items() if role in bodies)
        raise InputError("--language", f"one of {others} for the role {role}", repr(language))
    numbers = ", ".join(f"{number} ({meaning})" for number, meaning in suite.numbers.items())
    head = [
        f"The role {role}: {suite.summary}. Put your own in the place of {name}, and say",
        f"    {command} --role {role}",
        f"It is given, by name: {numbers}.",
    ]
    top = "".join(f"{sign} {line}\n" for line in head) + "\n"
    return (top + (GO_HEAD if language == "go" else "") + body + loop).replace("NAME", name)
