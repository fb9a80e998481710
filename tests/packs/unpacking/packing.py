"""Tars that tests make."""

import io
import tarfile


def tarred(members, mode="w"):
    """Return a tar of files by name, or of :class:`tarfile.TarInfo` with their bytes."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size, info.mtime = len(data), info.mtime or 1_600_000_000
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()
