"""Given before existing before generated; addresses that libpq, SQLAlchemy and PgBouncer read as they are meant."""

from __future__ import annotations

import configparser
import typing as t
import urllib.parse

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet, secrets
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import Account, Entry, Wanted
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import SECRET_VARIABLES, Values
from tests.unit.cases import BASE, CASES

OLD, NEW = fernet.generate(), fernet.generate()
ODD = Account(user="air flow@x", password="p@ss/w:rd%1 '\"#?&=ü")


def values(**variables: t.Any) -> Values:
    return load({**BASE, **variables})


def wanted(name: str, of: Values | None = None, **given: str | None) -> Wanted:
    plan = secrets.required_secrets(of or values(), given)
    return next(item for item in plan if item.name == f"airflow-{name}")


def settle(
    name: str, existing: dict[str, str], of: Values | None = None, **given: str
) -> tuple[dict[str, str], dict[str, str]]:
    return secrets.settled(wanted(name, of, **given), existing, f"Secret/airflow/airflow-{name}")


# --- the law ---


def test_nothing_there_and_nothing_given_is_generated() -> None:
    content, origins = settle("fernet-key", {})
    assert origins == {"fernet-key": "generated"}
    assert fernet.checked(content["fernet-key"], "x")


def test_what_is_there_stays() -> None:
    assert settle("fernet-key", {"fernet-key": OLD}) == ({"fernet-key": OLD}, {"fernet-key": "existing"})


def test_what_is_given_counts_first() -> None:
    content, origins = settle("admin", {"username": "admin", "password": "old"}, admin_password="new")
    assert (content["password"], origins["password"]) == ("new", "given")


def test_what_is_given_and_there_is_no_change() -> None:
    assert settle("admin", {"password": "same"}, admin_password="same")[1]["password"] == "existing"


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_value_counts_as_none(nothing: str | None) -> None:
    entry = wanted("admin", admin_password=nothing).entries["password"]
    assert secrets.settled(Wanted(name="a", entries={"p": entry}), {"p": "old"}, "x")[1] == {"p": "existing"}
    assert secrets.settled(Wanted(name="a", entries={"p": entry}), {"p": ""}, "x")[1] == {"p": "generated"}


def test_every_secret_variable_can_be_given() -> None:
    assert set(secrets.GIVEN.values()) == set(SECRET_VARIABLES)


@pytest.mark.parametrize("case", CASES)
def test_generated_values_are_long_and_differ(case: str) -> None:
    plan = secrets.required_secrets(load(CASES[case]), {})
    made = [
        value
        for item in plan
        for key, value in secrets.settled(item, {}, "x")[0].items()
        if item.entries[key].fixed is None
    ]
    assert len(made) == len(set(made)) > 2
    assert all(len(value) >= 32 for value in made)


# --- each secret ---


def test_a_fernet_key_is_not_replaced_by_one_that_reads_nothing() -> None:
    with pytest.raises(Failure, match="would be lost") as caught:
        settle("fernet-key", {"fernet-key": OLD}, fernet_key=NEW)
    assert "replace_fernet_key" in caught.value.message
    assert NEW not in caught.value.message
    assert OLD not in caught.value.message


def test_a_fernet_key_is_replaced_by_a_list_that_reads_everything() -> None:
    content, origins = settle("fernet-key", {"fernet-key": OLD}, fernet_key=f"{NEW}, {OLD}")
    assert content == {"fernet-key": f"{NEW},{OLD}"}
    assert origins == {"fernet-key": "given"}


def test_a_fernet_key_is_replaced_by_consent() -> None:
    plan = secrets.required_secrets(values(), {"fernet_key": NEW}, replace_fernet_key=True)
    wanted = next(one for one in plan if "fernet-key" in one.entries)
    assert secrets.settled(wanted, {"fernet-key": OLD}, "x")[0] == {"fernet-key": NEW}


@pytest.mark.parametrize(("existing", "given"), [({}, {"fernet_key": OLD[:-1]}), ({"fernet-key": OLD[:-1]}, {})])
def test_an_invalid_fernet_key_is_refused_wherever_it_is(existing: dict[str, str], given: dict[str, str]) -> None:
    where = "airflow_core_fernet_key" if given else "Secret/airflow/airflow-fernet-key, key fernet-key"
    with pytest.raises(Failure, match=f"{where} holds no valid Fernet key: it has 43 characters"):
        settle("fernet-key", existing, **given)


def test_a_jwt_secret_that_is_too_short_is_refused() -> None:
    with pytest.raises(Failure, match="airflow_core_jwt_secret has 9 bytes, but a JWT secret needs at least 64"):
        settle("jwt-secret", {}, jwt_secret="too short")


