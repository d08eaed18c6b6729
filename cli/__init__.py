"""The face: commands, tables and pictures. May import every room but the tests."""
