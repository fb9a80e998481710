"""Policy documents: read strictly, told in words, shown without account ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import InputError, LocalError
from .policy_text import lasting_warnings, statement_words, warnings_of

LONGEST = 20 * 1024
"""Bytes of a policy (service documentation, "Set Vault Access Policy", "Initiate Vault Lock")."""

_ACCOUNT = re.compile(r"(?<!\d)\d{8}(\d{4})(?!\d)")
_CURE = "Mend the file and repeat; nothing was sent."


def masked(text: str) -> str:
    """Return *text* with all but the last four digits of every 12-digit number starred."""
    return _ACCOUNT.sub(r"********\1", text)


@dataclass(frozen=True, eq=False)
class Document:
    """A policy: the text as it is sent, and what it says."""

    text: str
    content: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> Document:
        """Read a policy that somebody means to set.

        :raises InputError: it is longer than 20 KB, not JSON, names a key twice, or has no
            statements of an effect and actions each.
        """
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
            raise InputError(f"The policy is longer than {LONGEST:,} bytes", cure=_CURE)
        content = _object(text)
        statements = _statements(content)
        if not statements:
            raise InputError("The policy has no Statement", cure=_CURE)
        for number, statement in enumerate(statements, 1):
            _check(number, statement)
        return cls(text, content)

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a policy from a file; raises like :meth:`parse`.

        :raises LocalError: the file cannot be read.
        """
        try:
            with path.open("rb") as file:
                data = file.read(LONGEST + 4)
            return cls.parse(data.decode("utf-8-sig"))
        except OSError as error:
            raise LocalError(
                f"{str(path)!r} cannot be read: {error.strerror or error}", cure="Name a JSON file."
            ) from None
        except UnicodeDecodeError:
            raise InputError(f"{str(path)!r} is not text in UTF-8", cure=_CURE) from None

    @classmethod
    def told(cls, text: str) -> Document:
        """Take a policy as the service tells it, whatever it is: it is shown, not sent."""
        try:
            return cls(text, _object(text))
        except InputError:
            return cls(text, {})

    @property
    def statements(self) -> list[Mapping[str, Any]]:
        """The statements, one or many."""
        return [s for s in _statements(self.content) if isinstance(s, Mapping)]

    def same_as(self, other: Document) -> bool:
        """Tell whether two policies say the same; spaces and the order of keys do not matter."""
        if self.content and other.content:
            return self.content == other.content
        return self.text == other.text

    def pretty(self) -> str:
        """Return the policy for people: indented, account ids masked."""
        if not self.content:
            return masked(self.text)
        return masked(json.dumps(self.content, indent=2, ensure_ascii=False))

    def words(self) -> list[str]:
        """Return what each statement says, in a sentence; account ids masked."""
        return [masked(statement_words(statement)) for statement in self.statements]

    def warnings(self, *, lasting: bool = False) -> list[str]:
        """Return what somebody should think about twice.

        :param lasting: the policy is to hold for ever.
        """
        more = lasting_warnings(self.statements) if lasting else []
        return [masked(warning) for warning in [*warnings_of(self.statements), *more]]

    def check_vault(self, arn: str) -> None:
        """Return if every statement is about the vault with this ARN.

        :raises InputError: one names another vault only.
        """
        for number, statement in enumerate(self.statements, 1):
            named = _listed(statement.get("Resource", arn))
            if not any(_covers(str(pattern), arn) for pattern in named):
                raise InputError(
                    f"Statement {number} of the policy is for another resource: "
                    f"{masked(', '.join(map(str, named)))}",
                    cure=f"The Resource of this vault is {masked(arn)}; nothing was sent.",
                )


def _covers(pattern: str, arn: str) -> bool:
    # A bracket means nothing to IAM, and a policy variable is only known to the service.
    return "${" in pattern or fnmatchcase(arn, pattern.replace("[", "[[]"))


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"The policy is not JSON: {error.msg} ({where})", cure=_CURE) from None
    except RecursionError:
        raise InputError("The policy is nested too deeply", cure=_CURE) from None
    except ValueError as error:
        raise InputError(f"The policy is not JSON: {error}", cure=_CURE) from None
    if not isinstance(content, dict):
        raise InputError("The policy is not a JSON object", cure=_CURE)
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Readers disagree on which of the two counts: what was reviewed may not be what holds.
        raise InputError("The policy names a key twice in one object", cure=_CURE)
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(content: Mapping[str, Any]) -> list[Any]:
    return _listed(content["Statement"]) if "Statement" in content else []


def _check(number: int, statement: Any) -> None:
    if not isinstance(statement, dict):
        raise InputError(f"Statement {number} of the policy is not an object", cure=_CURE)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise InputError(f"Statement {number} of the policy has no Effect of Allow or Deny", cure=_CURE)
    for one in ("Action", "Principal"):
        if one not in statement and f"Not{one}" not in statement:
            raise InputError(f"Statement {number} of the policy has no {one}", cure=_CURE)
