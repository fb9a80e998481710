"""Writing an unmasked document to a file that only the user can read."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import LocalError


def save_new(path: str | os.PathLike[str], text: str) -> Path:
    """Write *text* to a new file that only its owner can read; return its path.

    :raises LocalError: it exists or cannot be written; no partial file remains.
    """
    file = Path(path).expanduser().absolute()
    try:
        handle = os.open(
            file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
        )  # fails if the name exists, even as a link
    except FileExistsError:
        raise LocalError(
            f"{str(path)!r} already exists", cure="Name another file; no file is overwritten."
        ) from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    try:
        # A policy is saved as received, even half of a surrogate pair.
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass") as out:
            out.write(text)
    except OSError as error:
        file.unlink(missing_ok=True)  # half a policy could pass for a whole one
        raise _unwritable(path, error) from None
    return file


def _unwritable(path: str | os.PathLike[str], error: Exception) -> LocalError:
    reason = getattr(error, "strerror", None) or error
    return LocalError(f"{str(path)!r} cannot be written: {reason}", cure="Name another file.")
