"""The probable reason for a denied deletion, from the policies of the vault.

The service responds to a denied request with "access denied" only.  A vault lock or vault access
policy that denies ``glacier:DeleteArchive`` can be read; a lock usually does so with the condition
``glacier:ArchiveAgeInDays`` (developer guide, "Vault Lock Policies").  The policies are not fully
evaluated, so the reason is only probable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..base.units import from_ms, plural
from ..errors import GlacierError, NotFound
from .administration import Administration
from .client import Service

ACTION = "glacier:deletearchive"
AGE = "glacier:archiveageindays"
DAY = 86_400_000
_ACCOUNT = re.compile(r"\b\d{8}(\d{4})\b")
_YOUNGER = {"numericlessthan": 0, "numericlessthanequals": 1}  # with "equals", the last day is denied, too


@dataclass(frozen=True)
class Denial:
    """The probable reason for a denial.

    :param words: a sentence without its full stop.
    :param days: the age in days at which archives may be deleted, if that is the rule.
    """

    words: str
    days: int | None = None

    def until(self, created: int | None) -> int | None:
        """Return when an archive may be deleted, in milliseconds since 1970, given its creation."""
        return None if self.days is None or not created else created + self.days * DAY

    def of(self, created: int | None) -> str:
        """Return the sentence for one archive."""
        until = from_ms(self.until(created))
        return self.words if until is None else f"{self.words}; this one until {until:%Y-%m-%d}"


def explain(service: Service, vault: str) -> Denial:
    """Return the probable reason why deletions from a vault are denied; failed requests are ignored."""
    found, unread = [], []
    for name, ask in (("lock", _lock), ("access policy", _policy)):
        try:
            found += [_denial(*each) for each in ask(service, vault)]
        except NotFound:
            continue
        except (GlacierError, ValueError):
            unread.append(f"the vault {name}")
    if found:
        return max(found, key=lambda denial: denial.days or 0)  # the longest hold decides
    if unread:
        return Denial(f"{' and '.join(unread)} could not be read: one of them may deny it")
    return Denial(
        "neither a lock nor an access policy of the vault denies it: the IAM policy of the "
        "identity probably lacks glacier:DeleteArchive"
    )


def _lock(service: Service, vault: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    lock = Administration(service).lock(vault)
    if lock is None:
        return iter(())
    name = f"the vault lock ({lock.get('State') or 'state unknown'})"
    return ((name, each) for each in denying(str(lock.get("Policy") or "")))


def _policy(service: Service, vault: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    policy = Administration(service).access_policy(vault)
    if policy is None:
        return iter(())
    return (("the vault access policy", s) for s in denying(policy))


def denying(policy: str) -> list[Mapping[str, Any]]:
    """Return the statements of a policy that deny deleting archives.

    :raises ValueError: it is not a policy.
    """
    document = json.loads(policy)
    if not isinstance(document, dict):
        raise ValueError("not a policy")
    statements = document.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]  # IAM allows a single one
    return [s for s in listed if isinstance(s, dict) and s.get("Effect") == "Deny" and _about_deleting(s)]


def _about_deleting(statement: Mapping[str, Any]) -> bool:
    if "NotAction" in statement:  # it denies all actions but these
        return not _matches(statement["NotAction"])
    return _matches(statement.get("Action"))


def _matches(actions: object) -> bool:
    listed = actions if isinstance(actions, list) else [actions]
    # IAM ignores case in actions, and allows * and ?.
    return any(fnmatchcase(ACTION, str(each).lower()) for each in listed)


def _denial(name: str, statement: Mapping[str, Any]) -> Denial:
    sid = f", statement {str(statement['Sid'])[:80]!r}," if statement.get("Sid") else ""
    conditions = statement.get("Condition") or {}
    days = _days(conditions)
    if days is not None:
        return Denial(f"{name}{sid} denies deleting archives younger than {plural(days, 'day')}", days)
    shown = _ACCOUNT.sub(r"********\1", json.dumps(conditions))[:200]
    under = f" under the condition {shown}" if conditions else ""
    return Denial(f"{name}{sid} denies deleting archives{under}")


def _days(conditions: object) -> int | None:
    """Return the age in days at which a condition on the age no longer denies, or None."""
    if not isinstance(conditions, dict):
        return None
    for operator, tests in conditions.items():
        more = _YOUNGER.get(str(operator).lower())
        for key, value in tests.items() if isinstance(tests, dict) and more is not None else ():
            first = value[0] if isinstance(value, list) and value else value
            if str(key).lower() == AGE and str(first).isdigit():  # a policy may have numbers as text
                return int(str(first)) + (more or 0)
    return None
