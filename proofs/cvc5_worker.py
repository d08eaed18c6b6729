"""A program of its own around cvc5: a query a line on standard input, an answer a line on standard output, as JSON.

Its own, because cvc5 holds the interpreter while it thinks, so that nobody could interrupt it, and because a crash of
it must not be a crash of headgate. It imports nothing of headgate: what it is sent is the whole query.

Query: {"text": SMT-LIB, "resources": int, "backstop_ms": int}. Answer: {"answer": "sat" | "unsat" | "unknown",
"reason": str, "seconds": processor time}. `--version` prints the solver and its version.
"""

import json
import sys
import time
from typing import Any

__all__ = ["main"]


def _ask(query: dict[str, Any]) -> dict[str, Any]:
    begun = time.process_time()
    try:
        answer, reason = _check(query)
    except Exception as error:
        answer, reason = "unknown", " ".join(str(error).split())[:200]
    return {"answer": answer, "reason": reason, "seconds": time.process_time() - begun}


def _check(query: dict[str, Any]) -> tuple[str, str]:
    import cvc5

    manager = cvc5.TermManager()
    solver = cvc5.Solver(manager)
    for option, value in (("rlimit-per", query["resources"]), ("tlimit-per", query["backstop_ms"])):
        solver.setOption(option, str(value))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, query["text"], "query")
    symbols, said = parser.getSymbolManager(), []
    while not (command := parser.nextCommand()).isNull():
        said.append(str(command.invoke(solver, symbols)).strip())
    return _reading([line for line in said if line])


def _reading(said: list[str]) -> tuple[str, str]:
    """The text has one `check-sat`: whatever else was said is an error, and no answer."""
    if len(said) != 1:
        return "unknown", f"expected one answer, got {said!r:.200}"
    if said[0] in ("sat", "unsat"):
        return said[0], ""
    return "unknown", said[0].removeprefix("unknown").strip(" ()").lower() or "it gives no reason"


def main() -> None:
    """Answer queries until standard input ends."""
    if sys.argv[1:] == ["--version"]:
        import cvc5

        print(f"cvc5 {cvc5.__version__}")
        return
    for line in sys.stdin:
        print(json.dumps(_ask(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
