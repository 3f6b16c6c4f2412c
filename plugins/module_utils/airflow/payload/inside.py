# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs inside Airflow's own image: schema revisions, the migration, the administrator, the proof of a Fernet key.

A start of Airflow costs seconds of CPU, so Airflow is imported only where it has to do something. It reads and writes
JSON; secrets come by environment, files or standard input, never as arguments.

Usage: ``python -c SOURCE revisions | plan TARGETS | migrate PROFILE | downgrade TARGETS | users | administrator |
reader | running | teams | decrypts``
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import contextlib
import functools
import gc
import importlib.util
import io
import json
import logging
import os
import re
import sys
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.metadata import (
    connect,
    driver,
    is_mysql,
    transaction,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.settings import setting

Report = dict[str, dict[str, t.Any]]

CORE = "airflow"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relname LIKE %s"
MYSQL_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name LIKE %s"


# --- the database, without Airflow ---


@contextlib.contextmanager
def database() -> t.Iterator[t.Any]:
    """A cursor whose statements take effect together."""
    library = driver()
    try:
        connection = connect()
    except library.OperationalError as error:
        # The server's own words (no password, unknown name, nobody there) say all; where they came up does not.
        raise SystemExit(f"the database refuses us or cannot be reached: {' '.join(str(error).split())}") from None
    with transaction(connection) as cursor:
        yield cursor


def rows(cursor: t.Any, query: str, *arguments: t.Any) -> list[tuple[t.Any, ...]]:
    cursor.execute(query, arguments)
    found: list[tuple[t.Any, ...]] = cursor.fetchall()
    return found


def tables(cursor: t.Any, pattern: str) -> set[str]:
    """Tables on the search path whose names match."""
    return {name for (name,) in rows(cursor, MYSQL_TABLES if is_mysql() else TABLES, pattern)}


# --- schema revisions ---


def text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def scripts(folder: str) -> dict[str, list[str]]:
    """Every migration of a folder, with those before it; read as text, since an import would start Airflow."""
    found = {}
    for name in sorted(os.listdir(folder)):
        text = text_of(os.path.join(folder, name)) if name.endswith(".py") else ""
        revision = re.search(r"^revision\b[^=\n]*=\s*[\"'](\w+)", text, re.MULTILINE)
        before = re.search(r"^down_revision\b[^=\n]*=\s*(\([^)]*\)|[^\n]*)", text, re.MULTILINE)
        if revision and before:
            found[revision.group(1)] = re.findall(r"[\"'](\w+)[\"']", before.group(1))
    return found


def airflow_folder() -> str:
    spec = importlib.util.find_spec("airflow")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("this image has no Airflow: python finds no package of that name")
    return spec.submodule_search_locations[0]


def version() -> str | None:
    """Version of the image's Airflow; None where it was installed in a way of its own."""
    import importlib.metadata

    try:
        return importlib.metadata.version("apache-airflow")
    except importlib.metadata.PackageNotFoundError:
        return None


def histories(existing: set[str]) -> dict[str, dict[str, list[str]]]:
    """Who keeps a schema of its own (Airflow, and providers such as FAB), with its scripts, in this image.

    A provider counts where its tables exist, or where this Airflow would make them.
    """
    home = airflow_folder()
    found = {CORE: scripts(os.path.join(home, "migrations", "versions"))}
    manager = text_of(os.path.join(home, "utils", "db_manager.py"))
    if not manager:
        return found  # Airflow 2 keeps all in one history.
    configured = setting("core", "auth_manager") + "," + setting("database", "external_db_managers")
    for provider in sorted(os.listdir(os.path.join(home, "providers"))):
        folder = os.path.join(home, "providers", provider)
        declared = ".db_managers" in manager and "db-managers" in text_of(os.path.join(folder, "get_provider_info.py"))
        wanted = declared or f".{provider}." in configured or table_of(provider) in existing
        if wanted and os.path.isdir(os.path.join(folder, "migrations", "versions")):
            found[provider] = scripts(os.path.join(folder, "migrations", "versions"))
    return found


def table_of(owner: str) -> str:
    return "alembic_version" if owner == CORE else f"alembic_version_{owner}"


def revisions(cursor: t.Any) -> Report:
    """For each schema: the database's revision, the image's newest one, and whether the image knows the database's."""
    existing = tables(cursor, "alembic_version%")
    report: Report = {}
    for owner, history in histories(existing).items():
        table = table_of(owner)
        found = rows(cursor, f'SELECT version_num FROM "{table}"') if table in existing else []  # noqa: S608
        current = ",".join(sorted(revision for (revision,) in found)) or None
        older = {before for befores in history.values() for before in befores}
        report[owner] = {
            "database": current,
            "image": ",".join(sorted(set(history) - older)),
            "known": current is None or set(current.split(",")) <= set(history),
        }
    return report


def pending(report: Report) -> bool:
    return any(schema["database"] != schema["image"] for schema in report.values())


# --- what needs Airflow ---


def begin_airflow() -> None:
    """To import Airflow makes millions of objects that stay: looking for garbage among them costs a quarter of it."""
    gc.set_threshold(50_000, 20, 20)


def upgrade() -> None:
    """What ``airflow db migrate`` does."""
    begin_airflow()
    from airflow.providers_manager import ProvidersManager
    from airflow.utils.db import upgradedb

    ProvidersManager().initialize_providers_configuration()
    upgradedb()


def managers() -> dict[str, t.Any]:
    """What keeps the schemas of providers (Airflow 3), by the owner's name."""
    from airflow.utils.db_manager import RunDBManager

    return {manager.version_table_name.removeprefix(table_of("")): manager for manager in RunDBManager()._managers}


def bring_back(targets: dict[str, str]) -> None:
    """What ``airflow db downgrade`` does, for Airflow's schema and those of providers."""
    begin_airflow()
    from airflow.providers_manager import ProvidersManager
    from airflow.utils import db
    from airflow.utils.session import create_session

    ProvidersManager().initialize_providers_configuration()
    for owner in sorted(set(targets) - {CORE}):
        with create_session() as session:
            managers()[owner](session).downgrade(to_revision=targets[owner])
    if CORE in targets:
        db.downgrade(to_revision=targets[CORE])


def statements(report: Report, targets: dict[str, str]) -> dict[str, str]:
    """The SQL that a migration would run, by schema; tables that are not there yet are made from Airflow's models."""
    wanted = {
        owner: (schema["database"], targets.get(owner) or schema["image"])
        for owner, schema in report.items()
        if schema["database"] and schema["known"] and schema["database"] != (targets.get(owner) or schema["image"])
    }
    if not wanted:
        return {}
    begin_airflow()
    from airflow.utils import db
    from airflow.utils.session import create_session

    found = {}
    for owner, (before, after) in wanted.items():
        with create_session() as session:
            config = db._get_alembic_config() if owner == CORE else managers()[owner](session).get_alembic_config()
        found[owner] = written(config, before, after, is_downgrade=owner in targets)
    return found


def written(config: t.Any, before: str, after: str, *, is_downgrade: bool) -> str:
    """SQL of the way between two revisions, as alembic writes it without a database."""
    from alembic import command

    config.output_buffer = io.StringIO()
    logging.disable(logging.CRITICAL)
    try:
        (command.downgrade if is_downgrade else command.upgrade)(config, f"{before}:{after}", sql=True)
    except Exception as error:  # Some migrations look at the data first, so there is no SQL before it is done.
        config.output_buffer.write(f"-- The rest depends on what is in the database: {error}\n")
    finally:
        logging.disable(logging.NOTSET)
    return str(config.output_buffer.getvalue())


def plan(targets: dict[str, str], *, sql: bool) -> dict[str, t.Any]:
    """What a migration would do; nothing is changed."""
    with database() as cursor:
        before = revisions(cursor)
        alone = uses_fab() and without_users(cursor, before)
    return {"before": before, "administrator": alone, "sql": statements(before, targets) if sql else {}}


def without_users(cursor: t.Any, report: Report) -> bool:
    """Whether nobody can log in (or could, once there are tables)."""
    if "ab_user" not in tables(cursor, "ab_user"):
        return pending(report)
    return not rows(cursor, "SELECT 1 FROM ab_user LIMIT 1")


def users() -> dict[str, t.Any]:
    """The users that FAB keeps, as its API would tell them, and the names of all roles."""
    if not uses_fab():
        return {"fab": False, "users": [], "roles": []}
    with database() as cursor:
        fields = ("username", "email", "first_name", "last_name", "active")
        found = {
            key: {**dict(zip(fields, record, strict=True)), "roles": []}
            for key, *record in rows(cursor, f"SELECT id, {', '.join(fields)} FROM ab_user")  # noqa: S608
        }
        held = "SELECT user_id, name FROM ab_user_role JOIN ab_role ON ab_role.id = role_id"
        for key, role in rows(cursor, held):
            found[key]["roles"].append({"name": role})
        roles = [role for (role,) in rows(cursor, "SELECT name FROM ab_role")]
    # MySQL knows no truth, but 1 and 0.
    told = [{**user, "active": bool(user["active"])} for user in found.values()]
    return {"fab": True, "users": told, "roles": roles}


def set_administrator(profile: dict[str, str]) -> None:
    """Make the user, or give it the password and the role; the API server fills the role with its permissions."""
    begin_airflow()
    from airflow.providers.fab.auth_manager.models import Role, User
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from werkzeug.security import generate_password_hash

    with create_session() as session:
        role = session.execute(select(Role).where(Role.name == "Admin")).scalar() or Role(name="Admin")
        user = session.execute(select(User).where(User.username == profile["username"])).scalar()
        if user is None:
            names = {key: profile[key] for key in ("username", "email", "first_name", "last_name")}
            user = User(roles=[role], **names)
            session.add(user)
        elif role not in user.roles:
            user.roles.append(role)
        user.password = generate_password_hash(profile["password"])
        user.active = True


def uses_fab() -> bool:
    """Whether users are kept in the database: the default of Airflow 2, a choice in Airflow 3."""
    default = "" if os.path.exists(os.path.join(airflow_folder(), "utils", "db_manager.py")) else "fab"
    return ".fab." in f".{setting('core', 'auth_manager') or default}."


def migrate(profile: dict[str, t.Any]) -> dict[str, t.Any]:
    """The migration and the first administrator in one start of Airflow.

    Nothing is done where the image does not know the database's revision, or where the Fernet key is not the one that
    the database was used with: the pods that are about to start could not read their connections.
    """
    if (found := version()) and found.partition("+")[0] != profile["version"]:
        return {"before": {}, "after": {}, "administrator": False, "lost": [], "refused": "version", "found": found}
    with database() as cursor:
        before = revisions(cursor)
    proof = decrypts([key.strip() for key in os.environ.get("AIRFLOW__CORE__FERNET_KEY", "").split(",") if key.strip()])
    told = {"before": before, "after": before, "administrator": False, "lost": proof["lost"], "refused": None}
    told["teams"] = []
    if not all(schema["known"] for schema in before.values()):
        return {**told, "refused": "revision"}
    if proof["lost"] and not proof["first"] + proof["later"] and not profile["lost_accepted"]:
        return {**told, "refused": "fernet_key"}
    if pending(before):
        upgrade()
    with database() as cursor:
        after = revisions(cursor)
        alone = uses_fab() and without_users(cursor, after)
    made = teams({"names": profile["teams"], "look": False})
    if alone:
        files = {key: text_of(os.path.join(profile["folder"], key)) for key in ("username", "password")}
        set_administrator({**profile, **files})
    return {**told, "after": after, "administrator": alone, "teams": made["made"]}


def downgrade(targets: dict[str, str]) -> dict[str, t.Any]:
    """Back to older revisions; only an image that knows both ends can do it."""
    with database() as cursor:
        before = revisions(cursor)
        known = histories(tables(cursor, "alembic_version%"))
    told = {"before": before, "after": before, "administrator": False, "lost": [], "refused": None}
    if not all(schema["known"] for schema in before.values()):
        return {**told, "refused": "revision"}
    if not all(target in known.get(owner, ()) for owner, target in targets.items()):
        return {**told, "refused": "target"}
    bring_back({owner: target for owner, target in targets.items() if before[owner]["database"] != target})
    with database() as cursor:
        return {**told, "after": revisions(cursor)}


def running(wanted: dict[str, t.Any]) -> dict[str, t.Any]:
    """Tasks that run now, and those that workers soon take out of a broker, which ``waiting`` picks.

    A task without a heartbeat has ended, though only a scheduler says so. What waits for longer than a scheduler lets
    it is not counted: whoever takes it finds its token expired (Airflow 3).
    """
    if wanted["major"] >= 3:
        beat, silence, jobs = "last_heartbeat_at", "task_instance_heartbeat_timeout", ""
    else:
        beat, silence = "job.latest_heartbeat", "scheduler_zombie_task_threshold"
        jobs = " LEFT JOIN job ON job.id = task_instance.job_id"
    run = f"task_instance.state = 'running' AND ({beat} IS NULL OR {beat} > {ago('scheduler', silence, 300)})"
    wait = f"task_instance.state = 'queued' AND queued_dttm > {ago('scheduler', 'task_queued_timeout', 600)}"
    which = f"{run} OR {wait} AND {wanted['waiting']}" if wanted["waiting"] else run
    told = f"SELECT task_instance.dag_id || '.' || task_id FROM task_instance{jobs} WHERE {which} ORDER BY 1"  # noqa: S608
    with database() as cursor:
        return {"tasks": [name for (name,) in rows(cursor, told)]}


def ago(section: str, key: str, default: float) -> str:
    """The time that is as many seconds ago as an option says."""
    return f"now() - INTERVAL '{float(setting(section, key) or default):.0f}' SECOND"


# --- Airflow's own teams ---


def teams(wanted: dict[str, t.Any]) -> dict[str, list[str]]:
    """Make sure of teams, as ``airflow teams create`` does: those that were made, or would be, with ``look``."""
    if not wanted["names"]:
        return {"made": []}
    with database() as cursor:
        found = rows(cursor, "SELECT name FROM team") if "team" in tables(cursor, "team") else []
        made = sorted(set(wanted["names"]) - {name for (name,) in found})
        insert = "INSERT IGNORE INTO {}" if is_mysql() else "INSERT INTO {} ON CONFLICT DO NOTHING"
        for name in () if wanted["look"] else made:
            cursor.execute(insert.format("team (name) VALUES (%s)"), (name,))
    return {"made": made}


# --- a user that reads some columns and nothing else ---


def reader(wanted: dict[str, t.Any]) -> dict[str, t.Any]:
    """Make sure of the user; ``done`` is what was changed (or would be, with ``look``), ``problem`` why it cannot."""
    done: list[str] = []
    changes = changes_of_mysql_reader if is_mysql() else changes_of_reader
    try:
        with database() as cursor:
            for what, change in changes(cursor, wanted):
                done.append(what)
                if not wanted["look"]:
                    change()
    except driver().Error as error:
        return {"done": [], "problem": " ".join(str(error).split()), "kind": type(error).__name__}
    if wanted["look"] and done:
        return {"done": done, "problem": None}
    return {"done": done, "problem": refusal_of_reader(wanted)}


def changes_of_reader(cursor: t.Any, wanted: dict[str, t.Any]) -> t.Iterator[tuple[str, t.Callable[[], None]]]:
    """What is to be changed, in words, and the change."""
    from psycopg2 import extensions, sql

    name = wanted["user"]
    user = sql.Identifier(name)
    found = rows(cursor, "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = %s", name)
    if found and found[0][0]:
        raise too_mighty(name)
    # PgBouncer knows the user from this run on, and in check mode does not yet.
    if wanted["managed"] and (not found or not logs_in(wanted, **wanted["server"])):
        # The server gets to see no password that it could log.
        secret = extensions.encrypt_password(wanted["password"], name, scope=cursor.connection)
        words = "ALTER ROLE {} PASSWORD {}" if found else "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
        statement = sql.SQL(words).format(user, sql.Literal(secret))
        yield f"{'password of ' if found else ''}user {name}", functools.partial(cursor.execute, statement)
    existing = tables(cursor, "%")
    for table, columns in wanted["columns"].items():
        may = "SELECT bool_and(has_column_privilege(%s, %s, one, 'SELECT')) FROM unnest(%s) AS one"
        if found and table in existing and rows(cursor, may, name, table, columns)[0][0]:
            continue
        told = sql.SQL(", ").join(map(sql.Identifier, columns))
        grant = sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(told, sql.Identifier(table), user)
        yield f"{name} may read {', '.join(columns)} of {table}", functools.partial(cursor.execute, grant)


# What makes a user of MySQL more than a reader; and a database that everybody may enter, even who may enter no other.
POWERS = ("Select_priv", "Insert_priv", "Update_priv", "Super_priv", "Grant_priv", "Create_user_priv")
OF_NOBODY = "information_schema"


def changes_of_mysql_reader(cursor: t.Any, wanted: dict[str, t.Any]) -> t.Iterator[tuple[str, t.Callable[[], None]]]:
    """The same in MySQL. Few may see there what a user may, so the user itself is asked where it gets in.

    The driver quotes arguments, and MySQL writes no password of such statements into its logs.
    """
    name, host = wanted["user"], "%"
    known = asked(wanted, "SELECT current_user()", database=OF_NOBODY)
    if known:
        host = known[0][0].rpartition("@")[2]
    elif wanted["managed"]:
        powers = f"SELECT host, 'Y' IN ({', '.join(POWERS)}) FROM mysql.user WHERE user = %s"  # noqa: S608
        found = dict(rows(cursor, powers, name))
        if any(found.values()):
            raise too_mighty(name)
        statement = ("ALTER" if host in found else "CREATE") + " USER %s@%s IDENTIFIED BY %s"
        change = functools.partial(cursor.execute, statement, (name, host, wanted["password"]))
        yield f"{'password of ' if host in found else ''}user {name}", change
    else:
        return
    for table, columns in wanted["columns"].items():
        told = ", ".join(f'"{column}"' for column in columns)
        if known and may_ask(wanted, f'SELECT {told} FROM "{table}" WHERE false'):  # noqa: S608
            continue
        grant = f'GRANT SELECT ({told}) ON "{table}" TO %s@%s'
        yield f"{name} may read {', '.join(columns)} of {table}", functools.partial(cursor.execute, grant, (name, host))


def may_ask(wanted: dict[str, t.Any], query: str) -> bool:
    try:
        return logs_in(wanted, query)
    except driver().Error:
        return False


def too_mighty(name: str) -> SystemExit:
    return SystemExit(f"the user {name} is there already and may do more than read: name another one")


def logs_in(wanted: dict[str, t.Any], *queries: str, **server: t.Any) -> bool:
    """Whether the user gets in with the password, and may ask ``queries``; raises for those that it may not."""
    return asked(wanted, *queries, **server) is not None


def asked(wanted: dict[str, t.Any], *queries: str, **server: t.Any) -> list[tuple[t.Any, ...]] | None:
    """What the user is told, last of all; None where it does not get in.

    ``server`` is where to ask, if not where Airflow asks.
    """
    try:
        connection = connect(user=wanted["user"], password=wanted["password"], **server)
    except driver().OperationalError:
        return None
    found: list[tuple[t.Any, ...]] = []
    with transaction(connection) as cursor:
        for query in queries:
            found = rows(cursor, query)
    return found


def refusal_of_reader(wanted: dict[str, t.Any]) -> str | None:
    """Why the user cannot ask what it is for."""
    # Else the way that KEDA goes.
    server = wanted["server"] if wanted["look"] else {}
    try:
        let_in = logs_in(wanted, *wanted["queries"], **server)
    except driver().Error as error:
        return " ".join(str(error).split())
    return None if let_in else f"the server does not let {wanted['user']} in with the password"


# --- the Fernet key ---


def decrypts(keys: list[str]) -> dict[str, t.Any]:
    """How many encrypted values the first key reads, how many only a later one, and some of those that none does."""
    if not keys:
        return {"first": 0, "later": 0, "lost": []}  # They come from elsewhere, so nothing can be told.
    from cryptography.fernet import Fernet, InvalidToken

    fernets = [Fernet(key) for key in keys]

    def reader(token: str) -> int | None:
        for position, fernet in enumerate(fernets):
            try:
                fernet.decrypt(token.encode())
            except InvalidToken:
                continue
            return position
        return None

    counts = {"first": 0, "later": 0}
    lost: list[str] = []
    with database() as cursor:
        existing = tables(cursor, "%")
        for table, name, value, encrypted in ENCRYPTED:
            if table not in existing:
                continue
            found = rows(cursor, f'SELECT "{name}", "{value}" FROM "{table}" WHERE {encrypted}')  # noqa: S608
            for label, token in found:
                position = reader(token)
                if position is None:
                    lost.append(f"{table} {label}")
                else:
                    counts["first" if position == 0 else "later"] += 1
    # A container's last message has 4096 bytes.
    return {**counts, "lost": sorted(set(lost))[:20]}


# Table, what names a row, the column, and which rows hold an encrypted value.
ENCRYPTED = (
    ("connection", "conn_id", "password", "is_encrypted AND coalesce(password, '') <> ''"),
    ("connection", "conn_id", "extra", "is_extra_encrypted AND coalesce(extra, '') <> ''"),
    ("variable", "key", "val", "is_encrypted AND coalesce(val, '') <> ''"),
    # Fernet tokens begin with a version byte, which is "g" in base64; old triggers are plain JSON.
    ("trigger", "id", "kwargs", "left(kwargs, 1) = 'g'"),
    ("connection_test_request", "id", "password", "is_encrypted AND coalesce(password, '') <> ''"),
    ("connection_test_request", "id", "extra", "is_extra_encrypted AND coalesce(extra, '') <> ''"),
)


def main(command: str, *arguments: str) -> int:
    """One JSON line at the end of standard output; a migration tells it as the container's last message, too."""
    result: t.Any = None
    if command == "revisions":
        with database() as cursor:
            result = revisions(cursor)
    elif command == "plan":
        result = plan(json.loads(arguments[0]), sql="sql" in arguments[1:])
    elif command in ("migrate", "downgrade"):
        result = (migrate if command == "migrate" else downgrade)(json.loads(arguments[0]))
        with open("/dev/termination-log", "w", encoding="utf-8") as file:
            json.dump(result, file)
    elif command == "users":
        result = users()
    elif command == "administrator":
        result = {"done": uses_fab()}
        if result["done"]:
            set_administrator(json.load(sys.stdin))
    elif command == "running":
        result = running(json.load(sys.stdin))
    elif command == "teams":
        result = teams(json.load(sys.stdin))
    elif command == "reader":
        result = reader(json.load(sys.stdin))
    else:
        result = decrypts(json.load(sys.stdin))
    print(json.dumps(result), flush=True)
    return 3 if result and result.get("refused") else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
