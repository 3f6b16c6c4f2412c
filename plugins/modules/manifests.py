#!/usr/bin/python
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: manifests
short_description: Apply the Kubernetes objects of an Airflow instance
version_added: 1.0.0
author: dagops.airflow contributors (@dagops)
description:
  - Makes a cluster hold a set of objects, all of them in one task, by server-side apply.
  - The objects are given, or rendered from the values of an instance.
  - Before anything is changed, everything that would change is rehearsed by the API server itself, so what it would
    refuse is told first and all at once. Check mode is that rehearsal.
  - Pods are restarted when a ConfigMap or Secret that they read changes, and only then. The annotation
    C(airflow.dagops/ignore-checksums) on a workload, such as C(ConfigMap/a,Secret/b), leaves references out.
  - One instance is changed by one run at a time. A Lease named after the instance sees to that.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - dagops.airflow.values
options:
  component:
    description:
      - The part of the instance to render, such as V(core), or V(all) with O(state=rendered).
      - With O(objects), the name of the part that they are. What was applied under the same name before and is not
        declared any more is listed in RV(undeclared).
    type: str
  objects:
    description:
      - Objects to declare, instead of those that the values render to.
      - An object without a namespace gets O(namespace).
    type: list
    elements: dict
  instance:
    description:
      - With O(objects), the instance that they belong to.
      - Without it, nothing is known of objects that were declared before.
    type: str
  namespace:
    description: With O(objects), the namespace of the instance.
    type: str
  state:
    description:
      - V(present) applies the objects.
      - V(absent) removes the objects of the component, also those that earlier runs declared.
      - V(trimmed) applies nothing. It takes away those objects of the component that V(present) would, and waits until
        they and what they made are gone. V(present) of C(component=autoscaling) leaves that to it.
      - V(rendered) returns the objects, and writes them to O(dest), without a cluster.
    type: str
    choices: [present, absent, trimmed, rendered]
    default: present
  dest:
    description:
      - With O(state=rendered), a folder to write one YAML file per object to.
      - Files that an earlier run wrote there and that are no longer rendered are removed. Others are left alone.
      - The values of Secrets are left out.
    type: path
  prune:
    description:
      - Delete the objects that RV(undeclared) lists.
      - Namespaces, volumes, Secrets and custom resource definitions are never deleted so.
    type: bool
    default: false
  replace:
    description:
      - Delete and make anew the objects whose immutable fields change, such as the volume claim templates of a
        StatefulSet. The pods and volumes of a StatefulSet stay.
      - Without this consent nothing is applied, and the fields are told.
      - What holds data is never replaced.
    type: bool
    default: false
  force_conflicts:
    description:
      - Take over fields that another manager has set, such as C(kubectl edit) or Helm.
      - Without this consent nothing is applied, and the fields are told with their owners.
    type: bool
    default: false
  adopt:
    description:
      - Take over objects that are there already under the name of a declared one and that somebody else has made, such
        as Helm.
      - Without this consent nothing is applied, and the objects are told with their makers.
    type: bool
    default: false
  delete_data:
    description:
      - With O(state=absent), delete volumes, Secrets and, where this collection made it, the namespace, too.
    type: bool
    default: false
  secrets:
    description:
      - What M(dagops.airflow.secrets) returned as C(fingerprints), so that the Secrets need not be read again for the
        checksums on pods, and that check mode predicts the restarts that a changed Secret brings.
    type: dict
  remembered:
    description:
      - What M(dagops.airflow.preflight) returned as C(remembered) in the same play, so that the Lease of the instance
        need not be read once more.
      - With it, changes are refused when another run has changed the instance since, for then nobody knows whether what
        earlier tasks have found to be right still is.
    type: dict
  wait:
    description:
      - With O(state=present), wait until all workloads are ready. The wait ends early, and tells why, when one of
        them will never be.
      - With O(state=absent), wait until everything is gone.
      - By default V(true) with O(state=absent), otherwise V(false).
    type: bool
  wait_timeout:
    description: How many seconds to wait.
    type: int
    default: 600
attributes:
  check_mode:
    description: Tells exactly what would change, admission and defaults included.
    support: full
  diff_mode:
    description: One diff per object. Secret values are shown as fingerprints.
    support: full
"""

EXAMPLES = r"""
- name: Apply the workloads of the instance that the host stands for, and wait until they are ready
  dagops.airflow.manifests:
    component: core
    wait: true

- name: Write what would be applied to files
  dagops.airflow.manifests:
    component: all
    state: rendered
    dest: build/manifests

- name: Apply objects of your own next to those of the collection
  dagops.airflow.manifests:
    instance: analytics
    namespace: airflow
    component: extras
    prune: true
    objects:
      - apiVersion: v1
        kind: ConfigMap
        metadata:
          name: analytics-motd
        data:
          motd: Hello
"""

RETURN = r"""
objects:
  description: What changed, as C(Kind/namespace/name).
  type: dict
  returned: when O(state) is not V(rendered)
  contains:
    created:
      description: Objects that were not there.
      type: list
      elements: str
    updated:
      description: Objects whose content changed.
      type: list
      elements: str
    replaced:
      description: Objects that were deleted and made anew.
      type: list
      elements: str
    deleted:
      description: Objects that were removed or pruned.
      type: list
      elements: str
    unchanged:
      description: The number of objects that were already as declared.
      type: int
undeclared:
  description: Objects of the component that are there and not declared, or that O(state=absent) has left.
  type: list
  elements: str
  returned: when O(state) is not V(rendered)
  sample: [ConfigMap/airflow/analytics-old]
rendered:
  description: The objects, Secrets without their values.
  type: list
  elements: dict
  returned: when O(state=rendered)
problems:
  description: A sentence for each object that cannot be applied.
  type: list
  elements: str
  returned: failure
unready:
  description: The workloads that are not ready.
  type: list
  elements: str
  returned: when a wait has failed
api_requests:
  description: Requests that were sent to the Kubernetes API.
  type: int
  returned: success
"""

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import run_module
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import CLUSTER_OPTIONS
from ansible_collections.dagops.airflow.plugins.module_utils.manifests.backend import run, shown

CONSTRAINTS: dict[str, t.Any] = {
    "required_one_of": [("values", "objects")],
    "mutually_exclusive": [("values", "objects"), ("values", "instance"), ("values", "namespace")],
}


def argument_spec() -> dict[str, t.Any]:
    return {
        **CLUSTER_OPTIONS,
        "values": {"type": "dict"},
        "component": {"type": "str"},
        "objects": {"type": "list", "elements": "dict"},
        "instance": {"type": "str"},
        "namespace": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent", "trimmed", "rendered"], "default": "present"},
        "dest": {"type": "path"},
        "prune": {"type": "bool", "default": False},
        "replace": {"type": "bool", "default": False},
        "force_conflicts": {"type": "bool", "default": False},
        "adopt": {"type": "bool", "default": False},
        "delete_data": {"type": "bool", "default": False},
        "secrets": {"type": "dict", "no_log": False},
        "remembered": {"type": "dict"},
        "wait": {"type": "bool"},
        "wait_timeout": {"type": "int", "default": 600},
    }


def main() -> None:
    run_module(argument_spec(), run, shown=shown, **CONSTRAINTS)


if __name__ == "__main__":
    main()
