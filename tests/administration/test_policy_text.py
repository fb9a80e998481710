"""Policy documents: read strictly, told in words, shown without account ids."""

import gc
import json
import re
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic import service
from glacier_magic.administration import Document, IdentityPolicy
from glacier_magic.administration.documents import LONGEST, masked
from glacier_magic.administration.saving import save_new
from glacier_magic.errors import GlacierError, InputError, LocalError

ARN = "arn:aws:glacier:us-east-1:123456789012:vaults/photos"


def policy(**changed):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": ["glacier:InitiateJob"],
        "Resource": ARN,
    } | changed
    return json.dumps({"Statement": [{k: v for k, v in statement.items() if v is not None}]})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "line 1, column 2"),
        ("[]", "not a JSON object"),
        ("{}", "no Statement"),
        ('{"Statement": []}', "no Statement"),
        ('{"Statement": ["Allow"]}', "Statement 1 of the policy is not an object"),
        ('{"Statement": NaN}', "NaN is not a number"),
        ('{"Statement": [], "Statement": [1]}', "repeats a key"),
        ('{"a":' * 5000, "policy is"),
        ("[" * 10_000, "policy is"),
        (policy(Effect="allow"), "no Effect of Allow or Deny"),
        (policy(Action=None), "no Action"),
        (policy(Principal=None), "no Principal"),
        (policy(Sid="x" * LONGEST), "longer than 20,480 bytes"),
        (policy(Sid="ä" * (LONGEST // 2)), "longer than 20,480 bytes"),
    ],
)
def test_what_is_no_policy_is_refused_before_anything_is_sent(text, why):
    """With the place or the rule."""
    gc.collect()  # an object that is deleted at the depth of the recursion could not say so
    with pytest.raises(InputError, match=why) as caught:
        Document.parse(text)
    assert "nothing was sent" in caught.value.cure


@given(st.text())
def test_no_text_at_all_does_more_than_be_refused(text):
    """Whatever a stranger put into the file."""
    with pytest.raises(GlacierError):
        Document.parse(text)
    Document.received(text).pretty()


def test_a_file_is_read_with_or_without_a_mark_and_refused_in_other_encodings(tmp_path):
    """Windows editors write one."""
    file = tmp_path / "p.json"
    for encoding in ("utf-8", "utf-8-sig"):
        file.write_text(policy(), encoding)
        assert Document.read(file).statements[0]["Effect"] == "Allow"
    file.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="UTF-8"):
        Document.read(file)
    for missing in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(LocalError):
            Document.read(missing)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "allows account ********4321 to perform InitiateJob"),
        ({"Principal": "*"}, "allows anyone in the world to perform InitiateJob"),
        ({"Principal": {"AWS": ["1" * 12, "*"]}}, "allows anyone in the world to perform InitiateJob"),
        ({"Principal": {"AWS": "210987654321"}}, "allows account ********4321 to perform InitiateJob"),
        ({"Action": "glacier:*"}, "allows account ********4321 to perform any action"),
        (
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "glacier:DeleteArchive",
                "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
            },
            "forbids anyone in the world to perform DeleteArchive, if the archive's age in days "
            "is less than 365",
        ),
        (
            {"Condition": {"StringLike": {"glacier:ResourceTag/LegalHold": ["true", ""]}}},
            "allows account ********4321 to perform InitiateJob, if the vault's tag LegalHold is like "
            "true or ",
        ),
        (
            {"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::210987654321:user/eve"}},
            "allows everyone except arn:aws:iam::********4321:user/eve to perform InitiateJob",
        ),
        (
            {"Action": None, "NotAction": ["glacier:DeleteVault"]},
            "allows account ********4321 to perform any action except DeleteVault",
        ),
    ],
)
def test_a_statement_is_told_in_words(changed, words):
    """Who may or may not do what, and when."""
    assert Document.parse(policy(**changed)).words() == [words]


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({}, []),
        ({"Principal": "*", "Effect": "Deny"}, []),
        ({"Principal": "*"}, ["anyone in the world; its owner pays"]),
        ({"Principal": {"AWS": "*"}}, ["anyone"]),
        (
            {"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
            ["limited only by its condition"],
        ),
        ({"Principal": None, "NotPrincipal": {"AWS": "1" * 12}}, ["anyone"]),
        ({"Action": None, "NotAction": "glacier:DeleteVault"}, ["all actions that it does not name"]),
    ],
)
def test_what_opens_the_vault_is_warned_of(changed, warned):
    """And what does not is not."""
    found = Document.parse(policy(**changed)).warnings()
    assert len(found) == len(warned)
    assert all(words in line for words, line in zip(warned, found, strict=True))


