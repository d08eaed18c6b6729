"""As much of JSON Schema as the published schemas of headgate use; an unknown keyword is an error, not a pass."""

import re
from typing import Any

__all__ = ["complaints"]

TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
NOTES = {"$schema", "$defs", "title", "description"}


def complaints(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$") -> list[str]:
    """Return a line for everything in `value` that breaks the schema."""
    root = schema if root is None else root
    if "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        return complaints(value, root["$defs"][name], root, at)
    lines: list[str] = []
    for keyword, wanted in schema.items():
        if keyword not in NOTES and not _keeps(keyword, wanted, value, schema, root):
            lines.append(f"{at}: {value!r:.80} breaks {keyword} {wanted!r:.80}")
    for key, inner in schema.get("properties", {}).items():
        if isinstance(value, dict) and key in value:
            lines += complaints(value[key], inner, root, f"{at}.{key}")
    if isinstance(value, list) and "items" in schema:
        lines += [
            line for n, each in enumerate(value) for line in complaints(each, schema["items"], root, f"{at}[{n}]")
        ]
    return lines


def _is_of(value: Any, kind: str) -> bool:
    if kind in ("number", "integer"):
        return isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def _keeps(keyword: str, wanted: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    match keyword:
        case "type":
            return any(_is_of(value, kind) for kind in ([wanted] if isinstance(wanted, str) else wanted))
        case "const":
            return bool(value == wanted)
        case "enum":
            return value in wanted
        case "required":
            return not isinstance(value, dict) or set(wanted) <= set(value)
        case "additionalProperties":
            return _keeps_to_properties(wanted, value, schema, root)
        case "propertyNames":
            return not isinstance(value, dict) or not any(complaints(key, wanted, root) for key in value)
        case "pattern":
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case "minLength" | "minItems":
            return not isinstance(value, str | list) or len(value) >= wanted
        case "maxLength" | "maxItems":
            return not isinstance(value, str | list) or len(value) <= wanted
        case "minimum":
            return not _is_of(value, "number") or value >= wanted
        case "maximum":
            return not _is_of(value, "number") or value <= wanted
        case "anyOf":
            return any(not complaints(value, each, root) for each in wanted)
        case "not":
            return bool(complaints(value, wanted, root))
        case "properties" | "items":
            return True
    raise AssertionError(f"schema: keyword {keyword} is not known here")


def _keeps_to_properties(wanted: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    others = [each for key, each in value.items() if key not in schema.get("properties", {})]
    return not others if wanted is False else not any(complaints(each, wanted, root) for each in others)
