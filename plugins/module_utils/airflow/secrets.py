# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which Secrets an instance needs, and what is in them: a pure plan.

A value is given, else the existing one, else generated once and kept for ever: an Airflow that loses its Fernet key
loses its connections, and one that changes its JWT secret fails its running tasks. Addresses that Airflow and
PgBouncer read are derived from these anew in each run.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import facts
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.engine import CHECKSUM_KEY
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.spec.database_kinds import AUTHORITIES, MYSQL
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import SecretRef, Values

Given: t.TypeAlias = "t.Mapping[str, str | None]"
Texts = dict[str, str]

# The database's name in PgBouncer, whose file takes no odd names there.
POOL: t.Final = "metadata"

BROKER_PORTS: t.Final = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "sqs": 443}

# What a person may give, and the variable that gives it.
GIVEN: t.Final = {
    "fernet_key": "airflow_core_fernet_key",
    "jwt_secret": "airflow_core_jwt_secret",
    "api_secret_key": "airflow_core_api_secret_key",
    "admin_password": "airflow_core_admin_password",
    "database_password": "airflow_database_password",
    "broker_password": "airflow_celery_broker_password",
    "flower_password": "airflow_celery_flower_password",
}


def token() -> str:
    """86 characters: HS512, which signs Airflow's JWTs, wants 64 bytes at least."""
    return secrets.token_urlsafe(64)


def password() -> str:
    """Letters, digits, ``-`` and ``_``: nothing that a URL, a file or a shell would change."""
    return secrets.token_urlsafe(24)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One key of a Secret and where its value comes from: fixed by the values, or given, existing, generated."""

    fixed: str | None = None
    given: str | None = None
    variable: str | None = None
    """The variable that may give it, for messages."""
    generate: t.Callable[[], str] | None = None
    check: t.Callable[[str, str], str] | None = None
    """Tidies a given value; raises ``Failure``, naming where it is from, for any value that cannot work."""
    demand: t.Callable[[str, str], None] | None = None
    """Raises ``Failure`` for a given value that is worse than one that would be generated."""
    guard: t.Callable[[str, str], str | None] | None = None
    """Why an existing value must not be replaced by a given one, if it must not."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """A Secret that keeps what cannot be had again."""

    name: str
    entries: dict[str, Entry]


def settled(wanted: Wanted, existing: Texts, where: str) -> tuple[Texts, dict[str, str]]:
    """The values of a Secret, and for each key how it got its value."""
    values: Texts = {}
    origins: dict[str, str] = {}
    for key, entry in wanted.entries.items():
        values[key], origins[key] = _settle(entry, existing.get(key), f"{where}, key {key}")
    return values, origins


def _settle(entry: Entry, existing: str | None, where: str) -> tuple[str, str]:
    if entry.fixed is not None:
        return entry.fixed, "fixed"
    if entry.given:
        given = entry.check(entry.given, entry.variable or where) if entry.check else entry.given
        if entry.demand:
            entry.demand(given, entry.variable or where)
        refusal = entry.guard(existing, given) if entry.guard and existing and existing != given else None
        if refusal:
            raise Failure(refusal)
        return given, "existing" if given == existing else "given"
    if existing:
        if entry.check:
            entry.check(existing, where)
        return existing, "existing"
    if entry.generate is None:
        raise Failure(f"{entry.variable} is required: {where} has no value yet, and this one cannot be generated.")
    return entry.generate(), "generated"


def required_secrets(values: Values, given: Given, *, replace_fernet_key: bool = False) -> list[Wanted]:
    """The Secrets that keep something: all but those that are derived from them."""
    web = facts(values.major).session_key
    wanted = [
        Wanted(name=names.name(values, CHECKSUM_KEY), entries={CHECKSUM_KEY: Entry(generate=token)}),
        Wanted(name=names.name(values, "fernet-key"), entries={"fernet-key": fernet_entry(given, replace_fernet_key)}),
        Wanted(name=names.name(values, web), entries={web: _entry(given, "api_secret_key", token)}),
        Wanted(
            name=names.name(values, "admin"),
            entries={
                "username": Entry(fixed=values.core.admin.username),
                "password": _entry(given, "admin_password", password),
            },
        ),
    ]
    if values.major >= 3:
        entry = dataclasses.replace(_entry(given, "jwt_secret", token), demand=long_enough)
        wanted.append(Wanted(name=names.name(values, "jwt-secret"), entries={"jwt-secret": entry}))
    if values.database.credentials is None:
        wanted.append(
            Wanted(
                name=names.name(values, values.database.kind),
                entries={"username": Entry(fixed=values.database.user), "password": _database_password(values, given)},
            )
        )
    return [*wanted, *celery_secrets(values, given), *autoscaling_secrets(values)]


def celery_secrets(values: Values, given: Given) -> t.Iterator[Wanted]:
    """Passwords of the broker and of Flower, where they are ours to keep."""
    broker, flower = values.celery.broker, values.celery.flower
    if not values.runs_celery:
        return
    if broker.provider == "embedded":
        entry = _entry(given, "broker_password", password, check=plain_password)
        yield Wanted(name=names.name(values, "broker"), entries={"password": entry})
    elif broker.user and not broker.credentials and not broker.url_secret:
        entries = {"username": Entry(fixed=broker.user), "password": _entry(given, "broker_password", None)}
        yield Wanted(name=names.name(values, "broker"), entries=entries)
    elif given.get("broker_password"):
        raise Failure(
            "airflow_celery_broker_password is given, but airflow_celery_broker names no user of an external broker "
            "that it is the password of: set airflow_celery_broker.user (a Redis without users has one that is called "
            "default), or leave the password out."
        )
    if flower.enabled and not flower.credentials:
        entries = {"username": Entry(fixed=flower.user), "password": _entry(given, "flower_password", password)}
        yield Wanted(name=names.name(values, "flower"), entries=entries)


def autoscaling_secrets(values: Values) -> t.Iterator[Wanted]:
    """KEDA's user of the database, where it is ours to make."""
    own = values.autoscaling.database
    if values.uses_keda and not own.credentials:
        entries = {"username": Entry(fixed=own.user), "password": Entry(generate=password)}
        yield Wanted(name=names.name(values, "autoscaling"), entries=entries)


