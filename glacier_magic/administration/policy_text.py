"""Policy statements as sentences, and warnings about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

ANYONE = "anyone in the world"

_OPERATORS = {
    "NumericLessThan": "is less than",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is more than",
    "NumericGreaterThanEquals": "is at least",
    "NumericEquals": "is",
    "StringEquals": "is",
    "StringNotEquals": "is not",
    "StringLike": "is like",
    "StringNotLike": "is not like",
    "ArnEquals": "is",
    "ArnLike": "is like",
    "Bool": "is",
    "IpAddress": "is in",
    "NotIpAddress": "is not in",
    "DateLessThan": "is before",
    "DateGreaterThan": "is after",
    "Null": "is missing:",  # its value is true or false: "is missing: true"
}
_KEYS = {
    "glacier:archiveageindays": "the archive's age in days",
    "aws:securetransport": "use of HTTPS",
    "aws:sourceip": "the caller's address",
    "aws:principalorgid": "the caller's organization",
}
_TAG = "glacier:resourcetag/"


def statement_words(statement: Mapping[str, Any]) -> str:
    """Return one statement as a sentence: who may or may not do what, and if."""
    verb = "allows" if statement.get("Effect") == "Allow" else "forbids"
    conditions = list(_conditions(statement.get("Condition")))
    when = f", if {' and '.join(conditions)}" if conditions else ""
    return f"{verb} {_who(statement)} to perform {_what(statement)}{when}"


def warnings_of(statements: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return warnings about dangerous statements."""
    found = []
    for number, statement in enumerate(statements, 1):
        if statement.get("Effect") != "Allow":  # a denial opens nothing
            continue
        if "NotPrincipal" in statement or "*" in principals(statement.get("Principal")):
            limit = ", limited only by its condition" if statement.get("Condition") else ""
            found.append(
                f"Statement {number} opens the vault to {ANYONE}{limit}; its owner pays for their requests."
            )
        if "NotAction" in statement:
            found.append(
                f"Statement {number} allows all actions that it does not name, including future ones."
            )
    return found


def lasting_warnings(statements: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return warnings about statements that are dangerous if permanent."""
    return [
        f"Statement {number} has no condition: no archive could ever be deleted, and storage would "
        "be billed without end."
        for number, statement in enumerate(statements, 1)
        if statement.get("Effect") == "Deny"
        and not statement.get("Condition")
        and _names(statement, "DeleteArchive")
    ]


def _names(statement: Mapping[str, Any], action: str) -> bool:
    # IAM ignores the case of actions, and takes wildcards in both elements.
    listed = _actions(statement["NotAction"] if "NotAction" in statement else statement.get("Action"))
    return any(fnmatchcase(action.lower(), name.lower()) for name in listed) is not ("NotAction" in statement)


def principals(value: Any) -> list[str]:
    """Return the principals in a principal element; ``*`` is everyone."""
    if isinstance(value, Mapping):
        # By kind: AWS, Service, Federated.
        return [name for part in value.values() for name in principals(part)]
    if isinstance(value, list):
        return [str(name) for name in value]
    return [] if value is None else [str(value)]


def _who(statement: Mapping[str, Any]) -> str:
    if "NotPrincipal" in statement:
        return f"everyone except {', '.join(principals(statement['NotPrincipal']))}"
    names = principals(statement.get("Principal"))
    if "*" in names:
        return ANYONE
    return ", ".join(map(_person, names)) or "no one"


def _person(name: str) -> str:
    if name.isdecimal():
        return f"account {name}"
    if name.startswith("arn:") and name.endswith(":root"):  # the whole account, not its root user
        return f"account {name.split(':')[4]}"
    return name


def _what(statement: Mapping[str, Any]) -> str:
    if "NotAction" in statement:
        return f"any action except {', '.join(_actions(statement['NotAction']))}"
    actions = _actions(statement.get("Action"))
    if "*" in actions:
        return "any action"
    return ", ".join(actions) or "no action"


def _actions(value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value]
    return [re.sub("^glacier:", "", str(name), flags=re.IGNORECASE) for name in names if name is not None]


def _conditions(condition: Any) -> Iterator[str]:
    if not isinstance(condition, Mapping):
        return
    for operator, tests in condition.items():
        if not isinstance(tests, Mapping):
            continue
        for key, value in tests.items():
            values = value if isinstance(value, list) else [value]
            plain = operator.removesuffix("IfExists")
            yield f"{_key(key)} {_OPERATORS.get(plain, plain)} {' or '.join(map(str, values))}"


def _key(key: str) -> str:
    if key.lower().startswith(_TAG):
        return f"the vault's tag {key[len(_TAG) :]}"
    return _KEYS.get(key.lower(), key)  # condition keys are case-insensitive
