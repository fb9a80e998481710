"""Checking the answers of the service: one that arrived damaged can be requested again."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import Unavailable

DAMAGED = "DamagedAnswer"
"""The code of the error about an answer that is not what the service sends."""

_NEEDED = {
    "DescribeVaultOutput": ("VaultARN", "VaultName", "CreationDate"),
    "GlacierJobDescription": ("JobId", "Action", "StatusCode", "CreationDate"),
    "UploadListElement": ("MultipartUploadId", "CreationDate"),
    "PartListElement": ("RangeInBytes", "SHA256TreeHash"),
    "ProvisionedCapacityDescription": ("CapacityId", "StartDate", "ExpirationDate"),
    "VaultAccessPolicy": ("Policy",),
    "VaultNotificationConfig": ("SNSTopic", "Events"),
}
"""By botocore's name of an object, the keys that are never null."""
_RANGE, _HASH = re.compile(r"\d+-\d+"), re.compile("[0-9a-f]{64}")
_FORMS = {
    "VaultARN": re.compile(r"arn:[^:]+:glacier:[^:]+:\d{12}:vaults/.+"),
    "RangeInBytes": _RANGE,
    "RetrievalByteRange": _RANGE,
    "SHA256TreeHash": _HASH,
    "ArchiveSHA256TreeHash": _HASH,
}
_TYPES = {"structure": dict, "map": dict, "list": list, "string": str, "boolean": bool}
_MISSPELT = "glacier_magic misspelt"
_SENT_BACK = "InventoryRetrievalJobDescription"  # its dates are as the request had them


def flaw(shape: Any, value: Any, name: str = "the answer") -> str:
    """Return what no answer of the service has; "" for nothing.

    :param shape: botocore's description of the value.
    :param name: the key of the value.
    """
    if value is None or shape.name == _SENT_BACK:
        return ""
    if shape.type_name in _TYPES and not isinstance(value, _TYPES[shape.type_name]):
        return f"{name} is no {shape.type_name}"
    if shape.type_name in ("integer", "long") and (type(value) is not int or value < 0):
        return f"{name} is no number"
    if shape.type_name == "string":
        return _text_flaw(shape, value, name)
    found = []
    if shape.type_name == "structure":
        missing = next((key for key in _NEEDED.get(shape.name, ()) if value.get(key) in (None, "")), None)
        found = [f"{missing} is missing"] if missing else []
        found += [flaw(inner, value.get(key), key) for key, inner in shape.members.items()]
    elif shape.type_name == "list":
        found = [flaw(shape.member, one, name) if one is not None else f"{name} has a null" for one in value]
    elif shape.type_name == "map":
        found = [flaw(shape.value, one, name) for one in value.values()]
    return next(filter(None, found), "")


def _text_flaw(shape: Any, value: str, name: str) -> str:
    known = shape.enum or [value]
    if value not in known or (name in _FORMS and not _FORMS[name].fullmatch(value)):
        return f"{name} is {value[:80]!r}"
    if name.endswith("Date"):
        try:
            if datetime.fromisoformat(value).tzinfo is not None:
                return ""
        except ValueError:
            pass
        return f"{name} is {value[:80]!r}"
    return ""


def watch(client: Any) -> None:
    """Note a misspelt key of an answer, which botocore leaves out, for :func:`misspelt_in`."""
    client.meta.events.register("after-call.glacier", _note_misspelt)


def misspelt_in(response: Mapping[str, Any]) -> str:
    """Return what is wrong with a key of an answer; "" for nothing."""
    return str(response.get("ResponseMetadata", {}).get(_MISSPELT, ""))


def _note_misspelt(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
    shape = model.output_shape
    if shape is None or model.has_streaming_output or http_response.status_code >= 300:
        return
    if http_response.content in (b"", b"{}"):  # that of a stored archive: all it says is in the headers
        return
    payload = shape.serialization.get("payload")  # of some answers one member is the whole body
    try:
        body = json.loads(http_response.content)
    except ValueError:
        return  # a key is missing then
    parsed.setdefault("ResponseMetadata", {})[_MISSPELT] = _misspelt(
        shape.members[payload] if payload else shape, body
    )


def _misspelt(shape: Any, value: Any) -> str:
    """Return the first key with one wrong character: the key that it should be is not just null."""
    inside: list[tuple[Any, Any]] = []
    if shape.type_name == "list" and isinstance(value, list):
        inside = [(shape.member, one) for one in value]
    elif shape.type_name == "structure" and isinstance(value, dict):
        absent = shape.members.keys() - value.keys()
        for key in value.keys() - shape.members.keys():
            if any(len(key) == len(name) and _differences(key, name) == 1 for name in absent):
                return f"{key!r} is no key"
        inside = [(inner, value.get(name)) for name, inner in shape.members.items()]
    return next(filter(None, (_misspelt(*one) for one in inside)), "")


def _differences(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def damaged(what: str, response: Mapping[str, Any] | None = None, operation: str = "") -> Unavailable:
    """Return the error for an answer that arrived damaged.

    :param what: what is wrong with it.
    :param response: the answer as botocore read it, if it could.
    """
    metadata = (response or {}).get("ResponseMetadata", {})
    facts = (metadata.get("HTTPStatusCode"), metadata.get("HTTPHeaders", {}).get("content-type"))
    came = ", ".join(str(fact) for fact in facts if fact)
    to = f" to {operation}" if operation else ""
    return Unavailable(
        f"The service's answer{to} arrived damaged: {what}{came and f' ({came})'}", code=DAMAGED
    )


def is_from_parser(error: BaseException) -> bool:
    """Tell whether botocore failed to read an answer: what it raises then is not documented."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__") == "botocore.parsers" for frame, _ in frames)
