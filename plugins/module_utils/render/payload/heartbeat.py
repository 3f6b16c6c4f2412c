# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Is this container's Airflow job alive? For probes; runs inside Airflow's image with nothing but its driver.

``airflow jobs check`` asks the same and costs 1.6 CPU seconds and 150 MiB each time, since it starts all of Airflow;
this costs some 0.1 CPU seconds. Usage: ``heartbeat.py JOB_TYPE [--started]``.

Exit 1: the heartbeat is older than Airflow's own threshold. A database that does not answer is nothing that a restart
of this container would mend, so it is no failure of a liveness probe; with ``--started`` (a startup probe) it is one.
"""

# It is no Ansible code: what it prints is what the kubelet shows.
# pylint: disable=ansible-bad-function

import socket
import sys

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.metadata import (
    connect,
    is_mysql,
    transaction,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.settings import setting

# Airflow 2 has no such option for a DAG processor.
THRESHOLDS = {
    "SchedulerJob": ("scheduler", "scheduler_health_check_threshold"),
    "TriggererJob": ("triggerer", "triggerer_health_check_threshold"),
    "DagProcessorJob": ("dag_processor", "health_check_threshold"),
}
DEFAULT_THRESHOLD_SECONDS = 30
QUERY = "SELECT {} FROM job WHERE job_type = %s AND hostname = %s AND state = 'running'"
AGE = "EXTRACT(EPOCH FROM now() - max(latest_heartbeat))"
# In MySQL, Airflow keeps times in UTC without saying so.
MYSQL_AGE = "TIMESTAMPDIFF(SECOND, max(latest_heartbeat), utc_timestamp(6))"


def threshold(job_type: str) -> float:
    """Seconds after which Airflow, too, takes a job without a heartbeat for dead."""
    return float(setting(*THRESHOLDS[job_type]) or DEFAULT_THRESHOLD_SECONDS)


def age(job_type: str) -> "float | None":
    """Seconds since the last heartbeat of this container's job; None where there has been none."""
    query = QUERY.format(MYSQL_AGE if is_mysql() else AGE)
    with transaction(connect(timeout=5)) as cursor:
        cursor.execute(query, (job_type, socket.gethostbyname(socket.gethostname())))
        row = cursor.fetchone()
        return None if row[0] is None else float(row[0])


def main() -> int:
    job_type, started = sys.argv[1], "--started" in sys.argv[2:]
    try:
        seconds = age(job_type)
    except Exception as error:
        print(f"the database does not answer: {type(error).__name__}")
        return 1 if started else 0
    if seconds is None or seconds > threshold(job_type):
        print(f"no heartbeat of {job_type} yet" if seconds is None else f"last heartbeat {seconds:.0f} s ago")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
