"""The reference model: one file a mechanism, every rule a pure step over frozen records.

Imports `headgate.spec` only.
"""