def test_a_short_jwt_secret_of_the_official_chart_stays() -> None:
    assert settle("jwt-secret", {"jwt-secret": "a" * 32})[1] == {"jwt-secret": "existing"}


def test_what_is_there_stays_to_the_last_byte() -> None:
    content, origins = settle("fernet-key", {"fernet-key": f"{OLD}\n"})
    assert (content, origins) == ({"fernet-key": f"{OLD}\n"}, {"fernet-key": "existing"})


def test_airflow_2_has_the_secrets_of_its_own() -> None:
    names = {item.name for item in secrets.required_secrets(values(airflow_version="2.11.2"), {})}
    assert "airflow-webserver-secret-key" in names
    assert not names & {"airflow-api-secret-key", "airflow-jwt-secret"}


def test_an_external_database_needs_its_password() -> None:
    external = values(airflow_database_provider="external", airflow_database_host="db.example.com")
    with pytest.raises(Failure, match="airflow_database_password is required"):
        settle("postgresql", {}, external)
    assert settle("postgresql", {}, external, database_password="x")[0] == {"username": "airflow", "password": "x"}
    assert settle("postgresql", {"password": "kept"}, external)[0]["password"] == "kept"


def test_the_embedded_database_keeps_the_password_it_was_made_with() -> None:
    assert settle("postgresql", {}, database_password="first")[1]["password"] == "given"
    with pytest.raises(Failure, match="ALTER ROLE"):
        settle("postgresql", {"password": "first"}, database_password="second")


def test_ones_own_database_secret_is_read_and_none_is_made() -> None:
    own = load(CASES["everything"])
    assert "airflow-postgresql" not in {item.name for item in secrets.required_secrets(own, {})}
    assert secrets.account(own, {}, {"username": "u", "password": "p"}) == Account(user="u", password="p")


@pytest.mark.parametrize("own", [None, {}, {"username": "u"}, {"username": "u", "password": ""}])
def test_ones_own_database_secret_has_to_be_there(own: dict[str, str] | None) -> None:
    with pytest.raises(Failure, match="airflow_database_credentials names Secret my-database with the key"):
        secrets.account(load(CASES["everything"]), {}, own)


def test_a_value_without_origin_is_refused() -> None:
    entry = Entry(variable="airflow_database_password")
    with pytest.raises(Failure, match="airflow_database_password is required"):
        secrets.settled(Wanted(name="a", entries={"p": entry}), {}, "Secret/a/a")


# --- addresses ---


def parts(url: str) -> tuple[str, str | None, str | None, str | None, int | None, str, dict[str, list[str]]]:
    read = urllib.parse.urlsplit(url)
    user, password, path = (urllib.parse.unquote(part or "") for part in (read.username, read.password, read.path))
    return read.scheme, user, password, read.hostname, read.port, path, urllib.parse.parse_qs(read.query)


def test_urls_quote_what_they_must() -> None:
    for url in secrets.connections(values(), ODD).values():
        assert parts(url)[1:3] == (ODD.user, ODD.password)
        assert url.isascii()
        assert " " not in url


def test_the_embedded_database_is_reached_without_tls() -> None:
    urls = secrets.connections(values(), Account(user="a", password="b"))
    assert urls == {
        "connection": "postgresql://a:b@airflow-postgresql.airflow.svc:5432/airflow?sslmode=disable",
        "connection-direct": "postgresql://a:b@airflow-postgresql.airflow.svc:5432/airflow?sslmode=disable",
        "connection-async": "postgresql+asyncpg://a:b@airflow-postgresql.airflow.svc:5432/airflow?ssl=disable",
    }


def test_pgbouncer_stands_in_front_of_what_can_share_connections() -> None:
    urls = secrets.connections(load(CASES["everything"]), Account(user="a", password="b"))
    assert urls == {
        "connection": "postgresql://a:b@airflow-pgbouncer.data.svc:6543/metadata?sslmode=disable",
        "connection-direct": "postgresql://a:b@postgres.example.com:5432/airflow?sslmode=verify-full",
        "connection-async": "postgresql+asyncpg://a:b@postgres.example.com:5432/airflow?ssl=verify-full",
    }


def mysql(**changed: t.Any) -> Values:
    given = {name: value for name, value in CASES["mysql"].items() if name != "airflow_database_credentials"}
    return load({**given, **changed})


