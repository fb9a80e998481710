"""Which policies are valid, and which requests they deny."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.emulator.policy_language import PolicyRequest, denies, parse

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/emulator"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
VAULT = f"arn:aws:glacier:us-west-2:{ACCOUNT}:vaults/examplevault"
KEYS = {
    "aws:currenttime": "2024-05-06T07:08:09.010Z",
    "aws:securetransport": "false",
    "aws:sourceip": "127.0.0.1",
    "glacier:archiveageindays": "364",
    "glacier:resourcetag/legalhold": "true",
}
DENIAL = {"Effect": "Deny", "Principal": "*", "Action": "glacier:DeleteArchive", "Resource": VAULT}


def denied(statement, **keys):
    """Return whether a denial with these elements denies the deletion of an archive."""
    whole = {name: value for name, value in (DENIAL | statement).items() if value is not None}
    request = PolicyRequest(
        identities=frozenset((USER, ACCOUNT)),
        action="glacier:DeleteArchive",
        resource=VAULT,
        keys=KEYS | keys,
    )
    return denies(parse(json.dumps({"Statement": [whole]})), request)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, True),
        ({"Effect": "Allow"}, False),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ACCOUNT}}, True),
        ({"Principal": {"AWS": ROOT}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::999999999999:root", USER]}}, True),
        ({"Principal": {"AWS": "999999999999"}}, False),
        ({"Principal": {"Service": "*", "AWS": "arn:aws:iam::999999999999:root"}}, False),
        ({"Principal": None, "NotPrincipal": {"AWS": "999999999999"}}, True),
        ({"Principal": None, "NotPrincipal": {"AWS": ROOT}}, True),
        ({"Principal": None, "NotPrincipal": {"AWS": [ROOT, USER]}}, False),
        ({"Principal": None, "NotPrincipal": "*"}, False),
        ({"Action": "*"}, True),
        ({"Action": ["glacier:Upload*", "GLACIER:delete?rchive"]}, True),
        ({"Action": "glacier:DeleteVault"}, False),
        ({"Action": "glacier:[D]eleteArchive"}, False),
        ({"Action": None, "NotAction": "glacier:Describe*"}, True),
        ({"Action": None, "NotAction": ["glacier:Delete*"]}, False),
        ({"Resource": None}, True),
        ({"Resource": "arn:aws:glacier:*:*:vaults/example*"}, True),
        ({"Resource": [VAULT.upper(), "arn:aws:glacier:us-west-2:123456789012:vaults/other"]}, False),
        ({"Resource": None, "NotResource": VAULT}, False),
        ({"Resource": None, "NotResource": "arn:aws:glacier:us-west-2:123456789012:vaults/other"}, True),
    ],
)
def test_a_statement_is_about_principals_actions_and_resources(statement, expected):
    """Of the caller and its account, in any case of the action, with wildcards."""
    assert denied(statement) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # The guide's own.
        ({"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}}, True),
        ({"NumericLessThan": {"glacier:ArchiveAgeInDays": 364}}, False),
        ({"NumericLessThanEquals": {"glacier:ArchiveAgeinDays": ["364"]}}, True),
        ({"NumericGreaterThanEquals": {"glacier:ArchiveAgeInDays": "365"}}, False),
        ({"StringLike": {"glacier:ResourceTag/LegalHold": ["true", ""]}}, True),
        ({"StringLike": {"glacier:ResourceTag/LegalHold": ["t?u*"]}}, True),
        ({"StringEquals": {"glacier:ResourceTag/LegalHold": "TRUE"}}, False),
        ({"StringEqualsIgnoreCase": {"glacier:ResourceTag/LegalHold": "TRUE"}}, True),
        ({"StringNotEquals": {"glacier:ResourceTag/LegalHold": ["x", "true"]}}, False),
        ({"StringNotLike": {"glacier:ResourceTag/LegalHold": "f*"}}, True),
        ({"Bool": {"aws:SecureTransport": False}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        # A key that the request does not have.
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, False),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, True),
        ({"Null": {"aws:MultiFactorAuthPresent": "true"}}, True),
        ({"Null": {"aws:SourceIp": "true"}}, False),
        ({"Null": {"aws:SourceIp": False}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, True),
        # Others of IAM.
        ({"DateLessThan": {"aws:CurrentTime": "2024-05-06T07:08:10Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2024-05-07"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "1714980000"}}, False),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, False),
        ({"IpAddress": {"aws:SourceIp": "::1"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "*"}}, False),
        # What is no number, date or address is equal to none.
        ({"NumericLessThan": {"glacier:ArchiveAgeInDays": "old"}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "soon"}}, False),
        ({"IpAddress": {"aws:SourceIp": "here"}}, False),
        # All keys and all operators, any value.
        (
            {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}, "Bool": {"aws:SecureTransport": True}},
            False,
        ),
        ({"StringEquals": {"aws:SourceIp": "127.0.0.1", "aws:SecureTransport": "true"}}, False),
        ({"StringEquals": {"aws:SourceIp": []}}, False),
        ({}, True),
    ],
)
def test_a_condition_holds_as_iam_says(condition, expected):
    """Keys and operators in any case; values as text, numbers or truth values."""
    assert denied({"Condition": condition}) is expected
    swapped = {name.swapcase(): {k.swapcase(): v for k, v in of.items()} for name, of in condition.items()}
    assert denied({"Condition": swapped}) is expected


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "not a JSON object"),
        ("{}", "no Statement"),
        ('{"Statement":[]}', "no Statement"),
        ('{"Statement":"x"}', "not an object"),
        ('{"Version":"2020-01-01","Statement":[{}]}', "Version"),
        ("[" * 100_000, "deep"),
        ({"Effect": "deny"}, "neither Allow nor Deny"),
        ({"Effect": None}, "neither Allow nor Deny"),
        ({"Effect": ["Deny"]}, "neither Allow nor Deny"),
        ({"Principal": None}, "Principal or NotPrincipal"),
        ({"NotPrincipal": "*"}, "Principal or NotPrincipal"),
        ({"Principal": ACCOUNT}, "neither \\* nor an object"),
        ({"Principal": {"AWS": [1]}}, "Principal of a statement is not text"),
        ({"Principal": {}}, "Principal of a statement is not text"),
        ({"Action": None}, "Action or NotAction"),
        ({"Action": []}, "Action of a statement is not text"),
        ({"Action": {"a": "b"}}, "Action of a statement is not text"),
        ({"NotResource": VAULT}, "Resource or NotResource"),
        ({"Condition": {"NumericLess": {"a": "1"}}}, "no condition operator 'numericless'"),
        ({"Condition": {"StringNotNotEquals": {"a": "1"}}}, "no condition operator"),
        ({"Condition": {"ForSome:Bool": {"a": "1"}}}, "no condition operator"),
        ({"Condition": {"Bool": "true"}}, "not an object of objects"),
        ({"Condition": []}, "not an object of objects"),
        ({"Condition": {"Bool": {"a": [{}]}}}, "neither text nor a number"),
        ({"Sid": "\ud800"}, "surrogates"),
    ],
)
def test_a_policy_that_the_service_refuses_has_a_reason(policy, reason):
    """A whole text, or elements of a statement that are otherwise right."""
    if isinstance(policy, dict):
        whole = {name: value for name, value in (DENIAL | policy).items() if value is not None}
        policy = json.dumps({"Statement": whole})
    with pytest.raises(ValueError, match=reason):
        parse(policy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["AWS", "Bool", "IpAddress"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from([*DENIAL, "NotPrincipal", "NotAction", "Condition"]), JSON))
def test_no_policy_is_a_defect(statement):
    """It is refused with a ValueError, or evaluated."""
    with contextlib.suppress(ValueError):
        denied(statement)