def test_a_lasting_ban_on_deletion_without_a_condition_is_warned_of():
    """Only where it is to last; with a condition it is what locks are for."""
    ban = {"Effect": "Deny", "Principal": "*", "Action": "glacier:Delete*"}
    assert Document.parse(policy(**ban)).warnings() == []
    assert "billed without end" in Document.parse(policy(**ban)).warnings(lasting=True)[0]
    for action in ("glacier:deletearchive", "Glacier:DELETE*", "*"):  # IAM ignores case
        assert len(Document.parse(policy(**ban | {"Action": action})).warnings(lasting=True)) == 1
    others = {"Effect": "Deny", "Principal": "*", "Action": None}
    assert Document.parse(policy(**others, NotAction="glacier:Delete*")).warnings(lasting=True) == []
    assert len(Document.parse(policy(**others, NotAction="glacier:List*")).warnings(lasting=True)) == 1
    aged = ban | {"Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "9"}}}
    assert Document.parse(policy(**aged)).warnings(lasting=True) == []


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        (ARN, True),
        ("*", True),
        ("arn:aws:glacier:*:*:vaults/ph?tos", True),
        ([ARN.replace("photos", "other"), ARN], True),
        ("arn:aws:glacier:us-east-1:${aws:PrincipalAccount}:vaults/photos", True),
        (None, True),
        (ARN.replace("photos", "other"), False),
        (ARN.replace("us-east-1", "eu-west-1"), False),
        (ARN.replace("photos", "[p]hotos"), False),
        ([], False),
    ],
)
def test_a_policy_for_another_vault_is_refused(resource, fits):
    """By the Resource of each statement; the refusal shows no account."""
    document = Document.parse(policy(Resource=resource))
    if fits:
        document.check_vault(ARN)
        return
    with pytest.raises(InputError, match="for another resource") as caught:
        document.check_vault(ARN)
    assert "123456789012" not in str(caught.value)


def test_account_ids_are_masked_wherever_they_stand():
    """Escaped ones too; longer and shorter numbers are none."""
    text = r'{"a": ["123456789012", "\u0031\u0032\u0033456789012", 123456789012, 1234567890123]}'
    shown = Document.received(text).pretty()
    assert "123456789012" not in shown.replace("1234567890123", "")
    assert shown.count("********9012") == 3
    assert masked("12345678901") == "12345678901"


def test_two_texts_of_one_policy_are_the_same():
    """Spaces and the order of keys do not matter; values do."""
    one = Document.parse(policy())
    assert one.same_as(Document.received(json.dumps(json.loads(policy()), indent=4, sort_keys=True)))
    assert not one.same_as(Document.received(policy(Action="glacier:*")))
    assert not one.same_as(Document.received("damaged"))


def test_a_saved_policy_is_new_whole_and_private(tmp_path):
    """No file is overwritten."""
    file = save_new(tmp_path / "p.json", "text")
    assert file.read_text() == "text"
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(LocalError, match="already exists"):
        save_new(file, "other")
    assert file.read_text() == "text"
    for bad in (tmp_path / "no" / "folder", tmp_path / "\0"):
        with pytest.raises(LocalError):
            save_new(bad, "text")


