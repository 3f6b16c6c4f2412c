#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: local_cluster_info
short_description: How the evaluation cluster is
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Tells whether the evaluation cluster exists, what of it runs, and what does not.
extends_documentation_fragment:
  - dagops.airflow.local_cluster
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so it has no diff.
    support: none
seealso:
  - module: dagops.airflow.local_cluster
"""

EXAMPLES = r"""
- name: Look at the cluster
  dagops.airflow.local_cluster_info:
  register: cluster

- name: Need it
  ansible.builtin.assert:
    that: cluster.ready
    fail_msg: "{{ cluster.problems | join('; ') }}"
"""

RETURN = r"""
exists:
  description: Whether there is such a cluster.
  type: bool
  returned: success
ready:
  description: Whether it exists and nothing is wrong with it.
  type: bool
  returned: success
problems:
  description: What is wrong with it.
  type: list
  elements: str
  returned: success
  sample: [kube-scheduler does not run]
daemons:
  description: The pid of each process that the cluster has on this machine, null where it should run and does not.
  type: dict
  returned: success
  sample: {etcd: 4211, kube-apiserver: 4212}
addons:
  description: The add-ons that were installed, and whether each is available. Empty while the cluster is not ready.
  type: dict
  returned: success
  sample: {coredns: true, keda: false}
missing_packages:
  description:
    - For the provider V(native), the Debian packages with programs that a node needs and this machine does not have.
    - Empty where they cannot be installed with apt-get by this user.
  type: list
  elements: str
  returned: success
summary:
  description: All this in words, a line each.
  type: list
  elements: str
  returned: success
provider:
  description: What the cluster is, or would be, made by.
  type: str
  returned: success
kubeconfig:
  description: Kubeconfig of an administrator.
  type: str
  returned: success
context:
  description: Context in the kubeconfig.
  type: str
  returned: success
kubectl:
  description: A kubectl that fits; null where there is none.
  type: str
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.cluster import WHICH
from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.cluster import run_info as run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module


def argument_spec() -> dict[str, t.Any]:
    return WHICH


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
