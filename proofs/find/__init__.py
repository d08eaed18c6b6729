"""Counterexample schedules on demand: a question is asked of an engine, and the answer replays on the exact model.

`question` says what may be asked and what an answer holds, `asking` which engine answers and how it is kept in time,
`settled` which theorems answer without a search. Each engine is a module of its own, imported only when it is asked:
`requests` searches tables of a few requests, with arrivals in ns or of pages (`memory`); `steps` searches queue counts.
"""
