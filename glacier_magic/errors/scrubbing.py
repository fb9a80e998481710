"""Removing secrets from texts: keys, tokens, signatures, passwords, and account ids.

The message of a library may repeat a whole signed request.  :mod:`.errors` passes every text of an
error through :func:`scrub`.
"""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

STARS = "********"
SHORTEST = 16
"""Length of the shortest AWS key; a shorter value may be a word, such as ``test``."""
KEPT = 64
"""Values that are remembered; temporary keys are replaced every hour."""
_IDS = {92, 138}
"""Lengths of job and upload ids, and of archive ids."""

_ACCOUNT = re.compile(
    r"(arn:[\w-]*:[\w-]*:[\w-]*:)\d{8}(\d{4})(?=:)|(/)\d{8}(\d{4})(?=/(?:vaults|policies)\b)"
)
_VALUE = r"[^\s\"'\\&,;<>)]+"
_NAMED = re.compile(
    rf"""(?ix)
    (   \b(?:signature|credential|password|passwd) \s*(?:=|%3d)\s* (?:b?["'])?
    |   (?:security[-_]?token|session[-_]?token|secret[-_]?(?:access[-_]?)?key
        |access[-_]?key(?:[-_]?id)?) ["']? \s*(?:=|:|%3d)\s* (?:b?["'])?
    |   \bauthorization ["']? \s*[:=]\s* (?:b?["'])? (?:(?:basic|bearer|digest|aws4-[\w-]+)\s+)?
    ) {_VALUE}"""
)
_PASSWORD = re.compile(r"""(://[^\s/:@"']*:)[^\s/"'<>]*(?=@)""")
# Ids of access keys, the beginnings of session tokens (base64 of a fixed header), and identities of age.
_KEY = re.compile(
    r"(?<![A-Za-z0-9])A[BKS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|(?:IQoJb3JpZ2lu|F[Qw]oGZXIvYXdz|AQoDYXdz)[A-Za-z0-9+/=%_-]*"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{8,}"
)
# 40: a secret key; more: a token or signature.  Not within a path, and not before a suffix.
_RANDOM = re.compile(r"(?<![\w+/-])(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{160,})={0,2}(?!\.?[\w+/-])")
_CHANGES = re.compile("[A-Z]+|[a-z]+|[0-9]+|[+/]+")


def mask_account(text: str) -> str:
    """Return *text* with all but the last four digits of account ids in ARNs and paths masked."""
    # The search first: a substitution costs three times as much, and most texts have none.
    return _ACCOUNT.sub(r"\1\3********\2\4", text) if _ACCOUNT.search(text) else text


class Scrubber:
    """Masks secrets in text: known values, and everything that looks like an AWS secret."""

    def __init__(self) -> None:
        self._hidden: dict[str, re.Pattern[str]] = {}

    def hide(self, *values: str | None) -> None:
        """Mask *values* in every text from now on: the keys and tokens in use."""
        for value in values:
            core = (value or "").strip()  # space around it would keep the pattern from matching
            # Hiding a word would make every message unreadable.
            if len(core) >= SHORTEST and core not in self._hidden:
                # It must also match where a library has escaped it.
                self._hidden[core] = re.compile("".join(map(_spelled, core)))
                for oldest in list(self._hidden)[:-KEPT]:
                    self._hidden.pop(oldest, None)  # another thread may have dropped it already

    def scrub(self, text: object) -> str:
        """Return *text* without secrets.

        Masked are the hidden values, access keys, session tokens, signatures, credentials in headers
        and queries, passwords in URLs, and account ids except for their last four digits.  Ids of
        archives, jobs and uploads, and tree hashes, are kept.
        """
        shown = str(text)
        for pattern in list(self._hidden.values()):  # a copy: another thread may hide a value
            shown = pattern.sub(STARS, shown)
        # After the known values: these patterns would cut them in pieces.
        shown = _PASSWORD.sub(rf"\1{STARS}", _NAMED.sub(rf"\1{STARS}", shown))
        return mask_account(_RANDOM.sub(_unless_readable, _KEY.sub(STARS, shown)))


_of_this_process = Scrubber()
hide, scrub = _of_this_process.hide, _of_this_process.scrub


def _unless_readable(found: re.Match[str]) -> str:
    """Mask random text: in a path or a name, characters of different kinds rarely alternate."""
    run = found[0]
    # Ids are random, too, but the user needs them whole.
    if any(len(piece) in _IDS for piece in run.split("/")):
        return run
    kinds = _CHANGES.findall(run)
    # A hash in hexadecimal lacks one of the groups, and is kept.
    mixed = all(any(kind[0] in group for kind in kinds) for group in _GROUPS)
    return STARS if mixed and len(kinds) > 0.4 * len(run) else run


_GROUPS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789")


def _spelled(character: str) -> str:
    """Return a pattern for a character as it is, or escaped in code, JSON, a URL or HTML."""
    if character.isascii() and character.isalnum():
        return character
    # safe="": the "/" of a key is encoded in a query.
    coded = quote(character.encode(errors="surrogatepass"), safe="")
    forms = {
        character,
        repr(character)[1:-1],
        ascii(character)[1:-1],
        json.dumps(character)[1:-1],
        repr(character.encode(errors="surrogatepass"))[2:-1],
        coded,
        coded.lower(),
        html.escape(character),
    }
    # Any number of backslashes: JSON within JSON doubles them.
    return rf"\\*(?:{'|'.join(map(re.escape, sorted(forms)))})"
