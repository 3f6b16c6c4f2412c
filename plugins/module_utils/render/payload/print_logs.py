# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prints the log of a task as JSON when the task ends, for a shipper; a part of log_config.py, so it runs in Airflow 3.

The providers can do that (``write_stdout``), too. But they count lines from 1 anew where a deferred task goes on, so
that its two parts mix; leave the file in the pod; let lines of tasks that end at the same time run into each other; and
print whatever field a task has logged, of which a store refuses what it knows as another type.
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what shippers read.
# pylint: disable=ansible-bad-function
import contextlib
import fcntl
import json
import pathlib
import socket
import sys
import tempfile
import time
import typing as t

# What Airflow shows of a line, besides "event"; always of the same types.
SHOWN = ("timestamp", "level", "logger", "chan", "error_detail")


def line_of(text: str) -> dict[str, t.Any]:
    """A line of the file with what Airflow shows of it, and the rest as text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"event": text}
    event = found.pop("event", found.pop("message", ""))
    line = {name: found.pop(name) for name in SHOWN if found.get(name)}
    line["event"] = event if isinstance(event, str) else json.dumps(event)
    if found:
        line["extra"] = json.dumps(found, sort_keys=True)
    return line


def printed(store: t.Any, instance: str, path: str, ti: t.Any = None) -> None:
    """What Airflow calls when a task has ended: ``upload`` of the store's handler."""
    folder = pathlib.Path(store.base_log_folder)
    file = folder / path
    if ti is None or not file.is_file():
        return
    names = ("dag_id", "task_id", "run_id", "map_index", "try_number")
    log_id = store.log_id_template.format(**{name: getattr(ti, name, "") for name in names})
    common = {"log_id": log_id, store.host_field: socket.gethostname(), "airflow_instance": instance}
    # Processes of a LocalExecutor and of a worker share one output.
    lock = pathlib.Path(tempfile.gettempdir(), "dagops-print-logs.lock")
    with lock.open("a", encoding="utf-8") as held, file.open(encoding="utf-8", errors="replace") as lines:
        fcntl.flock(held, fcntl.LOCK_EX)
        # Lines of one log are in the order of the clock, whichever process of whichever pod has printed them.
        offset = time.time_ns()
        for text in filter(str.strip, lines):
            line = {**line_of(text.rstrip("\n")), **common, store.offset_field: offset}
            sys.stdout.write(f"{json.dumps(line)}\n")
            offset += 1
        sys.stdout.flush()
    if not store.delete_local_copy:
        return
    file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for parent in file.parents[: len(file.relative_to(folder).parts) - 1]:
            parent.rmdir()
