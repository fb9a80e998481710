"""Spelling the next step in messages: as a magic, a command, or a Python call.

A face calls :func:`spell_as` when it starts, and messages use :func:`step`: ``%glacier jobs`` in IPython,
``glacier-magic jobs`` in a shell, and ``session.jobs()`` without a face.
"""

from __future__ import annotations

import shlex

SHELL = "glacier-magic"

CALLS = {
    "backup": "vault.backup({})",
    "catalogue discard": "session.held.discard()",
    "catalogue resume": "session.held.resume()",
    "capacity": "session.capacity()",
    "connect": "glacier_magic.connect(...)",
    "connect --account": "glacier_magic.connect(account={})",
    "connect --data": "glacier_magic.connect(emulator={})",
    "connect --emulator": "glacier_magic.connect(emulator=True)",
    "connect --profile": "glacier_magic.connect(profile={})",
    "connect --region": "glacier_magic.connect(region={})",
    "connect --profile --region": "glacier_magic.connect(profile={}, region={})",
    "create": "session.create_vault({})",
    "deletions": "session.resume_deletion(...)",
    "drop": "session.drop_with_archives({})",
    "drop --stop": "session.stop_drop({})",
    "drops": "session.drops()",
    "find": "vault.find({})",
    "history": "session.history()",
    "inventory": "vault.inventory()",
    "inventory --fresh": "vault.refresh_inventory()",
    "jobs": "session.jobs()",
    "lock": "session.vault({}).lock()",
    "lock --abort": "session.vault({}).lock().abort()",
    "lock --complete": "session.vault({}).lock().complete()",
    "lock --policy": "session.vault({}).lock().initiate({})",
    "ls": "vault.archives({})",
    "ls --state": "vault.archives(states=[{}])",
    "migrations": "vault.migrations()",
    "migrations --prove": "vault.migrations().prove(...)",
    "migrations --recover": "vault.recover_migrations({})",
    "migrations --resume": "vault.migrations().resume()",
    "notify --remove": "session.vault({}).notifications().remove()",
    "notify remove": "session.routing({}).remove()",
    "notify setup": "session.routing({}).setup()",
    "rate": "session.engine.budget.max_rate",
    "restore": "vault.restore(...)",
    "restore --expired": "session.restore_expired()",
    "restore --extend": "session.extend()",
    "restore --save": "vault.restore(...).save({})",
    "restore --stop": "session.stop_restores()",
    "restore --tier": "vault.restore(..., tier={})",
    "rm": "vault.delete({})",
    "run": "session.open_plan({})",
    "unpack": "glacier_magic.unpack({})",
    "upload": "vault.upload({})",
    "snapshots": "vault.snapshots({})",
    "snapshots --files": "vault.snapshot_files({})",
    "uploads": "vault.uploads()",
    "use": "session.vault({})",
    "use --requester-pays": "session.vault({}, requester_pays=True)",
    "vaults": "session.vaults()",
    "verify": "vault.verify(...)",
    "wait": "session.pending().wait()",
}
"""The Python call of a verb and its distinctive words; ``{}`` stands for the others, in order."""

PARAMETERS = {"as": "kind", "recipient": "recipients", "replace": "instead"}
"""The Python parameters that have other names than their options."""


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

    >>> step("jobs"), step("drop", "photos --stop"), step("catalogue", "check --repair")
    ('session.jobs()', "session.stop_drop('photos')", 'glacier-magic catalogue check --repair')

    :param words: the words and options that follow the verb.
    """
    call = _call([verb, *_words(words)]) if _Face.program is None else None
    return (
        call or f"{_Face.program or SHELL} {verb} {words}".rstrip()
    )  # a shell works beside any Python program


def quoted(word: str) -> str:
    """Return a word as a shell and the magic read it, in the quotes that are easiest to read.

    >>> print(quoted("it's"), quoted("a b"))
    "it's" 'a b'
    """
    plain = "'" in word and not set('"$`\\!') & set(word)
    return f'"{word}"' if plain else shlex.quote(word)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an apostrophe
        return text.split()


def _call(line: list[str]) -> str | None:
    """Return the Python call of a line; None where there is none."""
    if "--help" in line:
        return None
    keys = [key for key in CALLS if set(key.split()) <= set(line) and key.split()[0] == line[0]]
    if not keys:
        return None
    key = max(keys, key=lambda key: len(key.split()))
    names = [word for word in line[1:] if word not in (*key.split(), "...") and not word.startswith("--")]
    call = CALLS[key]
    for name in names[: call.count("{}")]:
        call = call.replace("{}", "..." if name.isupper() else repr(name), 1)
    return call.replace("{}", "...")


def this_process() -> str:
    """Return what the user calls this process."""
    program = _Face.program
    return "this program" if program is None else "this command" if program == SHELL else "this kernel"


def left_out(count: int) -> str:
    """Return the last line of a table that leaves out *count* rows; ``""`` if it leaves out none."""
    whole = "" if _Face.program == SHELL else ": .table has them all"
    return f"and {count:,} more{whole}" if count > 0 else ""


def option(name: str, value: object = None) -> str:
    """Return an option as the user would type it: ``--tier bulk``, in Python ``tier='bulk'``.

    :param value: its value; True for an option without one; None for the name alone.
    """
    if _Face.program is None:
        word = PARAMETERS.get(name, name.replace("-", "_"))
        return word if value is None else f"{word}={'...' if str(value).isupper() else repr(value)}"
    return f"--{name}" if value is None or value is True else f"--{name} {value}"


def consent(name: str = "") -> str:
    """Return how a plan that was shown is run.

    :param name: the name that confirms it; empty where none is needed.
    """
    if _Face.program is None:
        return f"call its .run(confirm={name!r})" if name else "call its .run()"
    return f"repeat with --confirm {name}" if name else "repeat with --yes"
