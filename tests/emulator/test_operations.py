"""All operations of the client model, and the shape of every answer."""

from pathlib import Path

import boto3
import pytest

from glacier_magic import emulator
from glacier_magic.base import treehash
from glacier_magic.emulator import operations, service

MODEL = (
    boto3.Session()
    .client("glacier", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    .meta.service_model
)
NAMES = sorted(MODEL.operation_names)
ROUTES = {route.operation: route for route in service.routes}
JOB = {"Type": "inventory-retrieval"}
POLICY = {"Policy": '{"Statement":{"Effect":"Allow","Principal":"*","Action":"glacier:ListJobs"}}'}
ARGUMENTS = {
    "vaultName": "all-operations",
    "archiveId": "a",
    "uploadId": "u",
    "jobId": "j",
    "lockId": "l",
    "archiveSize": "1",
    "checksum": "1" * 64,
    "partSize": "1048576",
    "range": "bytes 0-0/*",
    "Tags": {"k": "v"},
    "TagKeys": ["k"],
}


def test_every_operation_of_the_model_is_there():
    """All 33, under the model's own names."""
    assert operations.__all__
    assert sorted(ROUTES) == NAMES
    assert len(NAMES) == 33


@pytest.mark.parametrize("name", NAMES)
def test_method_and_path_are_the_models(name):
    """What the model sends is what the route takes."""
    http = MODEL.operation_model(name).http
    path = http["requestUri"].partition("?")[0].split("/")[2:]
    wild = ["*" if piece.startswith("{") else piece for piece in path]
    route = ROUTES[name]
    assert route.method == http["method"]
    assert ["*" if piece.startswith("*") else piece for piece in route.pattern] == wild


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_in_the_table_of_the_readme(name):
    """With what is checked and what is not."""
    readme = Path(emulator.__file__).with_name("README.md").read_text("utf-8")
    assert f"\n| {name} |" in readme


@pytest.fixture(scope="module")
def known(client, multipart, retrieve, emulator):
    """Ids of everything, in a vault that has some of each."""
    name = ARGUMENTS["vaultName"]
    client.create_vault(vaultName=name)
    data = b"x" * (1 << 20)
    archive = multipart(name, data)
    emulator.advance(days=1)
    upload = client.initiate_multipart_upload(vaultName=name, partSize="1048576")["uploadId"]
    client.upload_multipart_part(vaultName=name, uploadId=upload, range="bytes 0-0/*", body=b"y")
    lock = client.initiate_vault_lock(vaultName=name, policy=POLICY)["lockId"]
    client.set_vault_access_policy(vaultName=name, policy=POLICY)
    events = {"SNSTopic": "arn:x", "Events": ["ArchiveRetrievalCompleted"]}
    client.set_vault_notifications(vaultName=name, vaultNotificationConfig=events)
    job = retrieve(name, ArchiveId=archive)
    done = {"archiveSize": "1", "checksum": treehash.tree_hash(b"y")}
    return {"archiveId": archive, "uploadId": upload, "lockId": lock, "jobId": job, **done}


# In an order in which each still finds what it is about.
SUCCEEDING = [
    *(name for name in NAMES if name.startswith(("Describe", "Get", "List", "Create", "Add"))),
    "InitiateJob",
    "InitiateMultipartUpload",
    "UploadArchive",
    "UploadMultipartPart",
    "CompleteMultipartUpload",
    "CompleteVaultLock",
    "SetDataRetrievalPolicy",
    "SetVaultAccessPolicy",
    "SetVaultNotifications",
    "RemoveTagsFromVault",
    "DeleteVaultAccessPolicy",
    "DeleteVaultNotifications",
    "DeleteArchive",
    "PurchaseProvisionedCapacity",
]


@pytest.mark.parametrize("name", SUCCEEDING)
def test_an_answer_has_only_members_and_the_status_of_the_model(client, known, name):
    """Parsed by the client with nothing left over, under the documented status."""
    answer = call(client, name, ARGUMENTS | known)
    meta = answer.pop("ResponseMetadata")
    output = MODEL.operation_model(name).output_shape
    assert set(answer) <= set(output.members if output else ())
    required = {"archiveId", "jobId", "uploadId", "lockId", "capacityId", "location"}
    assert required & set(output.members if output else ()) <= set(answer)
    assert meta["HTTPStatusCode"] == MODEL.operation_model(name).http.get("responseCode", 200)
    assert len(meta["RequestId"]) == 47


def call(client, name, values):
    import re

    method = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    model = MODEL.operation_model(name)
    members = model.input_shape.members if model.input_shape else {}
    bodies = {
        "jobParameters": JOB,
        "policy": POLICY,
        "vaultNotificationConfig": {"SNSTopic": "arn:x", "Events": ["InventoryRetrievalCompleted"]},
        "body": b"y",
        "Policy": {"Rules": [{"Strategy": "None"}]},
    }
    given = {key: (bodies | values)[key] for key in members if key in bodies | values}
    if name in ("UploadArchive", "GetJobOutput"):
        given.pop("checksum", None)
        given.pop("range", None)
    answer = getattr(client, method)(**given)
    if "body" in answer:
        answer["body"].close()
    return answer


OF_VAULTS = {name for name in NAMES if "vaultName" in MODEL.operation_model(name).input_shape.members}


@pytest.mark.parametrize("name", sorted(OF_VAULTS - {"CreateVault", "DeleteVault"}))
def test_an_unknown_vault_is_a_404_everywhere(client, refused, name):
    """With the one text there is for it."""
    code, status, message = refused(lambda: call(client, name, ARGUMENTS | {"vaultName": "nowhere"}))
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message.startswith("Vault not found for ARN: arn:aws:glacier:us-east-1:")
    assert message.endswith(":vaults/nowhere")


def test_what_is_no_operation_is_a_bad_request(raw):
    """An emulator for one service knows no other paths."""
    answer = raw("PATCH", "/-/vaults/x")
    assert (answer.status, answer.json["code"]) == (400, "BadRequest")


def test_errors_are_compact_json_without_an_error_type_header(raw):
    """The code is in the body alone, in the documented order."""
    answer = raw("GET", "/-/vaults/nowhere")
    assert answer.body.startswith(b'{"code":"ResourceNotFoundException","message":"Vault not')
    assert answer.headers["Content-Type"] == "application/json"
    assert "x-amzn-ErrorType" not in answer.headers


def test_signature_errors_have_their_message_first(raw, hashes, vault):
    """They come from a layer in front of the service."""
    headers = hashes(b"x") | {"x-amz-content-sha256": "0" * 64}
    answer = raw("POST", f"/-/vaults/{vault}/archives", headers, b"x")
    assert answer.body.startswith(b'{"message":"The value passed in')