def plain_password(given: str, where: str) -> str:
    """Redis reads its configuration by words; an odd password would be another one, or none."""
    if not re.fullmatch(r"[!#-&(-\[\]-_a-~]{1,512}", given):
        raise Failure(
            f"{where} has characters that the configuration of Redis would change: use letters, digits and signs but "
            "spaces, quotes and backslashes."
        )
    return given


def _entry(
    given: Given,
    name: str,
    generate: t.Callable[[], str] | None,
    check: t.Callable[[str, str], str] | None = None,
) -> Entry:
    return Entry(given=given.get(name), variable=GIVEN[name], generate=generate, check=check)


def fernet_entry(given: Given, replace: bool) -> Entry:
    """The key that encrypts connections and variables; replaced only without loss, or by consent."""
    entry = _entry(given, "fernet_key", fernet.generate, check=fernet.checked)
    return entry if replace else dataclasses.replace(entry, guard=_keeps_readable)


def _keeps_readable(existing: str, given: str) -> str | None:
    if not fernet.loses(existing, given):
        return None
    return (
        "airflow_core_fernet_key is not the key that this instance uses: with it, all connections and variables that "
        "are encrypted in the database would be lost. Leave the variable out to keep the existing key, rotate it with "
        "dagops.airflow.fernet_key (state: rotated), or set replace_fernet_key to true if nothing is to be kept."
    )


def long_enough(secret: str, where: str) -> None:
    """HMAC is as strong as its key, and PyJWT warns below the hash's size.

    One that is there may be shorter: the official chart made such, and to replace it would fail running tasks.
    """
    if len(secret.encode()) < 64:
        raise Failure(
            f"{where} has {len(secret.encode())} bytes, but a JWT secret needs at least 64 (Airflow signs with HS512): "
            "give a longer one, or leave the variable out to have one made and kept."
        )


def _database_password(values: Values, given: Given) -> Entry:
    entry = _entry(given, "database_password", None)
    if values.database.provider == "external":
        return entry
    return dataclasses.replace(entry, generate=password, guard=_same_password)


def _same_password(_existing: str, _given: str) -> str:
    return (
        "airflow_database_password is not the password that the embedded database was made with, and the server would "
        "go on asking for the old one. Leave the variable out to keep it; to change it, run ALTER ROLE in the database "
        "and put the new password into the Secret, then set the variable."
    )


# --- derived from the others ---


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """Who Airflow is to the database."""

    user: str
    password: str


