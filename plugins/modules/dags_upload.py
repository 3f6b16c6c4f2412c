#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dags_upload
short_description: Upload a folder of DAGs to the shared volume of an Airflow instance
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Makes the shared volume of DAGs (C(airflow_core_dags_volume)) hold what a folder on the controller holds.
  - Compares both in a pod of Airflow first. Where nothing differs, no pod is made. Else a pod for this alone writes the
    volume, each file by a rename, so that nobody reads half of one, and is deleted in the end.
  - Refuses Python files that Airflow's own Python cannot compile, before anything is changed.
  - A run that was killed at any point is made good by the next one.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  src:
    description:
      - Folder on the controller, of at most 64 MiB. A path that is not absolute begins in the folder that Ansible was
        started in.
      - Links that stay in the folder are followed; what they lead to is uploaded.
    type: path
    required: true
  delete:
    description: Remove files from the volume that are not in O(src).
    type: bool
    default: true
  exclude:
    description:
      - Patterns, as in a shell, of what is neither uploaded nor removed.
      - One with a slash is for the path in O(src) of a file or folder, any other one for the name of either.
    type: list
    elements: str
    default: [.git, .venv, __pycache__, "*.pyc", .DS_Store]
  wait_timeout:
    description: Seconds that the start of the pod, and the upload, may take each.
    type: int
    default: 300
  packed:
    description:
      - An archive of O(src) on the host that the module runs on.
      - The action plugin makes it where the connection of a task is not local. No task gives it.
    type: path
attributes:
  check_mode:
    description: Tells which files would be added, updated and removed, and refuses what a run would refuse.
    support: full
  diff_mode:
    description: Tells the files that differ by name and checksum, not what they hold.
    support: full
"""

EXAMPLES = r"""
- name: Upload the DAGs of this checkout
  dagops.airflow.dags_upload:
    src: ./dags

- name: Add the DAGs of one team, and leave those of others
  dagops.airflow.dags_upload:
    src: ./team-a
    delete: false
    exclude: [.git, __pycache__, "*.pyc", tests]
"""

RETURN = r"""
claim:
  description: The claim of the volume.
  type: str
  returned: success
  sample: PersistentVolumeClaim/analytics/analytics-dags
added:
  description: Files that were not on the volume.
  type: list
  elements: str
  returned: success
updated:
  description: Files that were another version on the volume.
  type: list
  elements: str
  returned: success
removed:
  description: Files that are not on the volume any more.
  type: list
  elements: str
  returned: success
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dag_folder import EXCLUDED
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dags_upload import run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "src": {"type": "path", "required": True},
        "delete": {"type": "bool", "default": True},
        "exclude": {"type": "list", "elements": "str", "default": list(EXCLUDED)},
        "wait_timeout": {"type": "int", "default": 300},
        "packed": {"type": "path"},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
