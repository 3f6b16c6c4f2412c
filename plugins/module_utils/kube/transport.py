# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""HTTP to one API server: TLS once, kept connections, retries with backoff, a count of requests.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import re
import socket
import ssl
import threading
import time
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import _core, errors

try:
    import requests.utils
    import urllib3
except ImportError:
    # kubernetes depends on both, and _core.configure says clearly that it is missing.
    pass

CONNECT_TIMEOUT: t.Final = 10.0
READ_TIMEOUT: t.Final = 30.0
PATIENCE_AT_FIRST: t.Final = 15.0
"""Seconds to go on trying before the first answer: a wrong address should not keep a person waiting for long."""
PATIENCE: t.Final = 60.0
"""Seconds to go on trying once the API server has answered: it may restart in the middle of a run."""
_QUIET: t.Final = 3.0
_GARBLED: t.Final = re.compile(r"ALERT_(DECODE|DECRYPT|INTERNAL)_ERROR|ALERT_BAD_RECORD_MAC")
"""TLS alerts by which a server says that it did not get what we sent; others say that it will not have it."""
_TRANSIENT_500: t.Final = re.compile(
    rb"etcdserver: (leader changed|request timed out|too many requests|no leader)|connection re(fused|set)"
    rb"|raft proposal dropped|http2: client connection (lost|force closed)"
)
_STARTING: t.Final = re.compile(rb"allocator not ready|not yet ready to handle request")
"""What an API server that has just started refuses (as 403, 422 or 500), and takes a moment later."""

T = t.TypeVar("T")
Notify = t.Callable[[str], None]


class Reply(t.NamedTuple):
    status: int
    body: bytes
    retry_after: float


class Transport:
    """A pool of connections; safe to use from several threads."""

    def __init__(self, configuration: _core.Configuration, notify: Notify | None = None) -> None:
        client = configuration.client
        self.server: str = client.host
        self.source = configuration.source
        self.requests = 0
        self._client = client
        self._notify = notify
        self._answered = False
        self._lock = threading.Lock()
        self._impersonation = configuration.headers
        self._certificate = _read(client.cert_file)
        self.tls = _tls_context(client, self.source)
        _core.forget_files()
        self._pool = _pool(client, self.tls)

    def headers(self) -> list[tuple[str, str]]:
        """What tells the API server who we are."""
        headers = [("User-Agent", "dagops.airflow")]
        for setting in self._client.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                headers.append((setting["key"], setting["value"]))
        if self._client.username and not any(name.lower() == "authorization" for name, _value in headers):
            headers.append(("authorization", self._client.get_basic_auth_token()))
        for name, value in self._impersonation.items():
            headers += [(name, one) for one in (value if isinstance(value, list) else [value])]
        return headers

    def send(
        self,
        method: str,
        path: str,
        *,
        query: t.Mapping[str, t.Any] | None = None,
        body: bytes | None = None,
        headers: t.Mapping[str, str] | None = None,
        timeout: float = READ_TIMEOUT,
        idempotent: bool = True,
        retry_statuses: bool = True,
    ) -> Reply:
        """The answer to one request, whatever its status; what is transient is tried again."""
        url = self.url(path, query)

        def attempt() -> Reply:
            sent = urllib3.HTTPHeaderDict(self.headers())
            sent.update(headers or {})
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=sent,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=timeout),
                retries=False,
                redirect=False,
            )
            return Reply(response.status, response.data, _seconds(response.headers.get("Retry-After")))

        def transient(reply: Reply) -> bool:
            return retry_statuses and is_transient(reply, idempotent)

        return self.persist(attempt, idempotent=idempotent, transient=transient)

    def url(self, path: str, query: t.Mapping[str, t.Any] | None = None) -> str:
        encoded = urllib.parse.urlencode(query or {}, doseq=True)
        return f"{self.server}{path}?{encoded}" if encoded else f"{self.server}{path}"

    def persist(
        self, attempt: t.Callable[[], T], *, idempotent: bool, transient: t.Callable[[T], bool] = lambda _reply: False
    ) -> T:
        """What ``attempt`` returns in the end, tried again while the API server is away or says "later"."""
        started, pause, told = time.monotonic(), 0.1, False
        while True:
            with self._lock:
                self.requests += 1
            reply: T | None = None
            try:
                reply = attempt()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem: errors.Unreachable | None = errors.unreachable(error, self.server, self.source)
                worth = _worth_another_try(error, idempotent, self._answered)
            else:
                self._answered = True
                problem, worth = None, transient(reply)
            waited = time.monotonic() - started
            if not worth or waited > (PATIENCE if self._answered else PATIENCE_AT_FIRST):
                if problem is not None:
                    raise problem
                return t.cast("T", reply)
            if waited > _QUIET and not told and self._notify:
                self._notify(problem.message if problem else f"the Kubernetes API at {self.server} is busy; waiting")
                told = True
            time.sleep(max(pause, reply.retry_after if isinstance(reply, Reply) else 0.0))
            pause = min(pause * 2, 2.0)

    def credentials(self) -> str:
        """Why the API server may refuse our credentials, as far as they tell themselves."""
        now = datetime.datetime.now(datetime.UTC)
        tokens = [value for name, value in self.headers() if name.lower() == "authorization"]
        ends = {
            "the token": errors.token_expiry(tokens[0]) if tokens else None,
            "the client certificate": errors.certificate_expiry(self._certificate) if self._certificate else None,
        }
        for name, end in ends.items():
            if end and end < now:
                return f"{name} of {self.source} expired at {end:%Y-%m-%d %H:%M} UTC"
        return f"it does not accept the credentials of {self.source}"

    def proxy(self) -> urllib.parse.SplitResult | None:
        """The proxy for websockets."""
        return urllib.parse.urlsplit(self._client.proxy) if _proxied(self._client) else None

    def tls_name(self) -> str | None:
        return getattr(self._client, "tls_server_name", None)