def derived_secrets(
    values: Values, account: Account, celery: CeleryAccounts, scaler: Account | None = None
) -> dict[str, Texts]:
    """Content of the Secrets that are computed anew in each run; ``scaler`` is who KEDA is to the database."""
    derived = {names.name(values, "metadata"): connections(values, account)}
    if values.database.pgbouncer.enabled:
        accounts = [account, *([scaler] if scaler else [])]
        derived[names.name(values, "pgbouncer-config")] = pgbouncer_files(values, *accounts)
    if scaler:
        derived[names.name(values, "autoscaling-connection")] = scaler_connection(values, scaler)
    if addresses := celery_addresses(values, account, celery):
        derived[names.name(values, "celery")] = addresses
    return derived


@dataclasses.dataclass(frozen=True, kw_only=True)
class CeleryAccounts:
    """Who Airflow is to the broker, if it has to say so, and people to Flower."""

    broker: Account | None = None
    flower: Account | None = None


def celery_addresses(values: Values, account: Account, celery: CeleryAccounts) -> Texts:
    """What the scheduler, the workers and Flower read, but for what Secrets of the person's own hold."""
    if not values.runs_celery:
        return {}
    texts: Texts = {}
    if not values.celery.broker.url_secret:
        texts[names.BROKER_KEY] = broker_url(values, celery.broker)
    if not values.celery.result_backend.url_secret:
        texts[names.RESULT_KEY] = f"db+{connections(values, account)['connection']}"
    if celery.flower:
        texts[names.FLOWER_KEY] = f"{celery.flower.user}:{celery.flower.password}"
    return texts


def broker_url(values: Values, account: Account | None) -> str:
    """An address as Celery reads it."""
    broker = values.celery.broker
    embedded = broker.provider == "embedded"
    scheme = "redis" if embedded else broker.scheme
    login = ""
    if account:
        user, secret = (urllib.parse.quote(part, safe="") for part in (account.user, account.password))
        login = f"{user}:{secret}@"
    if scheme == "sqs" and not broker.host:
        return f"sqs://{login}"
    host = names.host(values, "redis") if embedded else broker.host or ""
    port = names.REDIS_PORT if embedded else broker.port or BROKER_PORTS[scheme]
    host = f"[{host}]" if ":" in host else host
    # A virtual host may be called /, which is the default one; Redis numbers its databases.
    path = "0" if scheme.startswith("redis") and broker.database is None else broker.database or ""
    return f"{scheme}://{login}{host}:{port}/{urllib.parse.quote(path, safe='')}"


def connections(values: Values, account: Account) -> Texts:
    """URLs of the metadata database.

    ``connection`` is Airflow's, through PgBouncer if there is one. The others go to the server itself: asyncpg's
    prepared statements and the locks of a migration live in a session, which a pool that changes the server connection
    with each transaction does not keep.
    """
    kind = values.database_kind
    address, server = names.database_address(values), names.server_address(values)
    server_tls = sslmode(values)
    database = values.database.name
    # PgBouncer is in the namespace, and speaks TLS to the server.
    pool, tls = (POOL, "disable") if values.database.pgbouncer.enabled else (database, server_tls)
    return {
        "connection": url(kind.scheme, account, address, pool, **kind.tls[tls]),
        "connection-direct": url(kind.scheme, account, server, database, **kind.tls[server_tls]),
        "connection-async": url(kind.async_scheme, account, server, database, **kind.async_tls[server_tls]),
    }


def scaler_connection(values: Values, account: Account) -> Texts:
    """KEDA's, the way that Airflow's goes."""
    kind, address, pooled = values.database_kind, names.database_address(values), values.database.pgbouncer.enabled
    query = kind.trigger_tls["disable" if pooled else sslmode(values)]
    if kind is MYSQL:
        return {names.SCALER_KEY: go_address(account, address, values.database.name, **query)}
    pool = POOL if pooled else values.database.name
    return {names.SCALER_KEY: url(kind.scheme, account, address, pool, **query)}


def sslmode(values: Values) -> str:
    """The embedded database has no certificate."""
    return values.database.sslmode if values.database.provider == "external" else "disable"


def url(scheme: str, account: Account, address: tuple[str, int], database: str, **query: str) -> str:
    """An SQLAlchemy URL that libpq reads, too."""
    user, secret, name = (urllib.parse.quote(part, safe="") for part in (account.user, account.password, database))
    return f"{scheme}://{user}:{secret}@{_place(address)}/{name}?{urllib.parse.urlencode(query)}"


def go_address(account: Account, address: tuple[str, int], database: str, **query: str) -> str:
    """An address as Go's driver of MySQL reads it: from its end, so that a password may hold anything as it is."""
    login, name = f"{account.user}:{account.password}", urllib.parse.quote(database, safe="")
    return f"{login}@tcp({_place(address)})/{name}?{urllib.parse.urlencode(query)}"


