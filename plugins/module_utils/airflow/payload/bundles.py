# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs inside a DAG processor of Airflow 3 to have it refresh DAG bundles at once; it starts no Airflow.

The processor itself notes in the table dag_bundle when it has refreshed a bundle, and refreshes one that has no such
note at its next look. So that note is taken away, and waited for. ``airflow dags reserialize`` would import every DAG
in a process of its own beside the processor, in the copy of the repository that this one uses.

Usage: ``python -c SOURCE look | refresh SECONDS``, with the names of bundles as JSON on standard input
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import contextlib
import datetime
import json
import sys
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.metadata import connect, is_mysql

LOOK = "SELECT name, version, last_refreshed FROM dag_bundle WHERE active AND name IN %s"
ASK = "UPDATE dag_bundle SET last_refreshed = NULL WHERE active AND name IN %s"
PAUSE = 0.2


@contextlib.contextmanager
def database() -> t.Iterator[t.Any]:
    """A cursor whose statements take effect one by one."""
    connection = connect()
    if is_mysql():
        connection.autocommit(True)
    else:
        connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def seen(cursor: t.Any, names: list[str]) -> dict[str, tuple[str | None, t.Any]]:
    """Version and time of the last refresh of each bundle that Airflow knows."""
    cursor.execute(LOOK, (listed(names),))
    return {name: (version, refreshed) for name, version, refreshed in cursor.fetchall()}


def listed(names: list[str]) -> tuple[str, ...]:
    """Names for SQL, whose lists have at least one; none is empty."""
    return (*names, "")


def seconds_of(time_of_refresh: datetime.datetime) -> float:
    """MySQL does not say that a time is in UTC; and images may have a Python that does not know ``datetime.UTC``."""
    zone = time_of_refresh.tzinfo or datetime.timezone.utc  # noqa: UP017
    return time_of_refresh.replace(tzinfo=zone).timestamp()


def versions(found: t.Mapping[str, tuple[str | None, t.Any]]) -> dict[str, str | None]:
    return {name: version for name, (version, _refreshed) in found.items()}


def refresh(cursor: t.Any, names: list[str], seconds: float) -> dict[str, t.Any]:
    """Have bundles refreshed; their versions, and the names of those that were not refreshed in time."""
    deadline = time.monotonic() + seconds
    before = seen(cursor, names)
    asked = time.time()
    waiting = sorted(before)
    cursor.execute(ASK, (listed(waiting),))
    while waiting and time.monotonic() < deadline:
        time.sleep(PAUSE)
        after = seen(cursor, waiting)
        # A refresh that had begun before has written its note over ours.
        older = [name for name, (_version, refreshed) in after.items() if refreshed and seconds_of(refreshed) < asked]
        if older:
            cursor.execute(ASK, (listed(older),))
        waiting = [name for name in waiting if name in older or (name in after and not after[name][1])]
    return {"before": versions(before), "after": versions(seen(cursor, names)), "waiting": waiting}


def main(command: str, seconds: str = "0") -> None:
    """One JSON line at the end of standard output."""
    names: list[str] = json.load(sys.stdin)
    with database() as cursor:
        result = (
            refresh(cursor, names, float(seconds))
            if command == "refresh"
            else {"before": versions(seen(cursor, names))}
        )
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
