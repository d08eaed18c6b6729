"""Drivers for published libraries: each says in its docstring how it is reviewed, and what comes of it.

They import their library when they are called, and headgate does not depend on any of them: install one with pip.
"""
