#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: broker
short_description: Find out whether the broker of Celery's workers answers
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Asks an external broker, and a result backend of one's own, by a Job with the ServiceAccount, the environment and
    the image that Celery's workers have, and with the clients that Airflow itself uses.
  - Fails with the reason where one does not answer, before anything is changed that the running instance reads.
  - Then lets the pods of the instance have the address of a broker that is described by its parts, which
    M(dagops.airflow.secrets) left alone (O(dagops.airflow.secrets#module:keep_broker)).
  - What was found to answer is noted in the Lease of the instance, and is not asked again until one of its variables or
    its address changes.
  - The embedded Redis and the metadata database are not asked, since a run waits for them anyway.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
  - dagops.airflow.given
options:
  wait_timeout:
    description: Seconds that the Job may take.
    type: int
    default: 300
  remembered:
    description:
      - What M(dagops.airflow.preflight) returned as C(remembered) in the same play, which need not read the
        Lease again.
    type: dict
attributes:
  check_mode:
    description: Tells whether the address would change, and changes nothing.
    support: full
    details:
      - Nothing is asked in check mode.
  diff_mode:
    description: There is nothing to show, since an address is secret.
    support: none
"""

EXAMPLES = r"""
- name: Ask the broker of the inventory host's instance
  dagops.airflow.broker:
"""

RETURN = r"""
probed:
  description: Whether the broker was asked.
  type: bool
  returned: success
problems:
  description: A sentence for the broker or the result backend that does not answer.
  type: list
  elements: str
  returned: when there are any
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.broker import run
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secrets import GIVEN
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "given": {"type": "dict", "no_log": True, "options": {name: {"type": "str", "no_log": True} for name in GIVEN}},
        "wait_timeout": {"type": "int", "default": 300},
        "remembered": {"type": "dict"},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