def test_the_identity_policy_names_every_call_that_is_made():
    """And none more: what the code calls is what the user is told to allow."""
    files = set(Path(service.__file__).parent.glob("*.py"))
    buckets = {file for file in files if file.stem in ("buckets", "object_store")}  # calls of S3
    text = "".join(file.read_text() for file in files - buckets)
    words = re.findall(r"(?:_patient|_once)\.([a-z]+_[a-z_]+)\(", text)
    words += re.findall(r"(?:_pages|_whole|_answer)\(\s*(?:self\._\w+,\s*)?\"(\w+)\"", text)
    called = {"glacier:" + word.title().replace("_", "") for word in words}
    told = {a for s in IdentityPolicy("eu-west-1").document["Statement"] for a in s["Action"]}
    words = re.findall(r"_topics\.(?:get_paginator\(\")?([a-z_]+)[(\"]", text)
    called |= {f"sns:{word.title().replace('_', '')}" for word in {*words, "tag_resource"}}
    words = re.findall(r"_queues\.([a-z_]+)\(", text)
    called |= {f"sqs:{word.title().replace('_', '')}" for word in {*words, "tag_queue"}}
    assert called - {"sns:GetPaginator"} == told - {"pricing:GetProducts"}


ACTIONS_OF = {
    "create_multipart_upload": ["PutObject"],
    "complete_multipart_upload": ["PutObject"],
    "get_bucket_lifecycle_configuration": ["GetLifecycleConfiguration"],
    "get_object_attributes": ["GetObject", "GetObjectAttributes"],
    "get_object_lock_configuration": ["GetBucketObjectLockConfiguration"],
    "head_bucket": ["ListBucket"],
    "head_object": ["GetObject"],
    "list_multipart_uploads": ["ListBucketMultipartUploads"],
    "list_object_versions": ["ListBucketVersions"],
    "list_objects_v2": ["ListBucket"],
    "list_parts": ["ListMultipartUploadParts"],
    "upload_part": ["PutObject"],
}
"""The actions of operations of S3 that have other names (Service Authorization Reference)."""


@pytest.mark.parametrize(
    ("module", "place"),
    [("buckets", {"vaults": ["s3://archive-2026/scans"]}), ("object_store", {"bucket": "archive-2026"})],
)
def test_the_identity_policy_names_every_call_to_s3(module, place):
    """Of a bucket in the place of a vault, and no more than those; and of moves."""
    text = (Path(service.__file__).parent / f"{module}.py").read_text()
    operations = boto3.client("s3", region_name="us-east-1").meta.method_to_api_mapping
    sent = set(re.findall("[a-z0-9_]+", text)) & set(operations)
    told = {a for s in IdentityPolicy("us-east-1", **place).document["Statement"] for a in s["Action"]}
    actions = {f"s3:{a}" for each in sent for a in ACTIONS_OF.get(each, [operations[each]])}
    actions.discard("s3:CreateBucket")  # on the emulator alone
    assert actions <= told
    if module == "buckets":
        assert {a for a in told if a.startswith("s3:")} == actions


def test_the_policy_of_a_bucket_is_for_its_folder_alone():
    """And allows nothing on vaults, unless one is named too."""
    document = IdentityPolicy("us-east-1", vaults=["s3://archive-2026/scans"]).document
    found = {s["Sid"]: (s["Action"], s["Resource"]) for s in document["Statement"]}
    assert found.pop("ListBuckets") == (
        ["s3:ListBucket", "s3:ListBucketVersions"],
        ["arn:aws:s3:::archive-2026"],
    )
    assert found.pop("RestoreObjects")[1] == ["arn:aws:s3:::archive-2026/scans/*"]
    assert found == {"Account": (["glacier:ListVaults"], ["*"]), "Prices": (["pricing:GetProducts"], ["*"])}
    both = IdentityPolicy("us-east-1", vaults=["photos", "s3://archive-2026"]).document
    assert {"Retrieve", "RestoreObjects"} <= {s["Sid"] for s in both["Statement"]}


def test_the_identity_policy_names_no_account_unless_asked():
    """One place holds it for every ARN."""
    assert "123456789012" in IdentityPolicy("eu-west-1", account="123456789012").text
    document = IdentityPolicy("cn-north-1", partition="aws-cn", vaults=["a", "b"]).document
    look = next(s for s in document["Statement"] if s["Sid"] == "Look")
    assert look["Resource"] == [f"arn:aws-cn:glacier:cn-north-1:*:vaults/{v}" for v in "ab"]
    assert len(json.dumps(document)) < 6144  # characters of a managed policy, at most
