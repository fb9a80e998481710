"""``migrate``, ``migrations``, ``rm --migrated`` and ``policy --iam migrate`` as they are typed."""

import json

import pytest

from glacier_magic.errors import InputError, NotConfirmed, NotReady


@pytest.fixture
def filled(main, files, region):
    """The command line with a vault of two archives in use; and the place to move them to."""
    main.ok("create", "photos")
    main.ok("use", "photos")
    for name in ("a.tif", "b.tif"):
        files(name, name.encode())
        main.ok("upload", name)
    main.ok("emulator", "bucket", f"typed-{region}")
    main.ok("emulator", "advance", "91d")
    main.to = f"s3://typed-{region}/in"
    return main


def test_out_of_a_vault(filled, client, tmp_path):
    """The plan, the move, the list, the manifest, and the deletion of the sources."""
    own = ("--key", "{created:%Y}/{file}", "--suffix", "_2", "--cross-region")
    assert filled("migrate", "*.tif", "--to", filled.to, *own) == InputError.exit_code
    assert "by the template" in filled.out
    assert filled("migrate", "*.tif", "--to", filled.to, "--class", "glacier-ir") == InputError.exit_code
    assert "Move 2 archives" in filled.out
    assert f"{filled.to}/a.tif" in filled.out
    assert client.list_jobs(vaultName="photos")["JobList"] == []
    filled("migrate", "*", "--to", filled.to, "--yes", "--destination", "here")
    assert filled("wait", "--timeout", "0.1") == NotReady.exit_code
    filled.ok("emulator", "advance", "5h")
    filled.ok("wait", "--timeout", "30")
    assert "2 moves of archives of photos (10 B): 2 proven" in filled.ok("migrations")
    manifest = tmp_path / "moved.csv"
    assert "2 rows" in filled.ok("migrations", "--manifest", str(manifest))
    assert manifest.read_text("utf-8").count("DEEP_ARCHIVE") == 2
    assert filled("migrations", "a.tif", "--prove") == InputError.exit_code
    assert "Prove 1 object (5 B) of photos by what S3 records" in filled.out
    assert "2 stored" in filled.ok("migrations", "--prove", "--yes")
    assert "2 objects being restored" in filled.ok("migrations", "--prove", "--level", "4", "--yes")
    filled.ok("emulator", "advance", "2d")
    assert filled("rm", "--migrated", "--proof", "read", "--confirm", "photos") == InputError.exit_code
    assert "2 read back" in filled.ok("migrations", "--prove", "--level", "4", "--yes")
    assert filled("migrations", "--prove", "--level", "3", "--yes") == InputError.exit_code
    role = "arn:aws:iam::123456789012:role/hashing"
    asked = filled.ok("migrations", "--prove", "--level", "3", "--role", role, "--yes")
    assert "1 job under way" in asked
    assert "nothing to learn" in filled.ok("migrations", "--recover", filled.to, "--yes")
    assert filled("migrations", "--resume") == InputError.exit_code
    assert filled("rm", "--migrated", "--yes") == NotConfirmed.exit_code
    assert "Deleted 2 archives" in filled.ok("rm", "--migrated", "--proof", "read", "--confirm", "photos")
    assert "deleted" in filled.ok("migrations")


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", "--to", "s3://b"),
        ("migrate", "*"),
        ("migrate", "*", "--to", "folder"),
        ("migrate", "*", "--to", "s3://no-such-bucket-here"),
        ("migrate", "*", "--to", "s3://b", "--class", "reduced"),
        ("migrate", "*", "--to", "s3://b", "--key", "{name.x}"),
        ("migrate", "*", "--to", "s3://b", "--keys", "none.csv"),
        ("migrate", "*", "--to", "s3://b", "--workers", "processes:0"),
        ("rm", "--migrated", "a.tif"),
        ("rm", "--migrated"),
        ("rm", "a.tif", "--proof", "read"),
        ("migrations", "--level", "4"),
        ("migrations", "--role", "arn:aws:iam::123456789012:role/hashing"),
        ("migrations", "--prove", "--role", "arn:aws:iam::123456789012:role/hashing"),
        ("migrations", "--yes"),
        ("migrations", "a.tif", "--recover", "s3://b"),
        ("migrations", "--prove", "--resume"),
        ("policy", "--iam", "restore"),
    ],
)
def test_what_is_refused(filled, words):
    """With a sentence on what to do."""
    assert filled(*words) == InputError.exit_code


def test_the_permissions_of_moves(main):
    """They are printed on request, for one bucket; nothing deletes an object."""
    assert "s3:" not in main.ok("policy", "--iam")
    policy = json.loads(main.ok("policy", "--iam", "migrate", "archive-2026"))
    actions = {each["Sid"]: each for each in policy["Statement"]}
    assert actions["MoveBucket"]["Resource"] == ["arn:aws:s3:::archive-2026"]
    assert {"s3:PutObject", "s3:RestoreObject"} <= {*actions["MoveObjects"]["Action"]}
    assert "s3:CreateJob" in actions["ProveAtRest"]["Action"]
    assert "batchoperations" in str(actions["ProofRole"]["Condition"])
    assert not [
        action for each in policy["Statement"] for action in each["Action"] if "DeleteObject" in action
    ]
