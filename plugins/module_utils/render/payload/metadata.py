# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The metadata database as seen from inside Airflow's image, with nothing but its driver; other scripts import it.

MySQL is asked for standard SQL (``ANSI``), so that ``"key"`` is a name there and ``||`` joins texts, as in Postgres.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
import urllib.parse

URL = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def is_mysql() -> bool:
    """Whether Airflow's address is one of MySQL."""
    return os.environ.get(URL, "").startswith("mysql")


def driver() -> t.Any:
    """What Airflow itself connects by."""
    if not is_mysql():
        import psycopg2

        return psycopg2
    try:
        import MySQLdb
    except ImportError as error:
        raise ImportError(f"this image has no mysqlclient, which Airflow needs for MySQL: {error}") from None
    return MySQLdb


def connect(timeout: int = 10, **instead: t.Any) -> t.Any:
    """A connection; ``instead`` is what is not to be as in Airflow's address, in the driver's words."""
    library = driver()
    given = _mysql() if is_mysql() else {"dsn": os.environ[URL].replace("postgresql+psycopg2://", "postgresql://")}
    return library.connect(**{**given, "connect_timeout": timeout, **instead})


@contextlib.contextmanager
def transaction(connection: t.Any) -> t.Iterator[t.Any]:
    """A cursor whose statements take effect together, or not at all, and with which the connection ends.

    The end is told: PgBouncer gives up a connection to the server whose client leaves within a transaction.
    """
    try:
        with connection.cursor() as cursor:
            yield cursor
        connection.commit()
    except BaseException:
        with contextlib.suppress(driver().Error):
            connection.rollback()
        raise
    finally:
        connection.close()


def _mysql() -> dict[str, t.Any]:
    """Airflow's address in the words of mysqlclient, as SQLAlchemy hands them on."""
    address = urllib.parse.urlsplit(os.environ[URL])
    more: dict[str, t.Any] = dict(urllib.parse.parse_qsl(address.query))
    authorities = more.pop("ssl_ca", None)
    return {
        "host": address.hostname,
        "port": address.port,
        "user": urllib.parse.unquote(address.username or ""),
        "password": urllib.parse.unquote(address.password or ""),
        "database": urllib.parse.unquote(address.path[1:]),
        "sql_mode": "ANSI",
        # As Airflow does: MySQL tells times in the zone of the session, and by default that is the server's own.
        "init_command": "SET time_zone = '+00:00'",
        **({"ssl": {"ca": authorities}} if authorities else {}),
        **more,
    }
