#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: info
short_description: Tell the state of an Airflow instance
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Reads pods and workloads of an instance, and Airflow's own health report through the Kubernetes API. No login to
    Airflow is needed.
  - The health report is judged by its words, since Airflow answers with HTTP 200 even without a scheduler or a
    database.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  instance:
    description:
      - Name of the instance, for a task that does not work on an inventory host which describes one.
      - Mutually exclusive with O(values).
    type: str
  namespace:
    description: Namespace of O(instance); the instance's name if not given.
    type: str
  migration:
    description: Also compare the revisions of the database with those of the image, in a running pod.
    type: bool
    default: false
  pods:
    description:
      - Also read workloads and pods. Without them the instance that O(values) describe is judged by Airflow's own
        health report alone, in one request, as a play may do that found nothing to change.
    type: bool
    default: true
  url:
    description: Also find out where people reach Airflow, which takes a request and the attempt to reach it.
    type: bool
    default: true
  wait:
    description: Wait until the instance is healthy, and fail with the reasons if it is not after O(wait_timeout).
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 120
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode, but does not wait there.
    support: full
  diff_mode:
    description: Changes nothing, so it has no diff.
    support: none
"""

EXAMPLES = r"""
- name: Read the state of the inventory host's instance
  dagops.airflow.info:
  register: airflow

- name: Tell it
  ansible.builtin.debug:
    msg: "{{ airflow.summary }}"

- name: Wait until an instance is healthy
  dagops.airflow.info:
    instance: analytics
    namespace: data
    wait: true
"""

RETURN = r"""
instance:
  description: Name of the instance.
  type: str
  returned: success
namespace:
  description: Its namespace.
  type: str
  returned: success
healthy:
  description: Whether all pods are ready, the database answers, and all heartbeats are fresh.
  type: bool
  returned: success
reasons:
  description: Why it is not healthy.
  type: list
  elements: str
  returned: always
  sample: ["scheduler is unhealthy: its last heartbeat was 75 s ago"]
version:
  description: Version of Airflow that answers.
  type: str
  returned: with O(pods=true)
database:
  description: What Airflow says of its database (V(healthy), V(unhealthy)); null where it cannot be asked.
  type: str
  returned: success
image:
  description: Image that the pods of all components of Airflow run; null where they run several, or none runs.
  type: dict
  returned: success
  sample:
    repository: docker.io/apache/airflow
    tag: 3.3.2
    digest: null
executor:
  description: Executor in the instance's airflow.cfg.
  type: str
  returned: success
components:
  description:
    - For each workload, its pods (how many there should be and how many are ready, restarts, images, and the reason why
      one waits), and what Airflow's health report says of it, with the age of its last heartbeat in seconds.
  type: dict
  returned: success
  sample:
    scheduler:
      wanted: 1
      ready: 1
      restarts: 0
      images: [docker.io/apache/airflow:3.3.2]
      trouble: null
      status: healthy
      heartbeat_age: 2.4
duplicates:
  description:
    - Ids of DAGs that several files define, with the bundle and path of each, as far as the files give them in so many
      words; the module M(dagops.airflow.image_info) also finds ids that are computed. Airflow refuses none of them, and
      runs whichever it has read last.
    - Empty without O(pods), and for an instance that is not described by O(values).
  type: dict
  returned: success
  sample:
    daily_load: ["analytics: daily.py", "ml: jobs/daily.py"]
migration:
  description: Whether a migration is pending, and the revisions of each schema; null where no pod can tell.
  type: dict
  returned: if O(migration=true)
  sample:
    pending: false
    schemas:
      airflow:
        database: d2f4e1b3c5a7
        image: d2f4e1b3c5a7
        known: true
url:
  description: Where people reach Airflow, if that is known and reachable from where the task runs.
  type: str
  returned: with O(url=true)
summary:
  description: The state in lines for people.
  type: list
  elements: str
  returned: success
welcome:
  description: How to reach Airflow and log in, in lines for people.
  type: list
  elements: str
  returned: with O(url=true)
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.info import run
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import TARGET_CONSTRAINTS, TARGET_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS

CONSTRAINTS = TARGET_CONSTRAINTS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        **TARGET_OPTIONS,
        "pods": {"type": "bool", "default": True},
        "url": {"type": "bool", "default": True},
        "migration": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 120},
    }


def main() -> None:
    run_module(argument_spec(), run, **CONSTRAINTS)


if __name__ == "__main__":
    main()
