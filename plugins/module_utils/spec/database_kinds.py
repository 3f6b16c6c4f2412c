# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Postgres and MySQL have different: addresses, words of TLS, KEDA's trigger, and how a user is made.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

Words = dict[str, str]

# Where Debian keeps the authorities that it trusts, and so do Airflow's images and that of PgBouncer.
AUTHORITIES: t.Final = "/etc/ssl/certs/ca-certificates.crt"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatabaseKind:
    """A kind of database."""

    port: int
    scheme: str
    """Of addresses for Airflow, as SQLAlchemy reads them."""
    async_scheme: str
    """The same of those that Airflow 3 opens asynchronously."""
    tls: dict[str, Words]
    """Parameters of such an address by ``airflow_database_sslmode``; a mode that is not here cannot be had."""
    async_tls: dict[str, Words]
    trigger: str
    """KEDA's name for a trigger that asks it."""
    trigger_value: str
    """KEDA's name for what such a query is divided by."""
    trigger_address: str
    """KEDA's name for the address."""
    trigger_tls: dict[str, Words]
    """Parameters of the address that KEDA reads."""
    quote: str
    """Around the name of a table in a query, where one of Airflow's is a reserved word."""
    exact: str
    """A column of text as it is compared letter by letter."""
    creation: str
    """How a user who may log in is made."""
    grant: str
    """How one may read some columns of a table, and nothing else."""


_MODES: t.Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

# asyncpg calls `ssl` what libpq calls `sslmode`. PgBouncer would hand what KEDA prepares to another session.
POSTGRESQL: t.Final = DatabaseKind(
    port=5432,
    scheme="postgresql",
    async_scheme="postgresql+asyncpg",
    tls={mode: {"sslmode": mode} for mode in _MODES},
    async_tls={mode: {"ssl": mode} for mode in _MODES},
    trigger="postgresql",
    trigger_value="targetQueryValue",
    trigger_address="connection",
    trigger_tls={mode: {"sslmode": mode, "default_query_exec_mode": "simple_protocol"} for mode in _MODES},
    quote="",
    exact="{0}",
    creation="CREATE ROLE {0} LOGIN PASSWORD '...'",
    grant="GRANT SELECT ({0}) ON {1} TO {2}",
)

# mysqlclient and Go's driver have words of their own for TLS; aiomysql takes an object of Python, which no address can
# hold. Without a character set, a driver may choose one that has no emoji.
_UTF8: t.Final = {"charset": "utf8mb4"}
MYSQL: t.Final = DatabaseKind(
    port=3306,
    scheme="mysql+mysqldb",
    async_scheme="mysql+aiomysql",
    tls={
        "disable": {**_UTF8, "ssl_mode": "DISABLED"},
        "prefer": {**_UTF8, "ssl_mode": "PREFERRED"},
        "require": {**_UTF8, "ssl_mode": "REQUIRED"},
        "verify-full": {**_UTF8, "ssl_mode": "VERIFY_IDENTITY", "ssl_ca": AUTHORITIES},
    },
    async_tls=dict.fromkeys(_MODES, _UTF8),
    trigger="mysql",
    trigger_value="queryValue",
    trigger_address="connectionString",
    trigger_tls={
        "disable": {"tls": "false"},
        "prefer": {"tls": "preferred"},
        "require": {"tls": "skip-verify"},
        "verify-full": {"tls": "true"},
    },
    quote="`",
    exact="CAST({0} AS BINARY)",
    creation="CREATE USER '{0}'@'%' IDENTIFIED BY '...'",
    grant="GRANT SELECT ({0}) ON `{1}` TO '{2}'@'%'",
)

KINDS: t.Final = {"postgresql": POSTGRESQL, "mysql": MYSQL}
