"""Errors are sentences: what failed, why, and what to do."""

from __future__ import annotations

import base64
import datetime
import json
import socket
import ssl
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import errors

SERVER = "https://k:6443"


def refused(status: int, **body: t.Any) -> errors.ApiError:
    return errors.refused(status, json.dumps(body).encode(), "apply Pod/n/a", SERVER, "the token expired")


def test_a_permission_is_named() -> None:
    said = 'pods is forbidden: User "bob" cannot patch resource "deployments" in API group "apps" in the namespace "n"'
    error = refused(403, reason="Forbidden", message=said)
    assert error.message == (
        "Cannot apply Pod/n/a: user bob may not patch deployments.apps in namespace n. "
        "Ask an administrator of the cluster for a Role that allows it."
    )


def test_a_permission_for_the_whole_cluster_is_named() -> None:
    said = 'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope'
    assert errors.missing_permission(said) == "user bob may not list nodes in the whole cluster"


def test_other_refusals_are_told_in_the_words_of_the_api_server() -> None:
    assert refused(403, message="exceeded quota: q").message == "Cannot apply Pod/n/a: exceeded quota: q"
    assert (
        refused(500, reason="InternalError").message
        == "Cannot apply Pod/n/a: the API server answered 500 InternalError"
    )


def test_expired_credentials_are_told() -> None:
    assert "refuses to log us in (401): the token expired. Log in again" in refused(401).message


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b""])
def test_answers_that_are_no_status(body: bytes) -> None:
    assert errors.refused(502, body, "read x", SERVER).message.startswith("Cannot read x: ")


def test_what_callers_ask() -> None:
    assert refused(404).missing
    assert refused(409, reason="AlreadyExists").exists
    assert refused(409, reason="Conflict").conflict
    assert not refused(409, reason="AlreadyExists").conflict
    assert refused(422, details={"causes": [{"field": "spec.a"}]}).causes == [{"field": "spec.a"}]


def certificate_error(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (ConnectionRefusedError(), "the connection is refused. Is the cluster running"),
        (socket.gaierror(-2, "x"), "its name cannot be resolved. Check"),
        (ConnectionResetError(), "the connection was cut."),
        (TimeoutError(), "it does not answer in time."),
        (certificate_error("certificate has expired"), "its certificate has expired. Renew"),
        (certificate_error("unable to get local issuer certificate"), "its certificate is not trusted ("),
        (
            certificate_error("Hostname mismatch, certificate is not valid for 'x'."),
            "its certificate is for another name",
        ),
        (ssl.SSLError(1, "wrong version number"), "TLS failed"),
        (ValueError("odd."), "odd. Check its address"),
    ],
)
def test_unreachable(cause: BaseException, why: str) -> None:
    outer = RuntimeError("pool")
    outer.__cause__ = cause
    message = errors.unreachable(outer, SERVER, "kubeconfig x").message
    assert message.startswith(f"The Kubernetes API at {SERVER} (from kubeconfig x) cannot be reached: {why}")


def test_causes_are_found_where_urllib3_keeps_them() -> None:
    inner = ConnectionRefusedError()
    outer = RuntimeError("max retries")
    outer.reason = RuntimeError("new connection", inner)  # type: ignore[attr-defined]
    assert list(errors.causes_of(outer))[-1] is inner


def token(claims: t.Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"Bearer e30.{part}.sig"


def test_the_end_of_a_token() -> None:
    assert errors.token_expiry(token({"exp": 0})) == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    for odd in (token({}), token({"exp": "x"}), token([]), "Bearer opaque", "Bearer a.b.c", "Bearer a.%%%.c"):
        assert errors.token_expiry(odd) is None


def test_the_end_of_a_certificate_that_is_none() -> None:
    assert errors.certificate_expiry(b"nothing") is None
