"""Clients of AWS's services, and the addresses that no proxy can reach."""

import boto3
import pytest

import glacier_magic as gm
from glacier_magic.service.clients import is_here, new_client

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def keys(monkeypatch):
    """The emulator's keys, and a proxy that does not answer."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://127.8.9.10", True),
        ("https://[::1]:4566/x", True),
        ("http://LOCALHOST:4566", True),
        ("http://s3.localhost:4566", True),
        ("http://0.0.0.0:4566", True),
        ("http://localhost.example.org", False),
        ("http://192.168.0.1", False),
        ("https://glacier.us-east-1.amazonaws.com", False),
        ("nowhere", False),
    ],
)
def test_a_loopback_address_is_known(url, here):
    """By its number or its name, with any port."""
    assert is_here(url) is here


def test_a_server_of_this_computer_is_asked_without_a_proxy(emulator, keys, session_place):
    """It is no emulator of the package: such as moto or LocalStack, by ``endpoint_url``."""
    with gm.connect(endpoint_url=emulator.url, region="us-east-1", catalogue=session_place) as session:
        assert session.account == emulator.account


@pytest.mark.parametrize("name", ["sns", "sqs", "sts", "pricing"])
def test_an_address_of_the_environment_counts_as_well(keys, monkeypatch, name):
    """botocore finds it only when it makes the client."""
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name.upper()}", "http://127.0.0.1:4566")
    assert new_client(boto3.Session(), name, "us-east-1").meta.config.proxies == {}
    monkeypatch.delenv(f"AWS_ENDPOINT_URL_{name.upper()}")
    assert new_client(boto3.Session(), name, "us-east-1").meta.config.proxies is None