def is_transient(reply: Reply, idempotent: bool) -> bool:
    """Whether the same request may well succeed a little later, and does no harm when it comes twice."""
    if reply.status == 429 or (reply.status in (403, 422, 500) and _STARTING.search(reply.body)):
        return True
    if not idempotent:
        return False
    return reply.status in (502, 503, 504) or (reply.status == 500 and bool(_TRANSIENT_500.search(reply.body)))


def _worth_another_try(error: BaseException, idempotent: bool, answered: bool) -> bool:
    """Whether it may be different next time; where the server has ``answered`` before, so it may after a TLS alert."""
    causes = list(errors.causes_of(error))
    hopeless = (socket.gaierror, urllib3.exceptions.LocationValueError, ssl.SSLCertVerificationError)
    if any(isinstance(cause, hopeless) for cause in causes):
        return False
    refusals = [cause for cause in causes if isinstance(cause, ssl.SSLError) and not _GARBLED.search(str(cause))]
    if refusals and not answered:
        return False
    # A refused connection has sent nothing, so even what must not come twice can be tried again.
    return idempotent or any(isinstance(cause, ConnectionRefusedError) for cause in causes)


def _seconds(retry_after: str | None) -> float:
    return min(float(retry_after), 10.0) if retry_after and retry_after.isdigit() else 0.0


def _read(path: str | None) -> bytes | None:
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"The client certificate {path} cannot be read: {error.strerror}.") from error


def _pem(client: t.Any) -> str | None:
    given = getattr(client, "ca_cert_data", None)
    return given.decode() if isinstance(given, bytes) else given


def _tls_context(client: t.Any, source: str) -> ssl.SSLContext:
    """One context for all connections: reading CA and client certificate again for each costs milliseconds."""
    try:
        context = ssl.create_default_context(cafile=client.ssl_ca_cert or None, cadata=_pem(client))
        # As kubectl: the CA certificates of many clusters lack extensions that Python 3.13 asks for by default.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not client.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif client.assert_hostname is False:
            context.check_hostname = False
        if client.cert_file:
            context.load_cert_chain(client.cert_file, client.key_file)
    except (OSError, ssl.SSLError) as error:
        raise Failure(
            f"The certificates of {source} cannot be used: {error}. Check ca_cert, client_cert and client_key."
        ) from error
    return context


def _proxied(client: t.Any) -> bool:
    no_proxy = getattr(client, "no_proxy", None)
    return bool(client.proxy) and not (no_proxy and requests.utils.should_bypass_proxies(client.host, no_proxy))


def _pool(client: t.Any, tls: ssl.SSLContext) -> t.Any:
    options: dict[str, t.Any] = {"ssl_context": tls, "maxsize": 8}
    if client.assert_hostname:
        options["assert_hostname"] = client.assert_hostname
    if getattr(client, "tls_server_name", None):
        options["server_hostname"] = client.tls_server_name
    if not _proxied(client):
        return urllib3.PoolManager(**options)
    if client.proxy.startswith("socks"):
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(client.proxy, **options)
    return urllib3.ProxyManager(client.proxy, proxy_headers=client.proxy_headers, **options)
