"""The AWS Price List: what AWS itself says a service costs, asked with the user's credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import AccessDenied, CredentialsError, Unavailable
from ..steps import step
from .client import WHOLE_TRIES, Service
from .connection import config_of
from .translation import translated

_PERMISSION = "The identity needs the action pricing:GetProducts in its IAM policy; the call itself is free."


def _login() -> str:
    return (
        "Prices are asked of AWS with your own credentials: log in (aws configure, aws sso login), or "
        f"set the prices yourself: {step('cost', '--help')}."
    )


def price_list(service: Service, code: str, filters: Mapping[str, str]) -> Iterator[str]:
    """Yield the products of an AWS service, all pages, each as the JSON text of the answer.

    The call goes to AWS with the credentials of the session, from an emulator too.

    :param code: of the service in the price list, such as ``AmazonGlacier``.
    :param filters: attributes of the products and the values that they must have.
    :raises AccessDenied: the identity may not ask for prices.
    :raises CredentialsError: there are no credentials.
    """
    client = _client(service)
    wanted = [{"Type": "TERM_MATCH", "Field": key, "Value": filters[key]} for key in filters]
    request: dict[str, Any] = {"ServiceCode": code, "Filters": wanted, "FormatVersion": "aws_v1"}
    while True:
        answer = _page(client, request)
        yield from map(str, answer["PriceList"])
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]


def _page(client: Any, request: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(WHOLE_TRIES):
        try:
            with translated():
                answer: Mapping[str, Any] = client.get_products(**request)
        except AccessDenied as denied:
            raise AccessDenied(denied.message, cure=_PERMISSION, code=denied.code) from None
        except CredentialsError as error:
            raise CredentialsError(error.message, cure=_login(), code=error.code) from None
        if "PriceList" in answer:
            return answer
    raise Unavailable("The answer of the AWS Price List arrived damaged")


def _client(service: Service) -> Any:
    config = config_of(attempts=5, connect=15, read=60)
    with translated():
        return service._session.client("pricing", region_name=home(service.region), config=config)


def home(region: str) -> str:
    """Return the region that answers for prices near *region*: there are only a few."""
    if region.startswith("cn-"):
        return "cn-northwest-1"
    if region.startswith("ap-"):
        return "ap-south-1"
    return "eu-central-1" if region.startswith(("eu-", "me-", "af-")) else "us-east-1"
