"""How a verb is written where the user is: as a magic, as a command, or as a call.

Messages name the next step with :func:`step`.  A face says once, when it starts, how it writes verbs:
``%glacier jobs`` in IPython, ``glacier-magic jobs`` in a shell; without one, Python's own call is named:
``session.jobs()``.
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
"""The call for a verb, where Python has one of its own and no words follow the verb."""


class _Face:
    """The face of this process."""

    program: str | None = None


def spell_as(program: str | None) -> None:
    """Write verbs as words of a program from now on; None: as Python's calls.

    :param program: ``%glacier`` or ``glacier-magic``.
    """
    _Face.program = program


def step(verb: str, words: str = "") -> str:
    """Return how to write a verb with its words.

    >>> step("jobs"), step("catalogue", "check --repair")
    ('session.jobs()', 'glacier-magic catalogue check --repair')

    :param words: the words and options that follow the verb.
    """
    if _Face.program is None and not words and verb in CALLS:
        return CALLS[verb]
    return f"{_Face.program or SHELL} {verb} {words}".rstrip()
