#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: local_cluster
short_description: A Kubernetes cluster on this machine for evaluation and tests
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Brings up a cluster of one node with DNS, storage classes and metrics, or takes it away without leaving anything.
  - "Brings up whatever is missing: a cluster of which something has died is repaired, one that runs is left as it is."
  - What is expensive to make (Kubernetes' programs, images) is kept in a cache and survives O(state=absent).
extends_documentation_fragment:
  - dagops.airflow.local_cluster
options:
  state:
    description: Whether there is to be a cluster.
    type: str
    choices: [present, absent]
    default: present
  addons:
    description:
      - What is installed into the cluster.
      - V(coredns) resolves names of services and pods. V(local-path) has the storage classes C(local-path), which is
        the default one, and C(local-path-shared) for ReadWriteMany volumes. V(metrics-server) serves C(kubectl top) and
        HorizontalPodAutoscalers. V(keda) scales by what waits in a database or a queue; its first build takes a quarter
        of an hour or more.
      - What is installed and no longer on the list is removed, with all objects of its kinds.
      - By default a cluster keeps those that it has, and a new one gets V(coredns), V(local-path) and
        V(metrics-server).
    type: list
    elements: str
  link_cidr:
    description: Network between the machine and the node; only for the provider V(native).
    type: str
    default: 10.200.0.0/30
  pod_cidr:
    description: Network of the pods.
    type: str
    default: 10.244.0.0/16
  service_cidr:
    description: Network of the services. Cluster DNS is its tenth address.
    type: str
    default: 10.96.0.0/16
  keep_data:
    description:
      - With O(state=absent), keep what is in the cluster (objects, volumes, images), so that O(state=present) goes on
        with it. Processes, mounts, networks and cgroups go all the same.
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells whether something would be done.
    support: full
  diff_mode:
    description: Has no diff.
    support: none
requirements:
  - Go 1.21 or later, unless everything is in the cache
  - "For the provider V(native): root, and the Debian packages containerd, runc, containernetworking-plugins, iptables,
    conntrack, iproute2, ethtool, socat and procps"
  - "For the provider V(kind): kind, kubectl, and Docker or Podman"
  - PyYAML
seealso:
  - module: dagops.airflow.local_cluster_info
  - module: dagops.airflow.local_cluster_image
"""

EXAMPLES = r"""
- name: Have a cluster
  dagops.airflow.local_cluster:
  register: cluster

- name: Look at it
  kubernetes.core.k8s_info:
    kubeconfig: "{{ cluster.kubeconfig }}"
    context: "{{ cluster.context }}"
    kind: Node

- name: Have no cluster
  dagops.airflow.local_cluster:
    state: absent

- name: Have an API server for tests of modules
  dagops.airflow.local_cluster:
    components: api
"""

RETURN = r"""
provider:
  description: What the cluster is made by.
  type: str
  returned: success
  sample: native
kubeconfig:
  description: Kubeconfig of an administrator, readable by its owner alone.
  type: str
  returned: success
  sample: /var/lib/dagops-airflow/dagops/kubeconfig
context:
  description: Context in the kubeconfig.
  type: str
  returned: success
  sample: dagops
kubectl:
  description: A kubectl that fits; null where there is none.
  type: str
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation.cluster import WHAT, WHICH, run
from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module


def argument_spec() -> dict[str, t.Any]:
    return {
        **WHICH,
        **WHAT,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "keep_data": {"type": "bool", "default": False},
    }


def main() -> None:
    run_module(argument_spec(), run)


if __name__ == "__main__":
    main()