def _place(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def pgbouncer_files(values: Values, *accounts: Account) -> Texts:
    """``users.txt`` holds the plain password: with it PgBouncer can check SCRAM logins and make them, too."""
    return {
        "pgbouncer.ini": pgbouncer_ini(values),
        "users.txt": "".join(f"{_quoted(one.user)} {_quoted(one.password)}\n" for one in accounts),
    }


def pgbouncer_ini(values: Values) -> str:
    """Options that PgBouncer 1.18 and newer know."""
    host, port = names.server_address(values)
    wanted, tls = values.database.pgbouncer, sslmode(values)
    lines = [
        "[databases]",
        f"{POOL} = host={host} port={port} dbname={_literal(values.database.name)} pool_size={wanted.pool_size}",
        "",
        "[pgbouncer]",
        "listen_addr = *",
        f"listen_port = {names.PGBOUNCER_PORT}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        "auth_file = /etc/pgbouncer/users.txt",
        "pool_mode = transaction",
        f"default_pool_size = {wanted.pool_size}",
        f"max_client_conn = {wanted.max_client_connections}",
        # libpq sends it with each connection; it means nothing to a pool.
        "ignore_startup_parameters = extra_float_digits",
        f"server_tls_sslmode = {tls}",
        *([f"server_tls_ca_file = {AUTHORITIES}"] if tls.startswith("verify-") else []),
        # A line for each connection tells nobody anything.
        "log_connections = 0",
        "log_disconnections = 0",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def account(values: Values, settled_secrets: t.Mapping[str, Texts], own: Texts | None) -> Account:
    """The database account: from the person's own Secret where one is named, else from ours."""
    reference = values.database.credentials
    if reference is None:
        secret = settled_secrets[names.name(values, values.database.kind)]
        return Account(user=secret["username"], password=secret["password"])
    found = own or {}
    return Account(
        user=_own(found, reference, reference.username_key),
        password=_own(found, reference, reference.password_key),
    )


def scaler_account(
    values: Values, settled_secrets: t.Mapping[str, Texts], own: t.Callable[[str], Texts | None]
) -> Account | None:
    """KEDA's account of the database, if it has one: from the person's own Secret where one is named, else ours."""
    reference = values.autoscaling.database.credentials
    if not values.uses_keda:
        return None
    if reference is None:
        secret = settled_secrets[names.name(values, "autoscaling")]
        return Account(user=secret["username"], password=secret["password"])
    found, variable = own(reference.name) or {}, "airflow_autoscaling_database.credentials"
    return Account(
        user=_own(found, reference, reference.username_key, variable),
        password=_own(found, reference, reference.password_key, variable),
    )


def celery_references(values: Values) -> list[SecretRef]:
    """Secrets of the person's own with users and passwords."""
    broker, flower = values.celery.broker, values.celery.flower
    named = [broker.credentials, flower.credentials if flower.enabled else None]
    return [one for one in named if one and values.runs_celery]


def celery_accounts(
    values: Values, settled_secrets: t.Mapping[str, Texts], own: t.Callable[[str], Texts | None]
) -> CeleryAccounts:
    """The accounts of the broker and of Flower, from the person's own Secrets where they are named."""
    broker, flower = values.celery.broker, values.celery.flower
    if not values.runs_celery:
        return CeleryAccounts()

    def found(reference: SecretRef | None, variable: str, ours: str) -> Account | None:
        if reference:
            texts = own(reference.name) or {}
            return Account(
                user=_own(texts, reference, reference.username_key, variable),
                password=_own(texts, reference, reference.password_key, variable),
            )
        texts = settled_secrets.get(names.name(values, ours)) or {}
        return Account(user=texts.get("username", ""), password=texts["password"]) if texts else None

    return CeleryAccounts(
        broker=found(broker.credentials, "airflow_celery_broker.credentials", "broker"),
        flower=found(flower.credentials, "airflow_celery_flower.credentials", "flower") if flower.enabled else None,
    )


def _own(found: Texts, reference: SecretRef, key: str, variable: str = "airflow_database_credentials") -> str:
    if not found.get(key):
        raise Failure(
            f"{variable} names Secret {reference.name} with the key {key}, which is not there or "
            f"empty (keys: {', '.join(sorted(found)) or 'none'}): put it there, or name the right keys."
        )
    return found[key]
