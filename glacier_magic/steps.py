"""Spelling the next step in messages: as a magic, a command, or a Python call.

A face calls :func:`spell_as` when it starts, and messages use :func:`step`: ``%glacier jobs`` in IPython,
``glacier-magic jobs`` in a shell, and ``session.jobs()`` without a face.
"""

from __future__ import annotations

SHELL = "glacier-magic"

CALLS = {
    "capacity": "session.capacity()",
    "connect": "glacier_magic.connect(...)",
    "deletions": "session.resume_deletion(...)",
    "drop": "session.drop_with_archives(...)",
    "drops": "session.drops()",
    "find": "vault.find(...)",
    "history": "session.history()",
    "inventory": "vault.inventory()",
    "jobs": "session.jobs()",
    "ls": "vault.archives()",
    "restore": "vault.restore(...)",
    "rm": "vault.remove(...)",
    "uploads": "vault.uploads()",
    "vaults": "session.vaults()",
    "wait": "session.pending().wait()",
}
"""The Python call of a verb without words."""


# A class, as a module's variable would need "global" in spell_as().
class _Face:
    """The face of this process."""

    program: str | None = None


def spell_as(program: str | None) -> None:
    """Spell verbs with a program from now on.

    :param program: ``%glacier`` or ``glacier-magic``; None for Python calls.
    """
    _Face.program = program


def step(verb: str, words: str = "") -> str:
    """Return a verb with its words, as the user would type it.

    >>> step("jobs"), step("catalogue", "check --repair")
    ('session.jobs()', 'glacier-magic catalogue check --repair')

    :param words: the words and options that follow the verb.
    """
    if _Face.program is None and not words and verb in CALLS:  # how words become arguments differs by verb
        return CALLS[verb]
    return f"{_Face.program or SHELL} {verb} {words}".rstrip()  # a shell works beside any Python program
