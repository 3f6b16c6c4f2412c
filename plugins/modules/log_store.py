#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: log_store
short_description: Find out whether the log store of an Airflow instance works
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Writes, reads and deletes a small object in the log store of an instance, by a Job with the ServiceAccount, the
    environment and the image that its tasks have, and with the clients that Airflow itself uses.
  - Fails with the reason where logs would be lost, before the configuration of the instance is changed.
  - A store that was found to work is noted in the Lease of the instance, and is not tried again until one of its
    variables changes. A new value in a Secret is not seen.
  - Volumes and Google Cloud Logging are not tried.
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
      - What M(dagops.airflow.preflight) returned as C(remembered) in the same play. With it, a store that is known to
        work costs no request.
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
- name: Try the log store of the inventory host's instance
  dagops.airflow.log_store:
"""

RETURN = r"""
store:
  description: The store.
  type: str
  returned: success
  sample: s3
probed:
  description: Whether it was tried.
  type: bool
  returned: success
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.log_probe import run
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
