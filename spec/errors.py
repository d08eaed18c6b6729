"""What a reader of files says when it refuses, in one line: place, what was expected, what stood there."""

__all__ = ["InputError", "one_line"]


class InputError(Exception):
    """Bad input: the `place` (file and key, or file, line and column), what was `expected`, what was `got`.

    `str()` is one line without control characters, whatever the file held.
    """

    def __init__(self, place: str, expected: str, got: str = "") -> None:
        super().__init__(place, expected, got)  # all three, so that the error survives pickling
        self.place = place
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        """Return the line that a user sees."""
        tail = f", got {self.got}" if self.got else ""
        return one_line(f"{self.place}: expected {self.expected}{tail}")


def one_line(text: str) -> str:
    """Return `text` with every character that a terminal would not print written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
