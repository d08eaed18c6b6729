"""What every rule is about and what it says: vocabulary, units, numbered clauses, device profiles.

Imports nothing of headgate.
"""
