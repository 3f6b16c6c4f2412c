# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Deletes rows of the metadata database that are older than some days, by Airflow's own command.

Runs in Airflow's image: ``python -c … DAYS ARCHIVE BATCH [TABLE …]``. ``ARCHIVE`` is what becomes of deleted rows:
``skip`` keeps none, ``keep`` keeps all in tables of their own, ``replace`` drops those of earlier runs first. ``BATCH``
is the number of rows that one transaction deletes.
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its pod's log tells.
# pylint: disable=ansible-bad-function
import datetime
import inspect
import sys


def commands(
    now: datetime.datetime, known: set[str], *, days: int, archive: str, batch: int, tables: list[str]
) -> list[list[str]]:
    """Command lines of ``airflow``; ``known`` are the parameters that this version's cleanup takes."""
    before = (now - datetime.timedelta(days=days)).isoformat(timespec="seconds")
    of_tables = ["--tables", ",".join(tables)] if tables else []
    clean = ["db", "clean", "--yes", "--clean-before-timestamp", before, *of_tables]
    clean += ["--skip-archive"] if archive == "skip" else []
    # Airflow 2.11 deletes all rows of a table at once, and does not tell a failure.
    clean += ["--batch-size", str(batch)] if "batch_size" in known else []
    clean += ["--error-on-cleanup-failure"] if "error_on_cleanup_failure" in known else []
    drop = ["db", "drop-archived", "--yes", *of_tables]
    return [drop, clean] if archive == "replace" else [clean]


def main() -> None:
    """Clean, and tell by which commands."""
    from airflow import __main__ as airflow
    from airflow.utils.db_cleanup import run_cleanup

    days, archive, batch, *tables = sys.argv[1:]
    known = set(inspect.signature(run_cleanup).parameters)
    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017  # images may have an older Python
    for command in commands(now, known, days=int(days), archive=archive, batch=int(batch), tables=tables):
        print("airflow", *command, flush=True)
        sys.argv = ["airflow", *command]
        airflow.main()


if __name__ == "__main__":
    main()
