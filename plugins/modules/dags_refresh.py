#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dags_refresh
short_description: Have an Airflow instance fetch its DAGs at once
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Has git-sync look at its repositories in each pod that follows them (C(airflow_git_sync_repositories)), and
    Airflow 3 refresh its bundles (C(airflow_core_dag_bundles), and the volume of C(airflow_core_dags_volume)), instead
    of when they would do so by themselves. It is for what a git server calls after a push.
  - Waits until all of it is done, and all pods have the same commit. Airflow then reads the files that are new.
  - Nothing restarts. Where DAGs are in the image alone there is nothing to refresh, which is no failure.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  names:
    description:
      - Refresh these repositories and bundles alone, by the names that they have in the variables; the volume of
        Airflow 3 is V(dags-folder).
    type: list
    elements: str
  wait_timeout:
    description: Seconds that it may take.
    type: int
    default: 120
attributes:
  check_mode:
    description: Asks the servers for the commits that a run would fetch, as the pods do, and fetches nothing.
    support: full
  diff_mode:
    description: Tells the commits that change.
    support: full
"""

EXAMPLES = r"""
- name: Fetch what was pushed a moment ago
  dagops.airflow.dags_refresh:

- name: Fetch one repository
  dagops.airflow.dags_refresh:
    names: [analytics]
"""

RETURN = r"""
sources:
  description:
    - What was refreshed, by name. Each has the C(way) that it comes (git-sync, a bundle or the volume), the commit of
      C(before) and the C(commit) of now, which are null where there are no commits, and the C(pods) in which git-sync
      follows it.
  type: dict
  returned: success
  sample:
    analytics:
      way: git-sync
      before: 3b6a7f0c2d1e4f5a6b7c8d9e0f1a2b3c4d5e6f70
      commit: 9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d
      pods: [analytics-dag-processor-6d5f7c9b8-x2x4v]
summary:
  description: The same in a line for each, or why there is nothing to refresh.
  type: list
  elements: str
  returned: success
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dags_refresh import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "names": {"type": "list", "elements": "str"},
        "wait_timeout": {"type": "int", "default": 120},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
