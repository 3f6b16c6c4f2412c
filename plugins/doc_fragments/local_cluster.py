# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Which evaluation cluster a module means."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the cluster, and of its context in the kubeconfig.
      - At most 14 lower-case letters, digits and hyphens, because a network interface is named after it.
      - Without it, V(dagops), or V(dagops-api) with O(components=api).
    type: str
  components:
    description:
      - V(all) is a node that runs pods.
      - V(api) is etcd and kube-apiserver alone, on loopback ports. It needs no root and is ready in seconds, which is
        what tests of modules and roles want.
    type: str
    choices: [all, api]
    default: all
  provider:
    description:
      - V(kind) runs the node in a container, by kind. It needs kind, kubectl and a container engine that answers.
      - V(native) runs the node as processes of this machine, in a network namespace of its own. It needs root and
        Debian's packages of containerd, runc and CNI plugins.
      - V(existing) uses the cluster that O(kubeconfig) and O(context) name, and never changes it.
      - V(auto) is what the cluster was made by if it exists, else V(kind) where that is possible, else V(native). It is
        never V(existing).
    type: str
    choices: [auto, kind, native, existing]
    default: auto
  kubeconfig:
    description: The kubeconfig of a cluster of yours; only for O(provider=existing), which needs it.
    type: path
  context:
    description: The context in O(kubeconfig); only for O(provider=existing), which needs it.
    type: str
"""
