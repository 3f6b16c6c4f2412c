"""The protocol: logins of both versions, expired tokens, cut connections, and errors in Airflow's words.

A scripted server answers, since these are cases that a real Airflow shows only now and then; the real one answers in
the end-to-end tests.
"""

from __future__ import annotations

import dataclasses
import http.client
import http.server
import json
import threading
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.rest import AirflowError, Answer, Credentials, Rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import AIRFLOW_2, AIRFLOW_3, Facts
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

ME = Credentials(username="me", password="right", source="here")
CUT = (0, b"")


@dataclasses.dataclass
class Asked:
    """A request that the server saw."""

    method: str
    path: str
    headers: dict[str, str]
    body: t.Any


Script = t.Callable[[Asked], tuple[int, t.Any]]


class Server:
    """Answers by a script; an answer of ``CUT`` closes the connection instead."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: Script = lambda _asked: (200, {})
        self._clients: list[Rest] = []
        self.losses = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                asked = Asked(self.command, self.path, dict(self.headers), body)
                outer.asked.append(asked)
                status, said = outer.script(asked)
                if status == 0:
                    self.close_connection = True
                    return
                raw = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if isinstance(said, bytes) else "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
                """Keep quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._server.shutdown()
        self._server.server_close()

    def client(self, facts: Facts = AIRFLOW_3, path: str = "", patience: float = 5.0) -> Rest:
        def dial() -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.connect()
            connection.auto_open = 0
            return connection

        self._clients.append(Rest(dial, facts, path, ME, patience=patience, lost=self.lost))
        return self._clients[-1]

    def lost(self) -> None:
        self.losses += 1

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Server]:
    monkeypatch.setattr(rest, "_PAUSE", 0.01)
    running = Server()
    yield running
    running.close()


def airflow3(asked: Asked) -> tuple[int, t.Any]:
    """Tokens as Airflow 3 gives them; everything else is fine with one."""
    if asked.path == "/auth/token":
        good = asked.body == {"username": "me", "password": "right"}
        return (201, {"access_token": "T"}) if good else (401, {"detail": "Invalid credentials"})
    return (200, {"ok": True}) if asked.headers.get("Authorization") == "Bearer T" else (401, {"detail": "no"})


def test_a_token_is_asked_for_once(server: Server) -> None:
    server.script = airflow3
    client = server.client(path="/team/")
    server.script = lambda asked: airflow3(dataclasses.replace(asked, path=asked.path.removeprefix("/team")))
    assert client.get("/api/v2/x", doing="read x", limit=1) == {"ok": True}
    assert client.get("/api/v2/y", doing="read y") == {"ok": True}
    assert server.paths() == ["POST /team/auth/token", "GET /team/api/v2/x?limit=1", "GET /team/api/v2/y"]


def test_an_expired_token_is_renewed(server: Server) -> None:
    tokens = iter(["old", "new"])

    def script(asked: Asked) -> tuple[int, t.Any]:
        if asked.path == "/auth/token":
            return 201, {"access_token": next(tokens)}
        return (200, {}) if asked.headers["Authorization"] == "Bearer new" else (401, {"detail": "expired"})

    server.script = script
    assert server.client().get("/x", doing="read x") == {}


def test_a_wrong_password_is_told_by_its_source_without_it(server: Server) -> None:
    server.script = airflow3
    client = server.client()
    client.credentials = Credentials(username="me", password="hush-hush", source="Secret/a/b")
    with pytest.raises(rest.LoginRefused, match=r"login of user me \(Secret/a/b\)") as caught:
        client.get("/x", doing="read x")
    assert "hush" not in caught.value.message


def test_other_logins_do_not_change_our_own(server: Server) -> None:
    server.script = airflow3
    client = server.client()
    assert client.accepts("me", "right")
    assert not client.accepts("you", "right")
    assert client.get("/x", doing="read x") == {"ok": True}


def test_a_cut_connection_is_opened_again(server: Server) -> None:
    answers = iter([CUT, (503, {}), (500, {"detail": "Database error"}), (200, {"at": "last"})])
    server.script = lambda asked: airflow3(asked) if asked.path == "/auth/token" else next(answers)
    assert server.client().get("/x", doing="read x") == {"at": "last"}
    assert server.losses == 1


def test_a_post_is_not_sent_twice(server: Server) -> None:
    server.script = lambda asked: airflow3(asked) if asked.path == "/auth/token" else CUT
    with pytest.raises(Failure, match="the connection was cut"):
        server.client().request("POST", "/x", body={}, doing="make x")
    assert server.paths().count("POST /x") == 1


