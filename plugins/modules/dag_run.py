#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dag_run
short_description: Run a DAG and wait for its end
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Triggers a run of a DAG over Airflow's REST API, follows it to its end, and reads the logs of its tasks.
  - Waits for a new DAG to be parsed first. Fails at once when its file cannot be imported.
  - When the run fails, tells the task, its try and its last log lines; where Airflow has none, where it has looked for
    them, and what Kubernetes tells of the task's pod.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
  - dagops.airflow.api
options:
  dag_id:
    description: The DAG to run.
    type: str
    required: true
  run_id:
    description:
      - Name of the run. A run of that name that is there already is not triggered again, only waited for.
      - If not given, each task makes a new run.
    type: str
  conf:
    description: Configuration of the run.
    type: dict
  note:
    description: Note on the run.
    type: str
  unpause:
    description: Unpause the DAG if it is paused. If V(false), a paused DAG is an error, since its runs would not start.
    type: bool
    default: false
  wait:
    description: Wait for the end of the run, and fail if the run does.
    type: bool
    default: true
  wait_timeout:
    description: Seconds that parsing and the run may take together.
    type: int
    default: 600
  logs:
    description: Read the logs of the tasks.
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells whether a run would be triggered, and triggers none.
    support: full
  diff_mode:
    description: A run has no state before.
    support: none
"""

EXAMPLES = r"""
- name: Run a DAG of the inventory host's instance to its end
  dagops.airflow.dag_run:
    dag_id: nightly_load
    conf:
      day: "2026-01-31"
    unpause: true
    logs: true

- name: Make sure that a run was made, once
  dagops.airflow.dag_run:
    dag_id: backfill
    run_id: backfill-of-january
    wait: false
"""

RETURN = r"""
run:
  description: The run as Airflow has it.
  type: dict
  returned: when there is a run, which check mode does not make
  contains:
    dag_id:
      description: The DAG.
      type: str
    dag_run_id:
      description: Name of the run.
      type: str
    run_type:
      description: Kind of the run.
      type: str
    state:
      description: State of the run.
      type: str
    logical_date:
      description: Logical date of the run.
      type: str
    start_date:
      description: When it began.
      type: str
    end_date:
      description: When it ended.
      type: str
    conf:
      description: Its configuration.
      type: dict
    note:
      description: The note on it.
      type: str
task_instances:
  description: The tasks of the run, by start.
  type: list
  elements: dict
  returned: when there is a run
  contains:
    task_id:
      description: The task.
      type: str
    map_index:
      description: Index of a mapped task, else -1.
      type: int
    state:
      description: State of the task.
      type: str
    try_number:
      description: Number of the last try.
      type: int
    start_date:
      description: When the last try began.
      type: str
    end_date:
      description: When the last try ended.
      type: str
    duration:
      description: Seconds that the last try took.
      type: float
    operator:
      description: Class of the operator.
      type: str
    hostname:
      description: Where it ran.
      type: str
    log:
      description: Log of the last try, if O(logs=true).
      type: str
stack_trace:
  description: Why the file of the DAG cannot be imported.
  type: str
  returned: when it cannot be imported
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.access import API_CONSTRAINTS, API_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dag_runs import run
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import TARGET_CONSTRAINTS, TARGET_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS

CONSTRAINTS = {**TARGET_CONSTRAINTS, **API_CONSTRAINTS}


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        **TARGET_OPTIONS,
        **API_OPTIONS,
        "dag_id": {"type": "str", "required": True},
        "run_id": {"type": "str"},
        "conf": {"type": "dict"},
        "note": {"type": "str"},
        "unpause": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
        "logs": {"type": "bool", "default": False},
    }


def main() -> None:
    run_module(argument_spec(), run, **CONSTRAINTS)


if __name__ == "__main__":
    main()
