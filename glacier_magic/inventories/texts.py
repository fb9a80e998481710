r"""Converting the bytes of descriptions to text, without loss, and back.

The service allows printable ASCII, but some inventories have UTF-8.  A byte that is not UTF-8
becomes the private character U+10FF00 plus its value, as do the three bytes of half a surrogate
pair, which JSON can escape as ``\ud800``.  A character from U+10FF80 to U+10FFFF in the description
is treated as four such bytes.  So different descriptions never become the same text, and
:func:`original` restores each of them.
"""

from __future__ import annotations

import json
import re

_BASE = 0x10FF00


def _private(data: bytes) -> str:
    return "".join(chr(_BASE + byte) for byte in data)


# The keys are what "surrogateescape" makes of a byte, and the private characters themselves.
_ODD = {0xDC00 + byte: chr(_BASE + byte) for byte in range(0x80, 0x100)} | {
    _BASE + byte: _private(chr(_BASE + byte).encode()) for byte in range(0x80, 0x100)
}
_PRIVATE_BYTE = re.compile("([\U0010ff80-\U0010ffff])")
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\.",  # the last one consumes an escaped backslash
    re.DOTALL,
)
_JSON = json.JSONDecoder(strict=False)  # a control character must not lose an archive


def decode(data: bytes) -> str:
    r"""Return *data* as text that can be written as UTF-8 again.

    >>> decode(b"na\xefve") == "na\U0010ffefve"
    True
    """
    if data.isascii():
        return data.decode("ascii")
    return data.decode("utf-8", "surrogateescape").translate(_ODD)


def original(description: str) -> bytes:
    """Return the bytes of *description*, as read from an inventory.

    For a JSON inventory, these are the UTF-8 of the text, because its escapes mean characters.
    """
    return b"".join(
        bytes([ord(text) - _BASE]) if number % 2 else text.encode()
        for number, text in enumerate(_PRIVATE_BYTE.split(description))
    )


def is_plain(data: bytes) -> bool:
    """Return whether :func:`decode` of *data* is the same as decoding UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\xf4\x8f\xbe" not in data and b"\xf4\x8f\xbf" not in data  # U+10FF80 to U+10FFFF


def json_value(data: bytes) -> object:
    """Return the value in the JSON text *data*, with strings as from :func:`decode`.

    :raises ValueError: it is not JSON.
    """
    text = decode(data).strip(" \t\r\n")
    if "\\ud" in text or "\\uD" in text:  # rare, and the replacement is slow
        text = _ESCAPE.sub(_without_halves, text)
    value, end = _JSON.raw_decode(text)
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def _without_halves(escape: re.Match[str]) -> str:
    high, low, half = escape.groups()
    if half:
        return _private(chr(int(half, 16)).encode("utf-8", "surrogatepass"))
    if high:
        code = 0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)
        return _ODD.get(code, escape[0])
    return escape[0]
