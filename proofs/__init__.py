"""What is proved and how: the symbolic interpreter, the theorems, the runner, the queries.

Imports `headgate.spec` and `headgate.model`.
"""
