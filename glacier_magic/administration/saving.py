"""Writing an unmasked document to a file that only the user can read."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.files import write_new
from ..errors import LocalError


def save_new(path: str | os.PathLike[str], text: str) -> Path:
    """Write *text* to a new file that only its owner can read; return its path.

    :raises LocalError: it exists or cannot be written; no partial file remains.
    """
    file = Path(path).expanduser().absolute()
    try:
        # A policy is saved as received, even half of a surrogate pair.
        write_new(file, text.encode("utf-8", "surrogatepass"))
    except FileExistsError:
        raise LocalError(
            f"{str(path)!r} already exists", cure="Name another file; no file is overwritten."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LocalError(f"{str(path)!r} cannot be written: {reason}", cure="Name another file.") from None
    return file