def test_mysql_is_reached_by_its_own_drivers_in_their_words() -> None:
    account = Account(user="a", password="b")
    place = "a:b@mysql.example.com:3306/airflow?charset=utf8mb4"
    assert secrets.connections(mysql(), account) == {
        "connection": f"mysql+mysqldb://{place}&ssl_mode=PREFERRED",
        "connection-direct": f"mysql+mysqldb://{place}&ssl_mode=PREFERRED",
        "connection-async": f"mysql+aiomysql://{place}",
    }
    derived = secrets.derived_secrets(mysql(), account, secrets.CeleryAccounts())
    assert derived["airflow-celery"]["result-backend"] == f"db+mysql+mysqldb://{place}&ssl_mode=PREFERRED"
    verified = mysql(airflow_version="2.11.2", airflow_database_sslmode="verify-full", airflow_database_port=3307)
    authorities = "ssl_mode=VERIFY_IDENTITY&ssl_ca=%2Fetc%2Fssl%2Fcerts%2Fca-certificates.crt"
    address = secrets.connections(verified, account)["connection"]
    assert address == f"mysql+mysqldb://a:b@mysql.example.com:3307/airflow?charset=utf8mb4&{authorities}"


def test_the_account_of_mysql_is_not_kept_under_another_name() -> None:
    wanted = {one.name: one.entries for one in secrets.required_secrets(mysql(), {"database_password": "x"})}
    assert "airflow-postgresql" not in wanted
    assert wanted["airflow-mysql"]["password"].given == "x"
    texts = {"airflow-mysql": {"username": "a", "password": "x"}}
    assert secrets.account(mysql(), texts, None) == Account(user="a", password="x")


@pytest.mark.parametrize(
    ("sslmode", "tls"),
    [("disable", "false"), ("prefer", "preferred"), ("require", "skip-verify"), ("verify-full", "true")],
)
def test_keda_reads_the_address_of_mysql_from_its_end(sslmode: str, tls: str) -> None:
    arguments = {"database": {"sql_alchemy_connect_args_async": "company.tls"}}
    of = mysql(airflow_database_sslmode=sslmode, airflow_core_config=arguments)
    told = secrets.scaler_connection(of, Account(user="reader", password="a/b@c:d(e)?f"))
    assert told == {"connection": f"reader:a/b@c:d(e)?f@tcp(mysql.example.com:3306)/airflow?tls={tls}"}


def test_an_address_of_ipv6_is_bracketed() -> None:
    external = values(airflow_database_provider="external", airflow_database_host="fd00::1")
    assert parts(secrets.connections(external, ODD)["connection"])[3] == "fd00::1"


def test_pgbouncer_speaks_to_the_server_behind_it() -> None:
    bounced = values(
        airflow_database_pgbouncer={"enabled": True, "poolSize": 7, "maxClientConnections": 70},
        airflow_database_provider="external",
        airflow_database_host="db",
        airflow_database_name="air'flow",
        airflow_database_sslmode="require",
    )
    parser = configparser.RawConfigParser()
    parser.read_string(secrets.pgbouncer_ini(bounced))
    assert dict(parser["databases"]) == {"metadata": "host=db port=5432 dbname='air''flow' pool_size=7"}
    assert parser["pgbouncer"]["max_client_conn"] == "70"
    assert parser["pgbouncer"]["server_tls_sslmode"] == "require"
    assert parser["pgbouncer"]["auth_type"] == "scram-sha-256"
    assert "server_tls_ca_file" not in parser["pgbouncer"]


def test_pgbouncer_verifies_where_it_is_told_to() -> None:
    assert "server_tls_ca_file = /etc/ssl/certs/ca-certificates.crt" in secrets.pgbouncer_ini(load(CASES["everything"]))


def test_users_of_pgbouncer_are_quoted() -> None:
    files = secrets.pgbouncer_files(values(), Account(user='a"b', password='c"d'))
    assert files["users.txt"] == '"a""b" "c""d"\n'


def test_derived_secrets_follow_what_is_enabled() -> None:
    account = Account(user="a", password="b")
    nobody = secrets.CeleryAccounts()
    assert set(secrets.derived_secrets(values(), account, nobody)) == {"airflow-metadata"}
    bounced = secrets.derived_secrets(load(CASES["everything"]), account, nobody)
    assert set(bounced) == {"airflow-metadata", "airflow-pgbouncer-config"}


# --- Celery ---

CELERY = {"airflow_core_executor": "CeleryExecutor"}
EXTERNAL_BROKER = {"provider": "external", "host": "broker.example.com"}


def celery(**variables: t.Any) -> Values:
    return values(**CELERY, **variables)


def broker_of(options: dict[str, t.Any], user: str | None = None, password: str = "") -> str:
    account = Account(user=user, password=password) if user is not None else None
    return secrets.broker_url(celery(airflow_celery_broker=options), account)


