"""Certificates and proxies: what is wrong is named with the variable that sets it."""

import datetime
import http.server
import ipaddress
import ssl
import threading
from contextlib import suppress

import pytest

import glacier_magic as gm
from glacier_magic.errors import ConnectionFailed, GlacierError, Unavailable

PASSWORD = "hunter2-and-more"
NOWHERE = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def environment(quick, monkeypatch):
    """Keys, and no proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def refusal(**options):
    """Connect; return the error, in which no password is."""
    with pytest.raises(GlacierError) as caught:
        gm.connect(**{"region": "us-east-1"} | options)
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.fixture
def certificate(tmp_path):
    """A file with a certificate for 127.0.0.1 that nobody has signed, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "certificate.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption()))
    return file


@pytest.fixture
def serve(certificate):
    """Serve 127.0.0.1 with TLS, or as a proxy: one that answers a status, or one that opens TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    servers = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_CONNECT(self):
            self.answer()
            if self.server.status == 200:
                with suppress(OSError):  # the client ends the handshake
                    context.wrap_socket(self.connection, server_side=True).close()
                self.close_connection = True

        do_GET = do_PUT = do_POST = answer  # noqa: N815

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_):
            pass

    def serve(status=200, *, tls=False):
        server = Server(("127.0.0.1", 0), Handler)
        server.status = status
        if tls:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        servers.append((server, thread))
        return f"127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("text", [None, "not a certificate"])
def test_a_bundle_that_cannot_be_read_is_named_before_anything_is_sent(tmp_path, monkeypatch, name, text):
    """With its variable: no network is at fault."""
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text)
    monkeypatch.setenv(name, str(bundle))
    error = refusal()
    assert type(error) is ConnectionFailed
    assert "bundle.pem" in error.message
    assert name in error.cure


def test_a_certificate_that_nobody_signed_is_trusted_by_a_bundle(serve, certificate, monkeypatch):
    """The variable is named; with it, the server is reached."""
    url = f"https://{serve(tls=True)}"
    error = refusal(endpoint_url=url)
    assert type(error) is ConnectionFailed
    assert "certificate is not trusted" in error.message
    assert "AWS_CA_BUNDLE" in error.cure
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    assert "is not a Glacier service" in refusal(endpoint_url=url).message


def test_a_proxy_that_opens_tls_is_trusted_by_a_bundle(serve, monkeypatch):
    """Its certificate is for the service, of an authority that only the company knows."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://{serve()}")
    error = refusal()
    assert type(error) is ConnectionFailed
    assert "certificate is not trusted" in error.message
    assert "AWS_CA_BUNDLE" in error.cure
    assert "proxy that opens TLS" in error.cure


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_a_proxy_that_cannot_be_reached_is_named(monkeypatch, name):
    """It may be back later."""
    monkeypatch.setenv(name, f"http://me:{PASSWORD}@{NOWHERE}")
    error = refusal()
    assert type(error) is Unavailable
    assert NOWHERE in error.message
    assert name in error.cure
    assert "NO_PROXY" in error.cure


@pytest.mark.parametrize(("name", "url"), [("HTTPS_PROXY", None), ("HTTP_PROXY", "http://glacier.example")])
def test_a_proxy_that_wants_a_password_is_named(serve, monkeypatch, name, url):
    """Trying again would not help."""
    monkeypatch.setenv(name, f"http://me:{PASSWORD}@{serve(407)}")
    error = refusal(endpoint_url=url)
    assert type(error) is ConnectionFailed
    assert "407" in error.message
    assert name in error.cure
