"""What is worth another try, and what is not."""

from __future__ import annotations

import socket
import ssl
import time
import typing as t

import pytest
import urllib3

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import _core, transport
from ansible_collections.dagops.airflow.plugins.module_utils.kube.transport import Reply


@pytest.mark.parametrize(
    ("status", "body", "idempotent", "expected"),
    [
        (429, b"", False, True),
        (503, b"", True, True),
        (503, b"", False, False),
        (504, b"", True, True),
        (500, b"etcdserver: leader changed", True, True),
        (500, b"etcdserver: leader changed", False, False),
        (500, b"etcdserver: request timed out", True, True),
        (500, b'failed calling webhook "x": connection refused', True, True),
        (500, b"broken", True, False),
        (422, b"failed to allocate IP: allocator not ready", False, True),
        (403, b'namespaces "a" is forbidden: not yet ready to handle request', False, True),
        (403, b"forbidden", True, False),
        (409, b"", True, False),
        (200, b"", True, False),
    ],
)
def test_transient_answers(status: int, body: bytes, idempotent: bool, expected: bool) -> None:
    assert transport.is_transient(Reply(status, body, 0.0), idempotent) is expected


@pytest.mark.parametrize(
    ("cause", "idempotent", "expected"),
    [
        (ConnectionRefusedError(), False, True),
        (ConnectionResetError(), True, True),
        (ConnectionResetError(), False, False),
        (TimeoutError(), True, True),
        (socket.gaierror(-2, "x"), True, False),
        (ssl.SSLCertVerificationError(1, "x"), True, False),
    ],
)
def test_broken_connections(cause: OSError, idempotent: bool, expected: bool) -> None:
    error = urllib3.exceptions.ProtocolError("broken", cause)
    assert transport._worth_another_try(error, idempotent, False) is expected


@pytest.mark.parametrize(
    ("cause", "answered", "expected"),
    [
        (ssl.SSLError(1, "TLSV1_ALERT_DECODE_ERROR"), True, True),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_DECODE_ERROR] tlsv1 alert decode error"), False, True),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca"), False, False),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), False, False),
        (ssl.SSLCertVerificationError(1, "x"), True, False),
    ],
)
def test_a_tls_alert_that_may_pass(cause: OSError, answered: bool, expected: bool) -> None:
    error = urllib3.exceptions.ProtocolError("broken", cause)
    assert transport._worth_another_try(error, True, answered) is expected


@pytest.mark.parametrize(("header", "seconds"), [("3", 3), ("60", 10), (None, 0), ("Wed, 21 Oct 2026", 0)])
def test_retry_after(header: str | None, seconds: float) -> None:
    assert transport._seconds(header) == seconds


def connection(**params: t.Any) -> transport.Transport:
    return transport.Transport(_core.configure({"host": "http://127.0.0.1:1", "api_key": "t", **params}))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PATIENCE_AT_FIRST", 0.2)
    monkeypatch.setattr(transport, "_QUIET", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_refused_connection_is_tried_again_and_told() -> None:
    said: list[str] = []
    made = transport.Transport(_core.configure({"host": "http://127.0.0.1:1", "api_key": "t"}), said.append)
    started = time.monotonic()
    with pytest.raises(Failure, match="the connection is refused"):
        made.send("GET", "/version")
    assert made.requests >= 2
    assert time.monotonic() - started < 5
    assert len(said) == 1


@pytest.mark.usefixtures("impatient")
def test_a_busy_server_is_tried_again_until_it_answers() -> None:
    made = connection()
    replies = iter([Reply(429, b"", 0.0), Reply(503, b"", 0.01), Reply(200, b"ok", 0.0)])
    reply = made.persist(
        lambda: next(replies), idempotent=True, transient=lambda one: transport.is_transient(one, True)
    )
    assert reply.body == b"ok"
    assert made.requests == 3


def test_headers_tell_who_we_are() -> None:
    headers = connection(impersonate_user="bob", impersonate_groups=["a", "b"]).headers()
    assert ("authorization", "Bearer t") in [(name.lower(), value) for name, value in headers]
    assert ("Impersonate-User", "bob") in headers
    assert [value for name, value in headers if name == "Impersonate-Group"] == ["a", "b"]


def test_basic_authentication() -> None:
    made = transport.Transport(_core.configure({"host": "http://127.0.0.1:1", "username": "u", "password": "p"}))
    assert ("authorization", "Basic dTpw") in made.headers()


def test_proxies() -> None:
    proxied = connection(proxy="http://proxy:3128")
    assert proxied.proxy()
    assert isinstance(proxied._pool, urllib3.ProxyManager)
    assert connection(proxy="http://proxy:3128", no_proxy="127.0.0.1").proxy() is None


def test_certificates_that_cannot_be_read(tmp_path: t.Any) -> None:
    with pytest.raises(Failure, match=r"client certificate .* cannot be read"):
        connection(client_cert=str(tmp_path / "none"), client_key=str(tmp_path / "none"))
    broken = tmp_path / "broken"
    broken.write_text("nothing")
    with pytest.raises(Failure, match=r"certificates of .* cannot be used"):
        connection(ca_cert=str(broken))


def test_an_expired_token_is_told() -> None:
    expired = connection(api_key="e30.eyJleHAiOiAwfQ.sig")
    assert expired.credentials() == "the token of option host expired at 1970-01-01 00:00 UTC"
    assert connection().credentials() == "it does not accept the credentials of option host"


def test_urls() -> None:
    assert connection().url("/a", {"b": ["c", "d e"], "f": 1}) == "http://127.0.0.1:1/a?b=c&b=d+e&f=1"
    assert connection().url("/a") == "http://127.0.0.1:1/a"
