"""This project's own tests, deliberately wrong implementations included."""
