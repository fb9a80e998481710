"""Requests to the AWS Price List, with the user's credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import AccessDenied, CredentialsError, Unavailable
from ..errors.steps import step
from .client import WHOLE_TRIES, Service
from .clients import new_client
from .connection import account_session, config_of
from .translation import translated

_PERMISSION = "The identity needs the action pricing:GetProducts in its IAM policy; the call itself is free."


def _login() -> str:
    return (
        "Prices are requested from AWS with your own credentials: log in (aws configure, aws sso login), "
        f"or set the prices yourself: {step('cost', '--help')}."
    )


def price_list(service: Service, code: str, filters: Mapping[str, str]) -> Iterator[str]:
    """Yield the products of an AWS service, all pages, each as JSON.

    The request is sent to AWS even if the session is connected to an emulator.

    :param code: the service in the price list, such as ``AmazonGlacier``.
    :param filters: attributes of the products and their required values.
    :raises AccessDenied: the identity lacks the permission.
    :raises CredentialsError: there are no credentials.
    """
    client = _client(service)
    wanted = [{"Type": "TERM_MATCH", "Field": key, "Value": filters[key]} for key in filters]
    request: dict[str, Any] = {"ServiceCode": code, "Filters": wanted, "FormatVersion": "aws_v1"}
    while True:
        page = _page(client, request)
        yield from map(str, page["PriceList"])
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _page(client: Any, request: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(WHOLE_TRIES):
        try:
            with translated():
                response: Mapping[str, Any] = client.get_products(**request)
        except AccessDenied as denied:
            raise AccessDenied(denied.message, cure=_PERMISSION, code=denied.code) from None
        except CredentialsError as error:
            raise CredentialsError(error.message, cure=_login(), code=error.code) from None
        if "PriceList" in response:
            return response
    raise Unavailable("The response of the AWS Price List arrived damaged")


def _client(service: Service) -> Any:
    config = config_of(attempts=5, connect=15, read=60)
    with translated():
        # Never at endpoint_url: an emulator has no price list.
        return new_client(account_session(service), "pricing", home(service.region), config)


def home(region: str) -> str:
    """Return the region of the price list endpoint near *region*; only a few regions have one."""
    if region.startswith("cn-"):  # China is a partition with its own endpoint
        return "cn-northwest-1"
    if region.startswith("ap-"):
        return "ap-south-1"
    return "eu-central-1" if region.startswith(("eu-", "me-", "af-")) else "us-east-1"
