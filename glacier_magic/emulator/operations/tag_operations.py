"""AddTagsToVault, RemoveTagsFromVault and ListTagsForVault."""

from __future__ import annotations

import re

from glacier_magic.emulator import service_errors, service_limits
from glacier_magic.emulator.http import Response, json_response
from glacier_magic.emulator.records import setting_rows
from glacier_magic.emulator.service import Call, operation

_TEXT = re.compile(r"[\w ./=+@-]*")  # letters and digits of all scripts


@operation("POST", "vaults/*vault/tags", ("operation", "add"))
def add_tags_to_vault(call: Call) -> Response:
    """Add up to 10 tags per call, up to 50 in total."""
    given = call.request.json().get("Tags")
    if not isinstance(given, dict):
        raise service_errors.missing_header("Tags")
    _check_count(len(given))
    for key, value in given.items():
        _check_tag(key, value)
    with call.store.write() as connection:
        setting_rows.add_tags(connection, call.vault(connection), given)
    return Response(204)


def _check_count(count: int) -> None:
    if not count:
        raise service_errors.invalid("At least one tag is required.")
    if count > service_limits.TAGS_A_CALL:
        raise service_errors.limit_exceeded(
            f"At most {service_limits.TAGS_A_CALL} tags are allowed in a call."
        )


def _check_tag(key: str, value: object) -> None:
    if not isinstance(value, str):
        raise service_errors.serialization("A tag's value is not a string.")
    if not 1 <= len(key) <= 128 or not _TEXT.fullmatch(key) or key.lower().startswith("aws:"):
        raise service_errors.invalid(f"Invalid tag key: {key}")
    if len(value) > 255 or not _TEXT.fullmatch(value):
        raise service_errors.invalid(f"Invalid tag value: {value}")


@operation("POST", "vaults/*vault/tags", ("operation", "remove"))
def remove_tags_from_vault(call: Call) -> Response:
    """Remove tags; unknown keys are no error."""
    keys = call.request.json().get("TagKeys")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise service_errors.missing_header("TagKeys")
    _check_count(len(keys))
    with call.store.write() as connection:
        setting_rows.remove_tags(connection, call.vault(connection), keys)
    return Response(204)


@operation("GET", "vaults/*vault/tags")
def list_tags_for_vault(call: Call) -> Response:
    """List the tags."""
    with call.store.read() as connection:
        return json_response({"Tags": setting_rows.tags(connection, call.vault(connection))})