def test_no_celery_needs_no_secret_of_it() -> None:
    given = {"broker_password": "x", "flower_password": "y"}
    assert not {"airflow-broker", "airflow-flower"} & {item.name for item in secrets.required_secrets(values(), given)}
    assert secrets.celery_accounts(values(), {}, {}.get) == secrets.CeleryAccounts()


def test_the_password_of_an_embedded_broker_is_made_once() -> None:
    made, origins = settle("broker", {}, celery())
    assert origins == {"password": "generated"}
    assert settle("broker", made, celery()) == (made, {"password": "existing"})


@pytest.mark.parametrize("odd", ["a b", 'a"b', "a'b", "a\\b", "a`b", "ü", "a\nb"])
def test_a_password_that_redis_would_read_as_another_is_refused(odd: str) -> None:
    with pytest.raises(Failure, match="airflow_celery_broker_password has characters"):
        settle("broker", {}, celery(), broker_password=odd)


def test_a_password_of_an_external_broker_needs_a_user() -> None:
    of = celery(airflow_celery_broker=EXTERNAL_BROKER)
    with pytest.raises(Failure, match=r"set airflow_celery_broker\.user"):
        secrets.required_secrets(of, {"broker_password": "x"})
    assert not any(item.name == "airflow-broker" for item in secrets.required_secrets(of, {}))


def test_a_user_of_an_external_broker_needs_a_password() -> None:
    of = celery(airflow_celery_broker={**EXTERNAL_BROKER, "user": "me"})
    with pytest.raises(Failure, match="airflow_celery_broker_password is required"):
        settle("broker", {}, of)
    assert settle("broker", {}, of, broker_password="x")[0] == {"username": "me", "password": "x"}


@pytest.mark.parametrize(
    ("options", "account", "url"),
    [
        ({}, {"user": "", "password": "pw"}, "redis://:pw@airflow-redis.airflow.svc:6379/0"),
        (EXTERNAL_BROKER, {}, "redis://broker.example.com:6379/0"),
        (
            {**EXTERNAL_BROKER, "database": "7", "port": 1, "scheme": "rediss"},
            {"user": "default", "password": "p@ss/w:rd"},
            "rediss://default:p%40ss%2Fw%3Ard@broker.example.com:1/7",
        ),
        (
            {**EXTERNAL_BROKER, "scheme": "amqp", "database": "air"},
            {"user": "me", "password": "x"},
            "amqp://me:x@broker.example.com:5672/air",
        ),
        ({**EXTERNAL_BROKER, "scheme": "amqps"}, {}, "amqps://broker.example.com:5671/"),
        ({**EXTERNAL_BROKER, "host": "2001:db8::1"}, {}, "redis://[2001:db8::1]:6379/0"),
        ({"provider": "external", "scheme": "sqs"}, {}, "sqs://"),
        ({"provider": "external", "scheme": "sqs"}, {"user": "KEY", "password": "a/b"}, "sqs://KEY:a%2Fb@"),
    ],
)
def test_addresses_of_brokers(options: dict[str, t.Any], account: dict[str, str], url: str) -> None:
    assert broker_of(options, **account) == url


def test_what_celery_reads_follows_what_is_named() -> None:
    account, accounts = Account(user="a", password="b"), secrets.CeleryAccounts(flower=Account(user="c", password="d"))
    own = {"urlSecret": {"name": "mine"}}
    assert secrets.celery_addresses(celery(), account, accounts) == {
        "broker-url": "redis://airflow-redis.airflow.svc:6379/0",
        "result-backend": "db+postgresql://a:b@airflow-postgresql.airflow.svc:5432/airflow?sslmode=disable",
        "flower-basic-auth": "c:d",
    }
    of = celery(airflow_celery_broker={"provider": "external", **own}, airflow_celery_result_backend=own)
    assert "airflow-celery" not in secrets.derived_secrets(of, account, secrets.CeleryAccounts())


def test_accounts_come_from_the_secrets_that_are_named() -> None:
    of = celery(
        airflow_celery_broker={**EXTERNAL_BROKER, "credentials": {"name": "mine", "usernameKey": "u"}},
        airflow_celery_flower={"enabled": True, "credentials": {"name": "other"}},
    )
    assert [one.name for one in secrets.celery_references(of)] == ["mine", "other"]
    found = {"mine": {"u": "me", "password": "x"}, "other": {"username": "you", "password": "y"}}
    accounts = secrets.celery_accounts(of, {}, found.get)
    assert accounts.broker == Account(user="me", password="x")
    assert accounts.flower == Account(user="you", password="y")
    with pytest.raises(Failure, match=r"airflow_celery_flower\.credentials names Secret other with the key username"):
        secrets.celery_accounts(of, {}, {"mine": found["mine"]}.get)
