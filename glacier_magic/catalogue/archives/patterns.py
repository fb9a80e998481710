"""The literal parts of patterns of names."""

from __future__ import annotations


def literal(text: str) -> str:
    """Return the pattern that matches *text* alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def literals(pattern: str) -> list[str]:
    """Return the texts that every match of *pattern* contains; the first is its prefix."""
    found, place = [""], 0
    while place < len(pattern):
        char = pattern[place]
        closed = pattern.find("]", place + 2 + (pattern[place + 1 : place + 2] == "^"))
        if char == "[" and closed == place + 2 and pattern[place + 1] != "^":
            found[-1] += pattern[place + 1]  # one character in brackets is itself
            place = closed
        elif char == "[" and closed > 0:
            found.append("")
            place = closed
        elif char in "*?[":
            found.append("")
        else:
            found[-1] += char
        place += 1
    return found
