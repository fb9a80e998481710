"""Whatever the environment says, the emulator is reached: it needs no account and no network."""

import pytest

import glacier_magic as gm
from glacier_magic.emulator.bare_session import bare_session

NOWHERE = "http://127.0.0.1:9"
ENVIRONMENT = {
    **dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"), NOWHERE),
    "NO_PROXY": "example.org",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",  # without its secret key
    "AWS_CA_BUNDLE": "/missing",
    "REQUESTS_CA_BUNDLE": "",
    "AWS_ENDPOINT_URL": "no address",
    "AWS_ENDPOINT_URL_GLACIER": NOWHERE,
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_RETRY_MODE": "often",
    "AWS_DEFAULTS_MODE": "none",
    "AWS_STS_REGIONAL_ENDPOINTS": "none",
    "AWS_DEFAULT_REGION": "no region",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "none",
    "AWS_DATA_PATH": "/missing",
}
"""Variables that botocore reads; with any of them, it would fail or go elsewhere."""

CONFIGURATIONS = {
    "broken": "no section\n",
    "bundles": "[default]\nca_bundle = /missing\nproxies_config =\n  proxy_ca_bundle = /missing\n",
    "an endpoint": "[default]\nendpoint_url = http://127.0.0.1:9\n",
    "services": "[default]\nservices = s\n[services s]\nglacier =\n  endpoint_url = http://127.0.0.1:9\n",
    "services that are gone": "[default]\nservices = gone\n",
    "no sense": "[default]\nregion = !\nretry_mode = x\nmax_attempts = x\ndefaults_mode = x\n",
}


@pytest.fixture(params=["gone", "", "folder", *CONFIGURATIONS])
def environment(request, monkeypatch, tmp_path):
    """Set what a computer may have in its environment, with a profile or a configuration."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    if request.param in CONFIGURATIONS:
        (tmp_path / "config").write_text(CONFIGURATIONS[request.param])
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    elif request.param == "folder":
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))
    else:
        monkeypatch.setenv("AWS_PROFILE", request.param)


def test_nothing_of_the_environment_reaches_the_emulator(environment, emulator, tmp_path):
    """Neither the fixture's client, nor a session, nor the region of either."""
    assert "VaultList" in emulator.client().list_vaults()
    with gm.connect(emulator=emulator.folder, catalogue=tmp_path / "catalogue.sqlite") as session:
        assert session.account == emulator.account
        assert session.region == "us-east-1"


def test_a_bare_session_has_no_keys(monkeypatch):
    """Not those of an account: they would sign a request to a server that does not need them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert bare_session().get_credentials() is None
