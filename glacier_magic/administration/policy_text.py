"""What a policy's statements mean, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

EVERYBODY = "everybody in the world"

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
    "Null": "is missing:",
}
_KEYS = {
    "glacier:archiveageindays": "the archive's age in days",
    "aws:securetransport": "use of HTTPS",
    "aws:sourceip": "the caller's address",
    "aws:principalorgid": "the caller's organization",
}
_TAG = "glacier:resourcetag/"


def statement_words(statement: Mapping[str, Any]) -> str:
    """Return one statement as a sentence: who may or may not do what, and when."""
    verb = "lets" if statement.get("Effect") == "Allow" else "forbids"
    joint = "do" if verb == "lets" else "to do"
    conditions = list(_conditions(statement.get("Condition")))
    when = f", while {' and '.join(conditions)}" if conditions else ""
    return f"{verb} {_who(statement)} {joint} {_what(statement)}{when}"


def warnings_of(statements: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is dangerous about statements."""
    found = []
    for number, statement in enumerate(statements, 1):
        if statement.get("Effect") != "Allow":
            continue
        if "NotPrincipal" in statement or "*" in principals(statement.get("Principal")):
            limit = ", limited only by its condition" if statement.get("Condition") else ""
            found.append(
                f"Statement {number} opens the vault to {EVERYBODY}{limit}; its owner pays for "
                "what they ask for."
            )
        if "NotAction" in statement:
            found.append(f"Statement {number} allows all that it does not name, today and later.")
    return found


def lasting_warnings(statements: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is dangerous about statements that hold for ever."""
    return [
        f"Statement {number} has no condition: no archive could ever be deleted, and all that is "
        "stored is paid for without end."
        for number, statement in enumerate(statements, 1)
        if statement.get("Effect") == "Deny"
        and not statement.get("Condition")
        and _names(statement, "DeleteArchive")
    ]


def _names(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return action not in _actions(statement["NotAction"])
    return any(fnmatchcase(action, name) for name in _actions(statement.get("Action")))


def principals(value: Any) -> list[str]:
    """Return who a principal element means, ``*`` for everybody."""
    if isinstance(value, Mapping):
        return [name for part in value.values() for name in principals(part)]
    if isinstance(value, list):
        return [str(name) for name in value]
    return [] if value is None else [str(value)]


def _who(statement: Mapping[str, Any]) -> str:
    if "NotPrincipal" in statement:
        return f"everybody but {_either(principals(statement['NotPrincipal']))}"
    names = principals(statement.get("Principal"))
    if "*" in names:
        return EVERYBODY
    return _either(_person(name) for name in names) or "nobody"


def _person(name: str) -> str:
    if name.isdecimal():
        return f"account {name}"
    if name.startswith("arn:") and name.endswith(":root"):
        return f"account {name.split(':')[4]}"
    return name


def _what(statement: Mapping[str, Any]) -> str:
    if "NotAction" in statement:
        return f"everything but {_either(_actions(statement['NotAction']))}"
    actions = _actions(statement.get("Action"))
    if "*" in actions:
        return "everything"
    return _either(actions) or "nothing"


def _actions(value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value]
    return [str(name).removeprefix("glacier:") for name in names if name is not None]


def _conditions(condition: Any) -> Iterator[str]:
    if not isinstance(condition, Mapping):
        return
    for operator, tests in condition.items():
        if not isinstance(tests, Mapping):
            continue
        for key, value in tests.items():
            values = value if isinstance(value, list) else [value]
            yield f"{_key(key)} {_operator(operator)} {' or '.join(map(str, values))}"


def _operator(operator: str) -> str:
    plain = operator.removesuffix("IfExists")
    return _OPERATORS.get(plain, plain)


def _key(key: str) -> str:
    if key.lower().startswith(_TAG):
        return f"the vault's tag {key[len(_TAG) :]}"
    return _KEYS.get(key.lower(), key)


def _either(names: Iterable[str]) -> str:
    return ", ".join(names)
