# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What keeps a volume claim that is deleted from going: pods, also ended ones, that mount it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object


def holding(cluster: Cluster, objects: t.Iterable[Object]) -> str:
    """The pods that hold the claims among ``objects``, in words; empty where there are none, or none are to be seen."""
    claims = [obj for obj in objects if obj["kind"] == "PersistentVolumeClaim"]
    try:
        pods = [
            pod
            for namespace in sorted({claim["metadata"]["namespace"] for claim in claims})
            for pod in cluster.list(kinds.named("Pod"), namespace)
        ]
    except ApiError:
        return ""
    return ", ".join(f"{kinds.label(pod)} ({pod['status'].get('phase')})" for pod in pods if _holds(pod, claims))


def _holds(pod: Object, claims: t.Iterable[Object]) -> bool:
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"].get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    }
    # One that is on no node yet holds nothing.
    return bool(pod["spec"].get("nodeName")) and any(
        claim["metadata"]["namespace"] == pod["metadata"]["namespace"] and claim["metadata"]["name"] in mounted
        for claim in claims
    )
