#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dag_source
short_description: Find out whether the git repositories of an Airflow instance can be read
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Reads the git repositories that DAGs of an instance come from, by a Job with the images, Secrets, host keys and
    certificates that its pods have, git-sync's by git-sync and git bundles by Airflow's own classes; and looks whether
    they have the folder of the DAGs.
  - Fails with the reason where one cannot be read, before the configuration of the instance is changed.
  - Repositories that were found to be readable are noted in the Lease of the instance, and are not read again until one
    of their variables changes. A new value in a Secret is not seen.
  - Bundles of other kinds are not tried.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  wait_timeout:
    description: Seconds that the Job may take.
    type: int
    default: 300
  remembered:
    description:
      - What M(dagops.airflow.preflight) returned as C(remembered) in the same play. With it, repositories that are
        known to be readable cost no request.
    type: dict
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details:
      - Nothing is tried in check mode.
  diff_mode:
    description: There is nothing to show, since nothing changes.
    support: none
"""

EXAMPLES = r"""
- name: Read the git repositories of the inventory host's instance
  dagops.airflow.dag_source:
"""

RETURN = r"""
probed:
  description: Whether the repositories were read.
  type: bool
  returned: success
problems:
  description: A sentence for each repository that cannot be read.
  type: list
  elements: str
  returned: when there are any
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dag_source import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "wait_timeout": {"type": "int", "default": 300},
        "remembered": {"type": "dict"},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
