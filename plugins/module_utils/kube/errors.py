# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the API server refuses, and what keeps us from reaching it, as sentences for people.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
import socket
import ssl
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

_DENIED = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"')
_DENIED_GROUP = re.compile(r'in API group "(?P<group>[^"]*)"')
_DENIED_NAMESPACE = re.compile(r'in the namespace "(?P<namespace>[^"]*)"')


class Unreachable(Failure):
    """No answer came from the API server."""


class ApiError(Failure):
    """An answer of the API server that is no success."""

    def __init__(self, status: int, reason: str, message: str, details: dict[str, t.Any] | None = None) -> None:
        super().__init__(message, status=status, reason=reason)
        self.status = status
        self.reason = reason
        self.causes: list[dict[str, str]] = (details or {}).get("causes") or []
        """What the API server found wrong, one per field: ``reason``, ``message``, ``field``."""

    @property
    def missing(self) -> bool:
        return self.status == 404

    @property
    def exists(self) -> bool:
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        return self.status == 409 and not self.exists


def refused(status: int, body: bytes, doing: str, server: str, credentials: str = "") -> ApiError:
    """The error for an answer of the API server to ``doing`` (``apply Deployment/airflow/web``)."""
    answer = _status(body)
    reason, said = str(answer.get("reason") or ""), str(answer.get("message") or "").strip()
    if status == 401:
        why = credentials or "it does not accept our credentials"
        message = f"The Kubernetes API at {server} refuses to log us in (401): {why}. Log in again or renew them."
    elif status == 403 and (permission := missing_permission(said)):
        message = f"Cannot {doing}: {permission}. Ask an administrator of the cluster for a Role that allows it."
    elif "HTTP request to an HTTPS server" in said:
        message = f"The Kubernetes API at {server} speaks https: write https:// in the server of the kubeconfig."
    else:
        message = f"Cannot {doing}: {said or f'the API server answered {status} {reason}'.strip()}"
    return ApiError(status, reason, message, answer.get("details"))


def missing_permission(said: str) -> str | None:
    """``user x may not patch deployments.apps in namespace y``, from the words of the API server."""
    denied = _DENIED.search(said)
    if not denied:
        return None
    group, namespace = _DENIED_GROUP.search(said), _DENIED_NAMESPACE.search(said)
    resource = ".".join(part for part in (denied["resource"], group["group"] if group else "") if part)
    place = f"in namespace {namespace['namespace']}" if namespace else "in the whole cluster"
    return f"user {denied['user']} may not {denied['verb']} {resource} {place}"


def _status(body: bytes) -> dict[str, t.Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        # A proxy, a load balancer or a path that nobody serves answers in plain text.
        return {"message": body.decode(errors="replace").strip()[:300]}
    return answer if isinstance(answer, dict) else {}


def unreachable(error: BaseException, server: str, source: str) -> Unreachable:
    why, remedy = _explain(error)
    return Unreachable(f"The Kubernetes API at {server} (from {source}) cannot be reached: {why}. {remedy}")


def _explain(error: BaseException) -> tuple[str, str]:
    chain = list(causes_of(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _explain_certificate(cause)
        if isinstance(cause, ssl.SSLError):
            return (
                f"TLS failed ({getattr(cause, 'reason', None) or cause})",
                "Is this the https port of the API server?",
            )
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved", "Check the server of the kubeconfig, and DNS."
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused", "Is the cluster running, and is this its address?"
        if isinstance(cause, (ConnectionResetError, BrokenPipeError)):
            return "the connection was cut", "Is something between us and the cluster closing it?"
        if isinstance(cause, TimeoutError) or "timed out" in str(cause):
            return "it does not answer in time", "Check its address, the network and any firewall or VPN."
    return str(chain[-1]).strip(".") or type(chain[-1]).__name__, "Check its address and the network."


def _explain_certificate(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    why = error.verify_message or str(error)
    if "expired" in why:
        return "its certificate has expired", "Renew the certificate of the API server."
    if "match" in why or "not valid for" in why:
        return f"its certificate is for another name ({why.strip('.')})", "Use a name that the certificate holds."
    return f"its certificate is not trusted ({why.strip('.')})", "Set ca_cert to the cluster's CA certificate."


def causes_of(error: BaseException | None) -> t.Iterator[BaseException]:
    """``error`` and what brought it about, the outermost first."""
    while error is not None:
        yield error
        # urllib3 keeps what really happened in `reason` (MaxRetryError, ProxyError) or in the first argument.
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in getattr(error, "args", ()) if isinstance(arg, BaseException)), None)
        error = inner or error.__cause__ or error.__context__


def token_expiry(authorization: str) -> datetime.datetime | None:
    """When a bearer token that is a JWT ends; it is read, not verified."""
    parts = authorization.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.datetime.fromtimestamp(claims["exp"], datetime.UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        return None


def certificate_expiry(pem: bytes) -> datetime.datetime | None:
    """When the first certificate in ``pem`` ends; None when that cannot be read here."""
    try:
        from cryptography import x509
    except ImportError:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        return certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
