# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kinds that an instance does without where the API server has none: they are new, or off in many clusters.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

OPTIONAL: t.Final = frozenset({"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"})
# The best first: stable from Kubernetes 1.36 on, behind a feature gate since 1.34 and 1.32.
VERSIONS: t.Final = ("v1", "v1beta1", "v1alpha1")


def as_served(cluster: Cluster, objects: t.Sequence[Object]) -> list[Object]:
    """``objects`` in versions that the API server serves, without those optional ones of which it serves none."""
    found = []
    for item in objects:
        if item["kind"] not in OPTIONAL:
            found.append(item)
        elif version := _version(cluster, item):
            found.append({**item, "apiVersion": version})
    return found


def _version(cluster: Cluster, item: Object) -> str | None:
    group = item["apiVersion"].partition("/")[0]
    offered = (f"{group}/{version}" for version in VERSIONS)
    return next((version for version in offered if cluster.offers(version, item["kind"])), None)
