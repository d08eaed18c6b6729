"""Review: hold somebody's implementation against the clauses, and show the smallest case that breaks one.

`case` says what an implementation is asked, `targets` how it is reached (a Python object, a process), `suites` holds,
for each role, what is offered to it and how its answers are judged, `hunt` runs the one against the other.
"""
