"""The language of vault policies: which ones are valid, and which requests they deny.

They are evaluated as IAM evaluates the policies of resources, for identities of the vault's own
account, which may do all that no statement denies.  Policy variables are not replaced.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from glacier_magic.emulator import strict_json

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """What policies see of a request."""

    identities: frozenset[str]
    """The ARN of the caller, and the id of its account."""
    action: str
    """Such as ``glacier:DeleteArchive``."""
    resource: str
    """The ARN of the vault."""
    keys: Mapping[str, str]
    """The values of the condition keys that the request has, by names in lower case."""


def parse(text: str) -> list[Statement]:
    """Return the statements of a policy.

    :raises ValueError: the service refuses it; the message says why.
    """
    content = strict_json.parse(text)
    if not isinstance(content, dict):
        raise ValueError("it is not a JSON object")
    if content.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        raise ValueError("its Version is neither 2008-10-17 nor 2012-10-17")
    statements: list[Statement] = _listed(content.get("Statement", []))
    if not statements:
        raise ValueError("it has no Statement")
    for statement in statements:
        _check(statement)
    return statements


def denies(statements: Iterable[Statement], request: PolicyRequest) -> bool:
    """Return whether a statement denies the request."""
    return any(s["Effect"] == "Deny" and _applies(s, request) for s in statements)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]  # IAM accepts one value where it accepts a list


def _check(statement: Any) -> None:
    if not isinstance(statement, dict):
        raise ValueError("a statement is not an object")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise ValueError("the Effect of a statement is neither Allow nor Deny")
    for name in ("Principal", "Action", "Resource"):
        given = [each for each in (name, f"Not{name}") if each in statement]
        # UNCONFIRMED: without a Resource, a statement is about the vault that has the policy.
        if len(given) != 1 and (given or name != "Resource"):
            raise ValueError(f"a statement needs either {name} or Not{name}")
        for each in given:
            named = list(_principals(statement[each])) if name == "Principal" else _listed(statement[each])
            if not named or not all(isinstance(one, str) for one in named):
                raise ValueError(f"the {each} of a statement is not text")
    for test in _tests(statement):
        if test.operator != "null" and _positive(test.operator) not in _COMPARISONS:
            raise ValueError(f"there is no condition operator {test.operator!a}")


def _principals(element: Any) -> Iterator[Any]:
    """Yield the principals of an element; accounts by their id."""
    if element == "*":
        yield element
        return
    if not isinstance(element, dict):
        raise ValueError("a principal is neither * nor an object")
    for name in _listed(element.get("AWS", [])):
        is_account = isinstance(name, str) and re.fullmatch(r"arn:[^:]*:iam::\d+:root", name)
        yield name.split(":")[4] if is_account else name
    # Services and federated users are never the caller.
    yield from (f"{kind}:{each}" for kind in element if kind != "AWS" for each in _listed(element[kind]))


def _applies(statement: Statement, request: PolicyRequest) -> bool:
    return (
        _is_about(statement, request.identities)
        and _matches(statement, "Action", request.action.lower(), str.lower)  # IAM ignores their case
        and _matches(statement, "Resource", request.resource, str)
        and all(test.holds(request.keys) for test in _tests(statement))
    )


def _is_about(statement: Statement, identities: frozenset[str]) -> bool:
    if "Principal" in statement:
        named = set(_principals(statement["Principal"]))
        return "*" in named or not named.isdisjoint(identities)
    named = set(_principals(statement["NotPrincipal"]))
    # A rule of IAM: an exception names both the identity and its account.
    return "*" not in named and not identities <= named


def _matches(statement: Statement, name: str, text: str, form: Callable[[str], str]) -> bool:
    if name in statement:
        return any(_is_like(text, form(pattern)) for pattern in _listed(statement[name]))
    excluded = _listed(statement.get(f"Not{name}", []))
    return not any(_is_like(text, form(pattern)) for pattern in excluded)


def _is_like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))  # IAM takes brackets literally


# Conditions


@dataclass(frozen=True, slots=True)
class _Test:
    """One key of a condition: the operator and the key in lower case, the values as text."""

    operator: str
    key: str
    values: list[str]
    lenient: bool
    """Whether it holds for requests without the key."""

    def holds(self, keys: Mapping[str, str]) -> bool:
        found = keys.get(self.key)
        if self.operator == "null":
            return ("true" if found is None else "false") in self.values
        negated = self.operator in _NEGATED
        if found is None:
            return negated or self.lenient
        compare = _COMPARISONS[_positive(self.operator)]
        return any(compare(found, value) for value in self.values) is not negated


def _tests(statement: Statement) -> Iterator[_Test]:
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(isinstance(each, dict) for each in condition.values()):
        raise ValueError("a Condition is not an object of objects")
    for name, tests in condition.items():
        quantifier, _, plain = name.lower().rpartition(":")
        if quantifier not in ("", "foranyvalue", "forallvalues"):
            raise ValueError(f"there is no condition operator {name!a}")
        short = plain.removesuffix("ifexists")
        lenient = short != plain or quantifier == "forallvalues"
        for key, value in tests.items():
            yield _Test(short, key.lower(), [*map(_text, _listed(value))], lenient)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise ValueError("a value of a condition is neither text nor a number")
    return str(value)


def _positive(name: str) -> str:
    return name.replace("not", "", 1) if name in _NEGATED else name


def _ordered(
    convert: Callable[[str], float], compare: Callable[[float, float], bool], found: str, value: str
) -> bool:
    try:
        return compare(convert(found), convert(value))
    except ValueError:  # what is no number or date is equal to none
        return False


def _moment(text: str) -> float:
    """Return a date as seconds since 1970, which it may also be given as."""
    if text.isdecimal():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_in(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


_NEGATED = {
    "stringnotequals",
    "stringnotequalsignorecase",
    "stringnotlike",
    "numericnotequals",
    "datenotequals",
    "arnnotequals",
    "arnnotlike",
    "notipaddress",
}
_ORDERS = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": operator.eq,
    "stringequalsignorecase": lambda found, value: found.lower() == value.lower(),
    "stringlike": _is_like,
    "bool": lambda found, value: found.lower() == value.lower(),
    "binaryequals": operator.eq,
    "arnequals": _is_like,
    "arnlike": _is_like,
    "ipaddress": _is_in,
    **{f"numeric{name}": partial(_ordered, float, compare) for name, compare in _ORDERS.items()},
    **{f"date{name}": partial(_ordered, _moment, compare) for name, compare in _ORDERS.items()},
}
"""What the operators of conditions do with the value of a key and a value of the policy."""
