"""HTML and SVG in which nothing can be forgotten: text is escaped unless it was made here."""

import html

__all__ = ["Markup", "join", "tag"]


class Markup(str):
    """A piece of HTML or SVG; everything else that is put into an element is text, and escaped."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: object) -> Markup:
    """Return an element. `class_` stands for class, other underscores in names for hyphens; None leaves one out."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    words = "".join(f' {key}="{html.escape(str(value))}"' for key, value in given.items())
    return Markup(f"<{name}{words}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """Return the pieces one after the other, what is no markup escaped."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(child) for child in children))
