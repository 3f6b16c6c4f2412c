#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find what would fail before an Airflow instance is applied
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Reads the values of an instance, and refuses unknown variables, wrong types and combinations that cannot work.
  - Asks the cluster for its version, for what the credentials may do, for the namespace, its quotas, StorageClasses and
    Secrets, and for the objects that the values name.
  - Has the API server rehearse the objects of an instance that is not there yet.
  - Tells all obstacles at once, and changes nothing.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
  - dagops.airflow.given
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so it has no diff.
    support: none
"""

EXAMPLES = r"""
- name: Check before a converge
  dagops.airflow.preflight:
"""

RETURN = r"""
kubernetes_version:
  description: Version of the cluster.
  type: str
  returned: success
  sample: v1.35.4
permissions_known:
  description:
    - Whether the cluster could tell all that the credentials may do. Where an authorizer by webhook keeps it from that,
      a missing permission shows when it is needed.
  type: bool
  returned: success
remembered:
  description:
    - What the Lease of the instance remembers of earlier runs, and who held it last, for
      O(dagops.airflow.manifests#module:remembered).
  type: dict
  returned: success
capacity:
  description:
    - What the instance needs by its settings. C(tasks_at_once) is null where nothing limits them; C(connections) are
      those to the database, C(all_the_time) and C(on_top) what objects, pods and volumes count for in a quota. Of what
      an autoscaler scales, as many pods count as it may start.
  type: dict
  returned: success
problems:
  description: A sentence for each obstacle.
  type: list
  elements: str
  returned: failure
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import GIVEN
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.preflight.backend import run


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "given": {"type": "dict", "no_log": True, "options": {name: {"type": "str", "no_log": True} for name in GIVEN}},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
