# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A client for Airflow's REST API: 3.x (bearer tokens) and 2.11 (basic authentication).

It does not know how Airflow is reached: a ``Dial`` gives it an open connection, and gives another one when that is cut.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import time
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import Facts
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

TIMEOUT: t.Final = 60.0
# A rollout or a restart of the API server is over in this time, or it is no hiccup.
PATIENCE: t.Final = 30.0
_PAUSE: t.Final = 0.5
_UNAVAILABLE: t.Final = (502, 503, 504)
_MOMENT: t.Final = 5.0
"""Seconds for which an error of Airflow's own (500) may be one of the moment: its database or PgBouncer is replaced."""

Dial = t.Callable[[], http.client.HTTPConnection]


class AirflowError(Failure):
    """An answer of Airflow that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, status=status)
        self.status = status

    @property
    def missing(self) -> bool:
        return self.status == 404


class Away(Failure):
    """Nothing serves Airflow's API just now; a moment later it may."""


class LoginRefused(Failure):
    """Airflow does not know the user with this password."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of Airflow."""

    status: int
    body: bytes
    kind: str

    def json(self) -> t.Any:
        return json.loads(self.body)

    def detail(self) -> str:
        """What Airflow says is wrong."""
        try:
            said = json.loads(self.body)
        except ValueError:
            # A proxy on the way answers in plain text or HTML.
            return self.body.decode(errors="replace").strip().split("\n", maxsplit=1)[0][:200]
        return complaint(said)


