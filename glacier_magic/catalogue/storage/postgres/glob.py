"""GLOB patterns of SQLite, translated into LIKE patterns or, if necessary, regular expressions."""

from __future__ import annotations

Ranges = list[tuple[str, str]]


def like_escaped(text: str) -> str:
    """Return the LIKE pattern that matches *text* alone."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def translate(pattern: str) -> tuple[str, str] | None:
    r"""Return the operator and pattern of PostgreSQL; None for a pattern that matches nothing.

    >>> translate("a*[*]?")
    ('LIKE', 'a%*_')
    >>> translate("[^a]*")
    ('~', '^[^\\U00000061].*$')
    """
    like, expression, plain, place = "", "", True, 0
    while place < len(pattern):
        char, place = pattern[place], place + 1
        if char == "[":
            found = _ranges(pattern, place)
            if found is None:
                return None
            negated, ranges, place = found
            one = not negated and len(ranges) == 1 and ranges[0][0] == ranges[0][1]
            plain = plain and one
            like += like_escaped(ranges[0][0]) if one else ""
            ranges = [pair for pair in ranges if pair[0] <= pair[1]]
            if not ranges and not negated:  # [z-a] matches no character
                return None
            expression += _set(ranges, negated=negated)
        else:
            like += {"*": "%", "?": "_"}.get(char) or like_escaped(char)
            expression += {"*": ".*", "?": "."}.get(char) or _code(char)
    return ("LIKE", like) if plain else ("~", f"^{expression}$")


def _ranges(pattern: str, place: int) -> tuple[bool, Ranges, int] | None:
    """Return the set that begins at *place*, and where it ends; None if it is not closed."""
    negated = pattern[place : place + 1] == "^"
    place += negated
    found: Ranges = []
    begin, prior = place, ""
    while place < len(pattern):
        char, after = pattern[place], pattern[place + 1 : place + 2]
        if char == "]" and place > begin:
            return negated, found, place + 1
        if char == "-" and prior and after not in ("]", ""):
            found.append((prior, after))
            prior, place = "", place + 2
        else:
            found.append((char, char))
            prior, place = char, place + 1
    return None


def _set(ranges: Ranges, *, negated: bool) -> str:
    inside = "".join(_code(a) if a == b else f"{_code(a)}-{_code(b)}" for a, b in ranges)
    return f"[{'^' * negated}{inside}]" if inside else "."


def _code(char: str) -> str:
    return f"\\U{ord(char):08x}"  # escaped, no character is an operator
