# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Deletes log files that are older than some days, and the folders that this leaves empty.

Runs in Airflow's image without Airflow: ``python -c … FOLDER DAYS``.
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its pod's log tells.
# pylint: disable=ansible-bad-function
import os
import sys
import time

DAY = 24 * 60 * 60


def clean(folder: str, days: int, now: float) -> tuple[int, int]:
    """How many files went, and how many bytes these had."""
    files = size = 0
    for path, _folders, names in os.walk(folder, topdown=False):
        for name in names:
            file = os.path.join(path, name)
            try:
                found = os.lstat(file)
                if found.st_mtime < now - days * DAY:
                    os.remove(file)
                    files, size = files + 1, size + found.st_size
            except FileNotFoundError:
                continue
        if path != folder:
            forget(path, now)
    return files, size


def forget(path: str, now: float) -> None:
    """Remove a folder that is empty, and not only because a task that begins has just made it."""
    try:
        if os.stat(path).st_mtime < now - DAY and not os.listdir(path):
            os.rmdir(path)
    except OSError as error:
        print(f"{path} stays: {error.strerror}")


def main() -> None:
    """Clean, and tell what went."""
    folder, days = sys.argv[1], int(sys.argv[2])
    files, size = clean(folder, days, time.time())
    print(f"Deleted {files} files older than {days} days from {folder} ({size / 2**20:.1f} MiB).")


if __name__ == "__main__":
    main()
