"""JSON of clients."""

from __future__ import annotations

import json
from typing import Any


def parse(text: bytes | str) -> Any:
    """Return the content of a JSON text.

    :raises ValueError: it is not JSON, is nested too deeply, or has half of a surrogate pair, which
        can be neither stored nor sent.
    """
    try:
        content = json.loads(text)
        json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content