def complaint(said: t.Any) -> str:
    """The words of an error: 3.x has ``detail`` (a text, or a list of fields), 2.11 has ``detail`` and ``title``."""
    if not isinstance(said, dict):
        return str(said)[:200]
    detail = said.get("detail") or said.get("title") or ""
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(str(part) for part in item.get('loc', ()))}: {item.get('msg')}" for item in detail)
    return str(detail.get("reason", detail)) if isinstance(detail, dict) else str(detail)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who we are to Airflow."""

    username: str
    password: str
    source: str
    """Where they come from, for messages."""


class Rest:
    """Airflow's API, as one user."""

    def __init__(
        self,
        dial: Dial,
        facts: Facts,
        path: str,
        credentials: Credentials,
        *,
        patience: float = PATIENCE,
        lost: t.Callable[[], None] = lambda: None,
    ) -> None:
        """``lost`` is told when a connection breaks."""
        self.facts = facts
        self.credentials = credentials
        self._dial = dial
        self._path = path.rstrip("/")
        self._patience = patience
        self._lost = lost
        self._connection: http.client.HTTPConnection | None = None
        self._authorization: str | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: t.Any = None,
        query: t.Mapping[str, t.Any] | None = None,
        accept: str = "application/json",
        doing: str,
    ) -> Answer:
        """The answer to a request as our user; ``doing`` (``read DAG x``) is how errors call it."""
        answer = self._authorized(method, path, body, query, accept)
        if answer.status == 401:
            # The token may have expired; if not, the second answer is the same.
            self._authorization = None
            answer = self._authorized(method, path, body, query, accept)
        if answer.status >= 400:
            raise AirflowError(answer.status, self._refused(answer, doing))
        return answer

    def get(self, path: str, *, doing: str, **query: t.Any) -> t.Any:
        """The JSON at ``path``."""
        return self.request("GET", path, query=query, doing=doing).json()

    def find(self, path: str, *, doing: str, **query: t.Any) -> t.Any | None:
        """The JSON at ``path``, or None when there is nothing."""
        try:
            return self.get(path, doing=doing, **query)
        except AirflowError as error:
            if error.missing:
                return None
            raise

    def pages(self, path: str, key: str, *, doing: str, size: int = 100) -> list[t.Any]:
        """All items of a collection."""
        found: list[t.Any] = []
        while True:
            page = self.get(path, doing=doing, limit=size, offset=len(found))
            found += page[key]
            if not page[key] or len(found) >= page.get("total_entries", 0):
                return found

    def login(self) -> None:
        """Prove our credentials; raises ``LoginRefused``."""
        self._authorization = self._proof(self.credentials)
        if self._authorization is None:
            raise LoginRefused(
                f"Airflow refuses the login of user {self.credentials.username} ({self.credentials.source}): "
                "the password is wrong, or the user does not exist or is not active."
            )

    def become(self, credentials: Credentials) -> None:
        """Go on as somebody else, or with another password."""
        self.credentials = credentials
        self.login()

    def accepts(self, username: str, password: str) -> bool:
        """Whether somebody could log in with this password."""
        return self._proof(Credentials(username=username, password=password, source="")) is not None

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- logging in ---

    def _proof(self, who: Credentials) -> str | None:
        """The header that proves who we are, None where Airflow does not accept it."""
        return self._token(who) if self.facts.major >= 3 else self._basic(who)

    def _token(self, who: Credentials) -> str | None:
        answer = self._send(
            "POST", "/auth/token", body={"username": who.username, "password": who.password}, idempotent=True
        )
        if answer.status == 401:
            return None
        if answer.status >= 400:
            raise AirflowError(answer.status, self._refused(answer, f"log in as {who.username}"))
        return f"Bearer {answer.json()['access_token']}"

    def _basic(self, who: Credentials) -> str | None:
        """Airflow 2.11 says 403 to a wrong password and to a user without permissions alike.

        It counts failed logins, though, and begins anew with a good one; our own user may read the count.
        """
        header = "Basic " + base64.b64encode(f"{who.username}:{who.password}".encode()).decode()
        path = f"{self.facts.prefix}/dags"
        before = self._failed_logins(who.username)
        answer = self._send("GET", path, query={"limit": 1}, authorization=header)
        if answer.status < 400:
            return header
        if answer.status not in (401, 403):
            raise AirflowError(answer.status, self._refused(answer, f"log in as {who.username}"))
        after = self._failed_logins(who.username)
        return header if before is not None and after is not None and after <= before else None

    def _failed_logins(self, username: str) -> int | None:
        """None while we cannot read it: before our own login, or where there is no such user."""
        if self._authorization is None:
            return None
        path = f"{self.facts.users}/{urllib.parse.quote(username, safe='')}"
        answer = self._send("GET", path, authorization=self._authorization)
        return int(answer.json().get("fail_login_count") or 0) if answer.status < 400 else None

    # --- sending ---

    def _authorized(
        self, method: str, path: str, body: t.Any, query: t.Mapping[str, t.Any] | None, accept: str
    ) -> Answer:
        if self._authorization is None:
            self.login()
        return self._send(
            method,
            path,
            body=body,
            query=query,
            accept=accept,
            authorization=self._authorization,
            idempotent=method != "POST",
        )

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: t.Any = None,
        query: t.Mapping[str, t.Any] | None = None,
        accept: str = "application/json",
        authorization: str | None = None,
        idempotent: bool = True,
    ) -> Answer:
        """The answer to one request; tried again while Airflow restarts, where that can do no harm."""
        headers = {"Accept": accept}
        if authorization:
            headers["Authorization"] = authorization
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        address = self._path + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        began = time.monotonic()
        deadline = began + self._patience
        while True:
            sent = False
            try:
                connection = self._connected()
                sent = True
                connection.request(method, address, body=data, headers=headers)
                reply = connection.getresponse()
                answer = Answer(status=reply.status, body=reply.read(), kind=reply.headers.get_content_type())
            except Away:
                self._lost()
                if time.monotonic() >= deadline:
                    raise
            except (OSError, http.client.HTTPException) as error:
                self.close()
                self._lost()
                if (sent and not idempotent) or time.monotonic() >= deadline:
                    raise Failure(f"Airflow's API cannot be reached: {said(error)}.") from error
            else:
                if not idempotent or time.monotonic() - began >= self._patience_with(answer.status):
                    return answer
            time.sleep(_PAUSE)

    def _patience_with(self, status: int) -> float:
        """For how many seconds a request with such an answer is sent again."""
        if status in _UNAVAILABLE:
            return self._patience
        return min(self._patience, _MOMENT) if status == 500 else 0

    def _connected(self) -> http.client.HTTPConnection:
        """The open connection; servers close idle ones, and some close after each answer."""
        if self._connection is None or self._connection.sock is None:
            self.close()
            self._connection = self._dial()
        return self._connection

    def _refused(self, answer: Answer, doing: str) -> str:
        why = answer.detail() or f"HTTP {answer.status}"
        if answer.status == 403:
            return f"Cannot {doing}: user {self.credentials.username} may not ({why}). Give it a role that allows it."
        return f"Cannot {doing}: {why} ({answer.status})."


def said(error: BaseException) -> str:
    """An error of the network in a few words."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
        return "the connection was cut"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    return str(error).strip(".") or type(error).__name__
