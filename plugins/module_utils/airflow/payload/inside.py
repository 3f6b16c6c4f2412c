# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs inside Airflow's own image: schema revisions, the migration, the administrator, the proof of a Fernet key.

A start of Airflow costs seconds of CPU, so Airflow is imported only where it has to do something. It reads and writes
JSON; secrets come by environment, files or standard input, never as arguments.

Usage: ``python -c SOURCE revisions | migrate PROFILE | administrator | decrypts``
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import contextlib
import gc
import importlib.util
import json
import os
import re
import sys
import typing as t

Report = dict[str, dict[str, t.Any]]

URL = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
CORE = "airflow"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relname LIKE %s"


# --- the database, without Airflow ---


@contextlib.contextmanager
def database() -> t.Iterator[t.Any]:
    """A cursor; psycopg2 is what Airflow's images bring for Postgres."""
    import psycopg2

    url = os.environ[URL].replace("postgresql+psycopg2://", "postgresql://")
    connection = psycopg2.connect(url, connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def rows(cursor: t.Any, query: str, *arguments: t.Any) -> list[tuple[t.Any, ...]]:
    cursor.execute(query, arguments)
    found: list[tuple[t.Any, ...]] = cursor.fetchall()
    return found


def tables(cursor: t.Any, pattern: str) -> set[str]:
    """Tables on the search path whose names match."""
    return {name for (name,) in rows(cursor, TABLES, pattern)}


# --- schema revisions ---


def setting(section: str, key: str) -> str:
    """An option as Airflow reads it: environment first, then its file."""
    import configparser

    found = os.environ.get(f"AIRFLOW__{section}__{key}".upper())
    if found is None:
        parser = configparser.RawConfigParser(strict=False)
        home = os.environ.get("AIRFLOW_HOME", "/opt/airflow")
        parser.read(os.environ.get("AIRFLOW_CONFIG", os.path.join(home, "airflow.cfg")))
        found = parser.get(section, key, fallback="")
    return found


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


def without_users(cursor: t.Any) -> bool:
    """Whether nobody can log in yet."""
    return "ab_user" in tables(cursor, "ab_user") and not rows(cursor, "SELECT 1 FROM ab_user LIMIT 1")


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
    with database() as cursor:
        before = revisions(cursor)
    proof = decrypts([key.strip() for key in os.environ.get("AIRFLOW__CORE__FERNET_KEY", "").split(",") if key.strip()])
    told = {"before": before, "after": before, "administrator": False, "lost": proof["lost"], "refused": None}
    if not all(schema["known"] for schema in before.values()):
        return {**told, "refused": "revision"}
    if proof["lost"] and not proof["first"] + proof["later"] and not profile["lost_accepted"]:
        return {**told, "refused": "fernet_key"}
    if pending(before):
        upgrade()
    with database() as cursor:
        after, alone = revisions(cursor), uses_fab() and without_users(cursor)
    if alone:
        files = {key: text_of(os.path.join(profile["folder"], key)) for key in ("username", "password")}
        set_administrator({**profile, **files})
    return {**told, "after": after, "administrator": alone}


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
            found = rows(cursor, f"SELECT {name}, {value} FROM {table} WHERE {encrypted}")  # noqa: S608
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
    elif command == "migrate":
        result = migrate(json.loads(arguments[0]))
        with open("/dev/termination-log", "w", encoding="utf-8") as file:
            json.dump(result, file)
    elif command == "administrator":
        result = {"done": uses_fab()}
        if result["done"]:
            set_administrator(json.load(sys.stdin))
    else:
        result = decrypts(json.load(sys.stdin))
    print(json.dumps(result), flush=True)
    return 3 if result and result.get("refused") else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
