# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Deletes pods of tasks that have ended or never started, by Airflow's own command, which takes one namespace.

Runs in Airflow's image: ``python -c … MINUTES NAMESPACE [NAMESPACE …]``. ``MINUTES`` is for how long a pod may wait to
be started. Exits with 1 where one of the namespaces could not be cleaned; the others are, all the same.
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its pod's log tells.
# pylint: disable=ansible-bad-function
import sys
import traceback


def main() -> None:
    """Clean one namespace after the other, and tell by which commands."""
    from airflow import __main__ as airflow

    minutes, *namespaces = sys.argv[1:]
    failed = []
    for namespace in namespaces:
        command = ["kubernetes", "cleanup-pods", "--namespace", namespace, "--min-pending-minutes", minutes]
        print("airflow", *command, flush=True)
        sys.argv = ["airflow", *command]
        try:
            airflow.main()
        except Exception:
            traceback.print_exc()
            failed.append(namespace)
    if failed:
        sys.exit(f"not cleaned: {', '.join(failed)}")


if __name__ == "__main__":
    main()
