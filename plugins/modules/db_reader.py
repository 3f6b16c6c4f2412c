#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: db_reader
short_description: Make sure of the database user that autoscalers of an Airflow instance count with
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Makes a user of the metadata database that may read those columns that KEDA's queries count, and nothing else. Its
    name and password are those of the Secret that M(dagops.airflow.secrets) keeps.
  - Where C(airflow_autoscaling_database.credentials) names a Secret of yours, the user in it is not made. It is granted
    what it lacks, and it is seen whether it can log in and count.
  - A ready pod of Airflow does it, with Airflow's own user of the database.
  - Does nothing where no variable of the instance asks for KEDA. A user that is not needed any more stays.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change.
    support: full
"""

EXAMPLES = r"""
- name: Make sure of the user that counts for the inventory host's instance
  dagops.airflow.db_reader:
"""

RETURN = r"""
user:
  description: The user; none where nothing is counted.
  type: str
  returned: success
  sample: airflow_autoscaler
done:
  description: What was changed, or would be.
  type: list
  elements: str
  returned: success
  sample: [user airflow_autoscaler, "airflow_autoscaler may read state, queue, executor of task_instance"]
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.db_reader import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {**CLUSTER_OPTIONS, "values": {"type": "dict"}}


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
