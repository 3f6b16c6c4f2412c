# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The canary DAG: one task that a healthy instance runs to success.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import string

DAG_ID = "dagops_canary"
TASK_ID = "sing"
SONG = "The canary sings."

DAG = string.Template('''\
"""Proves that this Airflow parses, schedules and runs tasks. Delivered by dagops.airflow, and never scheduled."""

import pendulum

$imports


@dag(
    dag_id="$dag_id",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    tags=["dagops"],
)
def canary():
    @task(task_id="$task_id")
    def sing():
        print("$song")

    sing()


canary()
''')


def dag(major: int) -> str:
    """Source of the DAG for a major version of Airflow."""
    imports = "from airflow.sdk import dag, task" if major >= 3 else "from airflow.decorators import dag, task"
    return DAG.substitute(imports=imports, dag_id=DAG_ID, task_id=TASK_ID, song=SONG)
