# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks the broker and the result backend of Celery, with what its workers will have and by Airflow's own Celery app.

Runs in Airflow's image: ``python -c … NAME…``, of NAMES. What it finds is JSON, as the last words of its container:
``said`` tells of each that does not work, by its name. No password is in it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.ending import LateError, told

VARIABLES = {"broker": "AIRFLOW__CELERY__BROKER_URL", "result_backend": "AIRFLOW__CELERY__RESULT_BACKEND"}
PATIENCE = 60
LONGEST = 200
"""Characters of what is said of one: the last words of a container are few."""

# What is wrong, by what a library says of it in lower case: what is more special comes first.
KINDS: tuple[tuple[str, str], ...] = (
    (r"name or service not known|name resolution|nodename nor servname|could not translate host name", "name"),
    (r"no address associated with hostname", "name"),
    (r"hostname mismatch|ip address mismatch|doesn't match|is not valid for", "certificate-name"),
    (r"certificate verify failed|certificate_verify_failed", "certificate"),
    (r"wrong.version.number|eof occurred in violation|unexpected.eof|record.layer.failure", "no-tls"),
    (r"without any password configured", "no-login"),
    (r"login was refused|wrongpass|invalid username-password|invalid password|password authentication failed", "login"),
    (r"noauth|authentication required|no password supplied", "wants-login"),
    (r"vhost .* not found|database is int between|db index is out of range", "database"),
    (r"database .* does not exist|unknown database", "database"),
    (r"access to vhost .* refused|noperm|permission denied for", "denied"),
    (r"connection refused|timed out|timeout|no route to host|network is unreachable", "away"),
    (r"closed connection|connection closed|connection reset|broken pipe", "closed"),
    (r"no such transport|unknown result backend|can't load plugin", "transport"),
    (r"^(modulenotfound|import)error|missing redis library|is not installed|you need to install", "package"),
    (r"no module named", "package"),
)


def broker() -> None:
    """Raise what is in the way of a worker that looks for tasks."""
    from airflow.providers.celery.executors.celery_executor_utils import app

    with app.connection_for_write() as connection:
        connection.connect()


def result_backend() -> None:
    """Raise what is in the way of one that asks how a task ended, of which nobody knows."""
    from airflow.providers.celery.executors.celery_executor_utils import app

    # rpc:// goes through the broker, which is asked itself, and would make a queue there.
    if not os.environ[VARIABLES["result_backend"]].startswith("rpc:"):
        app.backend.get_task_meta("dagops-probe")


ASKED: dict[str, t.Callable[[], None]] = {"broker": broker, "result_backend": result_backend}


def chain(error: BaseException) -> list[str]:
    """What was said, and what by the errors that this one was made of."""
    one: BaseException | None = error
    words: list[str] = []
    while one is not None and len(words) < 5:
        words.append(" ".join(f"{type(one).__name__}: {one}".split()))
        one = one.__cause__ or one.__context__
    return words


def kind_of(words: list[str]) -> str:
    """What is wrong; empty where nobody knows."""
    said = "\n".join(words).lower()
    return next((kind for pattern, kind in KINDS if re.search(pattern, said, re.MULTILINE)), "")


def place(url: str) -> dict[str, t.Any] | None:
    """What of an address is no secret; None where it is none."""
    try:
        # Of several, which Celery takes in turn, the first.
        parts = urllib.parse.urlsplit(url.split(";")[0])
        port = parts.port
    except ValueError:
        return None
    # A password with a slash that is not written as %2F is one where a path begins.
    if not parts.scheme or "://" not in url or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return None
    database = urllib.parse.unquote(parts.path[1:])
    return {"host": parts.hostname or "", "port": port, "database": database, "scheme": parts.scheme}


def secrets_of(url: str) -> set[str]:
    """What nobody may see of an address, as it is written and as it is meant."""
    found: set[str] = set()
    for parts in map(urllib.parse.urlsplit, url.split(";")):
        login = parts.netloc.rpartition("@")[0]
        found |= {login, login.partition(":")[2], parts.query}
    return {one for raw in found for one in (raw, urllib.parse.unquote(raw)) if one}


def hidden(said: str, urls: t.Iterable[str]) -> str:
    """What was said without any secret of the addresses, which libraries may repeat in whole or in part."""
    for secret in sorted({one for url in urls for one in secrets_of(url)}, key=len, reverse=True):
        said = said.replace(secret, "***")
    return said[:LONGEST]


def wrong(name: str, urls: dict[str, str]) -> dict[str, t.Any] | None:
    """What is wrong with one of them; nothing where it answers."""
    where = place(urls[name]) or {}
    try:
        # The start of Airflow does not count, which takes long where CPU is short.
        import airflow.providers.celery.executors.celery_executor_utils  # noqa: F401

        signal.alarm(PATIENCE)
        ASKED[name]()
    except LateError:
        return {**where, "kind": "late", "said": f"no answer came within {PATIENCE} s"}
    except Exception as error:
        words = chain(error)
        return {**where, "kind": kind_of(words), "said": hidden(words[0], urls.values())}
    finally:
        signal.alarm(0)
    return None


def look(names: list[str]) -> dict[str, t.Any]:
    """What is wrong, by name."""
    urls = {name: os.environ[VARIABLES[name]] for name in names}
    if strange := [name for name in names if place(urls[name]) is None]:
        # What is said of such a one may have any part of a password in it.
        return {"said": {name: {"kind": "address"} for name in strange}}
    return {"said": {name: found for name in names if (found := wrong(name, urls))}}


if __name__ == "__main__":
    told("broker", lambda: look(sys.argv[1:]))