def test_patience_ends(server: Server) -> None:
    server.script = lambda asked: airflow3(asked) if asked.path == "/auth/token" else CUT
    with pytest.raises(Failure, match="Airflow's API cannot be reached"):
        server.client(patience=0.1).get("/x", doing="read x")


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (
            404,
            {"detail": "The Dag with ID: `x` was not found"},
            "Cannot read x: The Dag with ID: `x` was not found (404)",
        ),
        (403, {"detail": "Forbidden"}, "Cannot read x: user me may not (Forbidden). Give it a role that allows it."),
        (422, {"detail": [{"loc": ["body", "conf"], "msg": "wrong"}]}, "Cannot read x: body.conf: wrong (422)"),
        (
            409,
            {"detail": {"reason": "Unique constraint violation"}},
            "Cannot read x: Unique constraint violation (409)",
        ),
        (400, {"title": "Bad Request", "detail": None}, "Cannot read x: Bad Request (400)"),
        (500, b"<html>\nno</html>", "Cannot read x: <html> (500)"),
        (400, [], "Cannot read x: [] (400)"),
        (418, {}, "Cannot read x: HTTP 418 (418)"),
    ],
)
def test_errors_are_told_in_airflows_words(server: Server, status: int, said: t.Any, words: str) -> None:
    server.script = lambda asked: airflow3(asked) if asked.path == "/auth/token" else (status, said)
    with pytest.raises(AirflowError) as caught:
        server.client().get("/x", doing="read x")
    assert caught.value.message.startswith(words)
    assert caught.value.status == status


def test_what_is_missing_can_be_none(server: Server) -> None:
    server.script = lambda asked: airflow3(asked) if asked.path == "/auth/token" else (404, {})
    assert server.client().find("/x", doing="read x") is None


def test_pages_are_read_to_the_end(server: Server) -> None:
    def script(asked: Asked) -> tuple[int, t.Any]:
        if asked.path == "/auth/token":
            return airflow3(asked)
        offset = int(asked.path.rsplit("=", maxsplit=1)[1])
        return 200, {"users": list(range(offset, min(offset + 2, 5))), "total_entries": 5}

    server.script = script
    assert server.client().pages("/users", "users", doing="list", size=2) == [0, 1, 2, 3, 4]


class Airflow2:
    """2.11 answers 403 to wrong passwords and missing permissions alike, and counts failed logins."""

    def __init__(self) -> None:
        self.failed = 3

    def __call__(self, asked: Asked) -> tuple[int, t.Any]:
        header = asked.headers.get("Authorization")
        if header == "Basic bWU6cmlnaHQ=":  # me:right
            return 200, {"fail_login_count": self.failed} if "/users/" in asked.path else {"dags": []}
        if header == "Basic Z3Vlc3Q6cmlnaHQ=":  # guest:right, who may read nothing
            self.failed = 0
            return 403, {"detail": None, "title": "Forbidden"}
        self.failed += 1
        return 403, {"detail": None, "title": "Forbidden"}


def test_airflow_2_tells_wrong_passwords_from_missing_permissions(server: Server) -> None:
    server.script = Airflow2()
    client = server.client(AIRFLOW_2)
    client.login()
    assert client.accepts("guest", "right")
    assert not client.accepts("guest", "wrong")
    assert client.accepts("guest", "right")


def test_airflow_2_refuses_our_own_wrong_password(server: Server) -> None:
    server.script = Airflow2()
    client = server.client(AIRFLOW_2)
    client.credentials = Credentials(username="me", password="wrong", source="here")
    with pytest.raises(rest.LoginRefused):
        client.login()


def test_we_go_on_with_another_password(server: Server) -> None:
    server.script = airflow3
    client = server.client()
    client.become(ME)
    assert client.get("/x", doing="read x") == {"ok": True}


def test_nobody_listens() -> None:
    def dial() -> http.client.HTTPConnection:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(Failure, match="the connection is refused"):
        Rest(dial, AIRFLOW_3, "", ME, patience=0).login()


def test_nothing_serves_for_a_while() -> None:
    def dial() -> http.client.HTTPConnection:
        raise rest.Away("no pod is ready")

    with pytest.raises(rest.Away, match="no pod is ready"):
        Rest(dial, AIRFLOW_3, "", ME, patience=0).login()


def test_an_answer_is_json() -> None:
    assert Answer(status=200, body=b'{"a": 1}', kind="application/json").json() == {"a": 1}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "it does not answer in time"),
        (BrokenPipeError(), "the connection was cut"),
        (OSError("[Errno -2] Name or service not known."), "[Errno -2] Name or service not known"),
        (http.client.BadStatusLine(""), "''"),
    ],
)
def test_network_errors_in_few_words(error: Exception, words: str) -> None:
    assert rest.said(error) == words
