#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: hibernation
short_description: Put an Airflow instance to sleep
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Stops the scheduler of an instance, so that no other task begins, waits until those that run, or whose pods are
    there, have ended, stops the workers, which end what they have taken meanwhile, and then takes away all other pods;
    volumes, Secrets and all else stay. KEDA's ScaledObjects are paused, CronJobs suspended.
  - Tasks that wait go on waiting. No DAG is paused.
  - With a LocalExecutor, whose tasks run in the scheduler's pod, it first waits for a moment in which none runs.
  - Starts from what is in the cluster, and rolls out nothing that the inventory may have changed.
  - A converge wakes the instance. A run that was interrupted is gone on with by the next one.
  - Objects of C(airflow_extra_manifests) are left alone.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  data:
    description: Whether the embedded database, PgBouncer and the embedded broker go, too.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait until tasks and pods have ended.
    type: int
    default: 3600
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change.
    support: full
"""

EXAMPLES = r"""
- name: Put the inventory host's instance to sleep
  dagops.airflow.hibernation:

- name: Put it to sleep, but for its database and broker
  dagops.airflow.hibernation:
    data: false
"""

RETURN = r"""
running:
  description: Tasks that ran, or whose pods were there, when it began.
  type: list
  elements: str
  returned: success
  sample: [etl.load]
stopped:
  description: Objects that were, or would be, told to make no pods.
  type: list
  elements: str
  returned: success
  sample: [Deployment/airflow/airflow-scheduler]
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.hibernation import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "data": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 3600},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
