"""Policy documents: strict parsing, description in sentences, display without account ids."""

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

_ACCOUNT = re.compile(r"(?<!\d)\d{8}(\d{4})(?!\d)")  # 12 digits and no more: a longer number is no account
_CURE = "Correct the file and repeat; nothing was sent."


def masked(text: str) -> str:
    """Return *text* with all but the last four digits of every 12-digit number masked."""
    return _ACCOUNT.sub(r"********\1", text)


@dataclass(frozen=True, eq=False)
class Document:
    """A policy: its text as it is sent, and its parsed content."""

    text: str
    content: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> Document:
        """Parse a policy to be set.

        :raises InputError: it is longer than 20 KB, is not JSON, repeats a key, or lacks
            statements with an effect and actions.
        """
        # Counts half a surrogate pair instead of failing.
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
                data = file.read(LONGEST + 4)  # a byte order mark, and one byte to see that it is too long
            return cls.parse(data.decode("utf-8-sig"))  # Windows editors write a byte order mark
        except OSError as error:
            raise LocalError(
                f"{str(path)!r} cannot be read: {error.strerror or error}", cure="Name a JSON file."
            ) from None
        except UnicodeDecodeError:
            raise InputError(f"{str(path)!r} is not text in UTF-8", cure=_CURE) from None

    @classmethod
    def received(cls, text: str) -> Document:
        """Return a policy received from the service, which may be malformed: it is only shown."""
        try:
            return cls(text, _object(text))
        except InputError:
            return cls(text, {})

    @property
    def statements(self) -> list[Mapping[str, Any]]:
        """The statements."""
        return [s for s in _statements(self.content) if isinstance(s, Mapping)]

    def same_as(self, other: Document) -> bool:
        """Return whether two policies are equal, regardless of white space and the order of keys."""
        if self.content and other.content:  # what could not be parsed has no content to compare
            return self.content == other.content
        return self.text == other.text

    def pretty(self) -> str:
        """Return the policy for display: indented, account ids masked."""
        if not self.content:
            return masked(self.text)
        return masked(json.dumps(self.content, indent=2, ensure_ascii=False))

    def words(self) -> list[str]:
        """Return a sentence for each statement; account ids masked."""
        return [masked(statement_words(statement)) for statement in self.statements]

    def warnings(self, *, lasting: bool = False) -> list[str]:
        """Return warnings about dangerous statements.

        :param lasting: whether the policy is meant to be permanent.
        """
        more = lasting_warnings(self.statements) if lasting else []
        return [masked(warning) for warning in [*warnings_of(self.statements), *more]]

    def check_vault(self, arn: str) -> None:
        """Check that every statement applies to the vault with this ARN.

        :raises InputError: one applies only to other resources.
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
    # IAM takes brackets literally, and only the service can resolve a policy variable.
    return "${" in pattern or fnmatchcase(arn, pattern.replace("[", "[[]"))


def _object(text: str) -> dict[str, Any]:
    try:
        # NaN and Infinity are not JSON.
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"The policy is not JSON: {error.msg} ({where})", cure=_CURE) from None
    except InputError:
        raise  # a repeated key: also a ValueError
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
        # Parsers disagree on which one counts: the policy in effect may not be the reviewed one.
        raise InputError("The policy repeats a key in one object", cure=_CURE)
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]  # IAM accepts one value where it accepts a list


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
