"""The script that runs inside Airflow's image, as far as it needs neither Airflow nor a database."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import types
import typing as t

import pytest
from cryptography.fernet import Fernet

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import inside
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import metadata

FIRST = 'revision = "aaa111"\ndown_revision = None\n'
SECOND = "revision: str = 'bbb222'\ndown_revision: str | None = 'aaa111'\n"
BRANCH = 'revision = "ccc333"\ndown_revision = "aaa111"\n'
MERGE = 'revision = "ddd444"\ndown_revision = (\n    "bbb222",\n    "ccc333",\n)\n'


@pytest.fixture
def airflow(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An installed Airflow 3, as far as its files matter."""
    home = tmp_path / "airflow"
    write(home / "utils/db_manager.py", "managers = list(ProvidersManager().db_managers)\n")
    write(home / "migrations/versions/0001.py", FIRST)
    write(home / "migrations/versions/0002.py", SECOND)
    write(home / "migrations/versions/notes.txt", MERGE)
    write(home / "providers/fab/migrations/versions/0001.py", FIRST)
    write(home / "providers/edge3/migrations/versions/0001.py", FIRST)
    write(home / "providers/http/hooks.py", "")
    monkeypatch.setattr(inside, "airflow_folder", lambda: str(home))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    for name in ("AIRFLOW__CORE__AUTH_MANAGER", "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS", "AIRFLOW_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return home


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class Cursor:
    """The rows of the version tables, as psycopg2 would give them."""

    def __init__(self, **tables: str) -> None:
        self._tables = tables
        self._rows: list[tuple[str, ...]] = []

    def execute(self, query: str, arguments: tuple[t.Any, ...]) -> None:
        if arguments:
            self._rows = [(name,) for name in self._tables]
        else:
            self._rows = [(self._tables[query.split('"')[1]],)]

    def fetchall(self) -> list[tuple[str, ...]]:
        return self._rows


def test_scripts_are_read_as_text(airflow: pathlib.Path) -> None:
    folder = airflow / "migrations/versions"
    write(folder / "0003.py", BRANCH)
    write(folder / "0004.py", MERGE)
    assert inside.scripts(str(folder)) == {
        "aaa111": [],
        "bbb222": ["aaa111"],
        "ccc333": ["aaa111"],
        "ddd444": ["bbb222", "ccc333"],
    }


@pytest.mark.usefixtures("airflow")
def test_an_empty_database_is_known_and_pending() -> None:
    report = inside.revisions(Cursor())
    assert report == {"airflow": {"database": None, "image": "bbb222", "known": True}}
    assert inside.pending(report)


@pytest.mark.usefixtures("airflow")
def test_a_migrated_database_is_not_pending() -> None:
    report = inside.revisions(Cursor(alembic_version="bbb222"))
    assert not inside.pending(report)


@pytest.mark.usefixtures("airflow")
def test_a_database_of_a_newer_airflow_is_unknown() -> None:
    report = inside.revisions(Cursor(alembic_version="fff999"))
    assert report["airflow"]["known"] is False


def test_several_heads_are_one_text(airflow: pathlib.Path) -> None:
    write(airflow / "migrations/versions/0003.py", BRANCH)
    assert inside.revisions(Cursor(alembic_version="aaa111"))["airflow"]["image"] == "bbb222,ccc333"


@pytest.mark.usefixtures("airflow")
def test_a_provider_counts_where_its_table_is() -> None:
    report = inside.revisions(Cursor(alembic_version="bbb222", alembic_version_edge3="aaa111"))
    assert set(report) == {"airflow", "edge3"}


@pytest.mark.usefixtures("airflow")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIRFLOW__CORE__AUTH_MANAGER", "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"),
        ("AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS", "airflow.providers.fab.auth_manager.models.db.FABDBManager"),
    ],
)
def test_a_provider_counts_where_it_is_configured(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    report = inside.revisions(Cursor(alembic_version="bbb222"))
    assert report["fab"] == {"database": None, "image": "aaa111", "known": True}


def test_a_provider_counts_where_airflow_would_find_it(airflow: pathlib.Path) -> None:
    write(airflow / "providers/fab/get_provider_info.py", 'return {"db-managers": ["x"]}')
    assert "fab" in inside.revisions(Cursor())


def test_airflow_2_keeps_one_history(airflow: pathlib.Path) -> None:
    (airflow / "utils/db_manager.py").unlink()
    assert set(inside.revisions(Cursor(alembic_version_fab="aaa111"))) == {"airflow"}


@pytest.mark.parametrize(
    ("manager", "major", "fab"),
    [
        ("", 3, False),
        ("", 2, True),
        ("airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager", 3, True),
        ("airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager", 3, False),
        ("company.fabulous.Manager", 3, False),
    ],
)
def test_users_are_kept_by_fab_alone(
    airflow: pathlib.Path, monkeypatch: pytest.MonkeyPatch, manager: str, major: int, fab: bool
) -> None:
    if major < 3:
        (airflow / "utils/db_manager.py").unlink()
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", manager)
    assert inside.uses_fab() is fab


def test_a_key_is_proved_by_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    new, old, lost = (Fernet.generate_key().decode() for _number in range(3))
    held = {
        "connection": [("a", Fernet(new).encrypt(b"x").decode()), ("b", Fernet(old).encrypt(b"x").decode())],
        "variable": [("c", Fernet(lost).encrypt(b"x").decode())],
    }

    class Rows:
        def execute(self, query: str, arguments: tuple[t.Any, ...]) -> None:
            table = query.split(" FROM ")[1].split()[0].strip('"')
            self.rows = (
                [(name,) for name in held]
                if arguments
                else held[table]
                if "password" in query or table == "variable"
                else []
            )

        def fetchall(self) -> list[tuple[str, ...]]:
            return self.rows

    monkeypatch.setattr(inside, "database", lambda: contextlib.nullcontext(Rows()))
    assert inside.decrypts([new, old]) == {"first": 1, "later": 1, "lost": ["variable c"]}
    assert inside.decrypts([lost]) == {"first": 1, "later": 0, "lost": ["connection a", "connection b"]}
    assert inside.decrypts([]) == {"first": 0, "later": 0, "lost": []}


@pytest.mark.usefixtures("airflow")
@pytest.mark.parametrize(
    ("version", "target", "refused"), [("fff999", "aaa111", "revision"), ("bbb222", "fff999", "target")]
)
def test_the_way_back_needs_an_image_that_knows_both_ends(
    monkeypatch: pytest.MonkeyPatch, version: str, target: str, refused: str
) -> None:
    monkeypatch.setattr(inside, "database", lambda: contextlib.nullcontext(Cursor(alembic_version=version)))
    told = inside.downgrade({"airflow": target})
    assert told["refused"] == refused
    assert told["after"] == told["before"]


@pytest.mark.usefixtures("airflow")
def test_only_what_differs_is_brought_back(monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[dict[str, str]] = []
    database = Cursor(alembic_version="bbb222", alembic_version_fab="aaa111")
    monkeypatch.setattr(inside, "database", lambda: contextlib.nullcontext(database))
    monkeypatch.setattr(inside, "bring_back", brought.append)
    assert inside.downgrade({"airflow": "aaa111", "fab": "aaa111"})["refused"] is None
    assert brought == [{"airflow": "aaa111"}]


@pytest.mark.usefixtures("airflow")
def test_a_plan_for_an_empty_database_makes_the_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "database", lambda: contextlib.nullcontext(Cursor()))
    monkeypatch.setattr(inside, "uses_fab", lambda: True)
    told = inside.plan({}, sql=True)
    assert (told["before"]["airflow"]["database"], told["administrator"], told["sql"]) == (None, True, {})


@pytest.mark.parametrize("look", [True, False])
def test_who_counts_is_tried_the_way_that_is_there(look: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has told PgBouncer of the user, check mode has not."""
    asked: list[dict[str, str]] = []

    def logs_in(_wanted: dict[str, t.Any], *_queries: str, **server: str) -> bool:
        asked.append(server)
        return True

    monkeypatch.setitem(sys.modules, "psycopg2", types.SimpleNamespace(Error=RuntimeError))
    monkeypatch.setattr(inside, "logs_in", logs_in)
    wanted = {"look": look, "server": {"host": "db"}, "queries": ["SELECT 1"], "user": "reader"}
    assert inside.refusal_of_reader(wanted) is None
    assert asked == [wanted["server"] if look else {}]


class Teams:
    """The table of Airflow's own teams, as psycopg2 would give it."""

    def __init__(self, *names: str) -> None:
        self.names = [*names]
        self._found: list[tuple[str, ...]] = []

    def execute(self, query: str, arguments: tuple[str, ...]) -> None:
        if query.startswith("INSERT INTO team "):
            self.names += arguments
        else:
            self._found = [("team",)] if query == inside.TABLES else [(name,) for name in self.names]

    def fetchall(self) -> list[tuple[str, ...]]:
        return self._found


def asked_for(monkeypatch: pytest.MonkeyPatch, **wanted: t.Any) -> str:
    """The question of which tasks run."""
    asked: list[str] = []

    def rows(_cursor: object, query: str) -> list[tuple[str]]:
        asked.append(query)
        return [("etl.load",)]

    monkeypatch.setattr(inside, "database", contextlib.nullcontext)
    monkeypatch.setattr(inside, "rows", rows)
    assert inside.running({"major": 3, "waiting": "", **wanted}) == {"tasks": ["etl.load"]}
    return asked[0]


@pytest.mark.usefixtures("airflow")
def test_a_task_runs_while_its_heart_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an instance without a scheduler would wait for ever for one that was killed."""
    assert "last_heartbeat_at > now() - INTERVAL '300' SECOND" in asked_for(monkeypatch)
    monkeypatch.setenv("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "900")
    assert "last_heartbeat_at > now() - INTERVAL '900' SECOND" in asked_for(monkeypatch)
    older = asked_for(monkeypatch, major=2)
    assert "LEFT JOIN job ON job.id = task_instance.job_id" in older
    assert "job.latest_heartbeat > now() - INTERVAL '300' SECOND" in older


@pytest.mark.usefixtures("airflow")
def test_what_waits_in_a_broker_is_asked_for_as_long_as_it_may_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "queued" not in asked_for(monkeypatch)
    query = asked_for(monkeypatch, waiting="(executor IS NULL)")
    words = "task_instance.state = 'queued' AND queued_dttm > now() - INTERVAL '600' SECOND AND (executor IS NULL)"
    assert f"OR {words}" in query


@pytest.mark.parametrize("look", [True, False])
def test_teams_that_are_not_there_are_made(look: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Teams("data", "of-others")
    monkeypatch.setattr(inside, "database", lambda: contextlib.nullcontext(database))
    assert inside.teams({"names": ["ml", "data", "web"], "look": look}) == {"made": ["ml", "web"]}
    assert database.names == ["data", "of-others", *([] if look else ["ml", "web"])]


def test_without_teams_no_database_is_asked() -> None:
    assert inside.teams({"names": [], "look": False}) == {"made": []}


def test_teams_of_a_schema_that_has_none_yet_will_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "database", lambda: contextlib.nullcontext(Cursor()))
    assert inside.teams({"names": ["data"], "look": True}) == {"made": ["data"]}


def test_an_image_without_airflow_is_told() -> None:
    with pytest.raises(SystemExit, match="this image has no Airflow"):
        inside.airflow_folder()


def test_an_image_of_another_version_is_left_before_its_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "version", lambda: "2.11.2+company")
    monkeypatch.delenv(metadata.URL, raising=False)
    told = inside.migrate({"version": "3.3.2"})
    assert (told["refused"], told["found"], told["before"]) == ("version", "2.11.2+company", {})
    # Its own version goes on to the database, which is nowhere here.
    with pytest.raises(ImportError if inside.importlib.util.find_spec("psycopg2") is None else KeyError):
        inside.migrate({"version": "2.11.2"})


# --- MySQL ---

ADDRESS = (
    "mysql+mysqldb://a%2Fb:c%40d@db.example.com:3307/airflow?charset=utf8mb4&ssl_mode=VERIFY_IDENTITY&ssl_ca=%2Fca"
)
READER = {"user": "reader", "password": "secret", "columns": {"trigger": ["id", "queue"]}, "server": {}, "queries": []}


class Refused(Exception):
    """What a server of MySQL says, whether it lets nobody in or answers no query."""


class Server:
    """A MySQL server, as mysqlclient would give it: its users with their passwords, and who may read what."""

    Error = OperationalError = Refused

    def __init__(self, users: dict[str, str], *readers: str, mighty: t.Collection[str] = ()) -> None:
        self.users, self.readers, self.mighty = {"a/b": "c@d", **users}, {*readers}, mighty
        self.asked: list[dict[str, t.Any]] = []

    def connect(self, **words: t.Any) -> Session:
        self.asked.append(words)
        if self.users.get(words["user"]) != words["password"]:
            raise Refused(1045, "Access denied")
        return Session(self, words["user"])


class Session:
    """A connection and its only cursor."""

    def __init__(self, server: Server, user: str) -> None:
        self._server, self._user = server, user
        self._found: list[tuple[t.Any, ...]] = []

    def cursor(self) -> contextlib.AbstractContextManager[Session]:
        return contextlib.nullcontext(self)

    def commit(self) -> None:
        """Each statement is for ever."""

    close = rollback = commit

    def fetchall(self) -> list[tuple[t.Any, ...]]:
        return self._found

    def execute(self, statement: str, arguments: tuple[t.Any, ...] = ()) -> None:
        server = self._server
        if statement.startswith(("CREATE USER", "ALTER USER")):
            user, _host, password = arguments
            assert (user in server.users) == statement.startswith("ALTER")
            server.users[user] = password
        elif statement.startswith("GRANT"):
            assert statement == 'GRANT SELECT ("id", "queue") ON "trigger" TO %s@%s'
            server.readers.add("@".join(arguments))
        elif "mysql.user" in statement:
            self._found = [("%", name in server.mighty) for name in server.users if name == arguments[0]]
        elif "current_user" in statement:
            self._found = [(f"{self._user}@%",)]
        elif f"{self._user}@%" not in server.readers:
            raise Refused(1142, "SELECT command denied")


def asked_of(server: Server, monkeypatch: pytest.MonkeyPatch, **wanted: t.Any) -> dict[str, t.Any]:
    monkeypatch.setitem(sys.modules, "MySQLdb", server)
    monkeypatch.setenv(metadata.URL, ADDRESS)
    return inside.reader({**READER, "managed": True, "look": False, **wanted})


@pytest.mark.parametrize(
    ("server", "first"),
    [
        (lambda: Server({}), ["user reader"]),
        (lambda: Server({"reader": "other"}, "reader@%"), ["password of user reader"]),
        (lambda: Server({"reader": "secret"}), []),
    ],
)
def test_a_reader_of_mysql_is_made_as_foreseen(
    server: t.Callable[[], Server], first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, expected = server(), {"done": [*first, "reader may read id, queue of trigger"], "problem": None}
    before = (dict(one.users), set(one.readers))
    assert asked_of(one, monkeypatch, look=True) == expected
    assert (one.users, one.readers) == before
    assert asked_of(one, monkeypatch) == expected
    assert (one.users["reader"], one.readers) == ("secret", {"reader@%"})
    assert asked_of(one, monkeypatch) == {"done": [], "problem": None}


def test_a_mighty_user_of_mysql_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({"reader": "other"}, mighty=["reader"])
    with pytest.raises(SystemExit, match="the user reader is there already and may do more than read"):
        asked_of(server, monkeypatch)
    assert server.users["reader"] == "other"


def test_who_is_somebody_elses_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({})
    told = asked_of(server, monkeypatch, managed=False)
    assert told == {"done": [], "problem": "the server does not let reader in with the password"}
    assert "reader" not in server.users


def test_mysqlclient_is_told_what_the_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({})
    asked_of(server, monkeypatch, look=True)
    assert server.asked[0] == {
        "host": "db.example.com",
        "port": 3307,
        "user": "a/b",
        "password": "c@d",
        "database": "airflow",
        "charset": "utf8mb4",
        "ssl": {"ca": "/ca"},
        "ssl_mode": "VERIFY_IDENTITY",
        "sql_mode": "ANSI",
        "init_command": "SET time_zone = '+00:00'",
        "connect_timeout": 10,
    }


def test_an_image_without_the_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    monkeypatch.setenv(metadata.URL, ADDRESS)
    with pytest.raises(ImportError, match="this image has no mysqlclient, which Airflow needs for MySQL"):
        metadata.connect()
