"""What is in a cluster at one moment, and what of it differs at another."""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

SEEN = (
    *("ConfigMap", "LimitRange", "PersistentVolumeClaim", "Pod", "ResourceQuota", "Secret", "Service"),
    *("ServiceAccount", "DaemonSet", "Deployment", "StatefulSet", "CronJob", "Job", "PodDisruptionBudget"),
    *("Role", "RoleBinding", "Ingress", "NetworkPolicy", "Lease"),
)

Snapshot = dict[str, dict[str, Object]]
"""The objects of each namespace, by ``Kind/name``."""


def snapshot(cluster: Cluster) -> Snapshot:
    """What is in the cluster; a namespace is under its own name, and a definition of a kind under its instance's."""
    found: Snapshot = {}
    for obj in cluster.list(kinds.named("Namespace")):
        found.setdefault(obj["metadata"]["name"], {})[f"Namespace/{obj['metadata']['name']}"] = obj
    for kind in SEEN:
        for obj in cluster.list(kinds.named(kind)):
            found.setdefault(obj["metadata"]["namespace"], {})[f"{kind}/{obj['metadata']['name']}"] = obj
    for definition in cluster.list(kinds.named("CustomResourceDefinition")):
        instance = (definition["metadata"].get("labels") or {}).get("app.kubernetes.io/instance", "")
        found.setdefault(instance, {})[f"CustomResourceDefinition/{definition['metadata']['name']}"] = definition
        for obj in cluster.list(_defined(definition)):
            found.setdefault(obj["metadata"]["namespace"], {})[f"{obj['kind']}/{obj['metadata']['name']}"] = obj
    return found


def _defined(definition: Object) -> kinds.Kind:
    """The kind of objects in namespaces that a definition brings."""
    spec = definition["spec"]
    version, names = spec["versions"][0]["name"], spec["names"]
    return kinds.Kind(group=spec["group"], version=version, kind=names["kind"], plural=names["plural"], namespaced=True)


def intended(obj: Object) -> Object:
    """What somebody wants of an object: neither its status nor what the API server notes on it; but which one it is."""
    notes = ("managedFields", "resourceVersion", "generation")
    meta = {name: value for name, value in obj["metadata"].items() if name not in notes}
    return {**{name: value for name, value in obj.items() if name != "status"}, "metadata": meta}


def differing(before: dict[str, Object], after: dict[str, Object]) -> set[str]:
    """The objects that came, went or changed; the Lease, by which runs keep apart, is none of the instance's."""
    names = {name for name in {*before, *after} if not name.startswith("Lease/")}
    return {
        name
        for name in names
        if (one := before.get(name)) is None or (other := after.get(name)) is None or intended(one) != intended(other)
    }
