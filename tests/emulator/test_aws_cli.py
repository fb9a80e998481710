"""The AWS command line, as a client that nobody here wrote."""

import json
import os
import shutil
import subprocess

import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.emulator import ACCESS_KEY, SECRET_KEY

MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    shutil.which("aws") is None and not os.environ.get("CI"),  # in CI its absence is a failure
    reason="the AWS CLI is not installed",
)


@pytest.fixture
def aws(emulator):
    """Run ``aws glacier`` and return its JSON, or the error it ends with."""
    given = {
        "AWS_ENDPOINT_URL_GLACIER": emulator.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def aws(verb, *words):
        command = ["aws", "glacier", verb, "--account-id", "-", "--vault-name", "cli", *words]
        done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr

    return aws


def test_the_whole_life_of_a_vault(aws, emulator, tmp_path):
    """Created, filled in one piece and in parts, listed, retrieved, emptied, deleted."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    data = os.urandom(3 * MIB)
    whole.write_bytes(data)
    aws("create-vault")
    single = aws("upload-archive", "--body", str(whole), "--archive-description", "from the shell")
    assert single["checksum"] == tree_hash(data)
    upload = aws("initiate-multipart-upload", "--part-size", str(MIB))["uploadId"]
    for start in range(0, len(data), MIB):
        part.write_bytes(data[start : start + MIB])
        where = f"bytes {start}-{start + MIB - 1}/*"
        aws("upload-multipart-part", f"--upload-id={upload}", f"--range={where}", f"--body={part}")
    size, digest = f"--archive-size={len(data)}", f"--checksum={tree_hash(data)}"
    stored = aws("complete-multipart-upload", f"--upload-id={upload}", size, digest)
    emulator.advance(days=1)
    assert aws("describe-vault")["NumberOfArchives"] == 2
    asked = [
        {"Type": "archive-retrieval", "ArchiveId": stored["archiveId"]},
        {"Type": "inventory-retrieval", "Format": "CSV"},
    ]
    jobs = [aws("initiate-job", "--job-parameters", json.dumps(job))["jobId"] for job in asked]
    emulator.advance(hours=4)
    assert [job["JobId"] for job in aws("list-jobs")["JobList"]] == jobs
    for job, name in zip(jobs, ("archive", "inventory"), strict=True):
        aws("get-job-output", f"--job-id={job}", str(tmp_path / name))
    assert (tmp_path / "archive").read_bytes() == data
    assert '"from the shell"' in (tmp_path / "inventory").read_text()
    for archive in (single, stored):
        aws("delete-archive", f"--archive-id={archive['archiveId']}")
    assert "Vault not empty or recently written to" in aws("delete-vault")
    emulator.advance(days=1)
    assert aws("delete-vault") == ""
