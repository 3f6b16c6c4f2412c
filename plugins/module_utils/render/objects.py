# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kubernetes objects as plain mappings.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import merged
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Image, Storage, Values, Workload

Object = dict[str, t.Any]

# An empty value of these keys means something; elsewhere it is the same as leaving the key out.
MEANINGFUL_WHEN_EMPTY = frozenset(["emptyDir", "podSelector", "namespaceSelector"])


def compact(value: t.Any) -> t.Any:
    """``value`` without keys that hold nothing, so that a rendered object shows only what it says."""
    if isinstance(value, dict):
        kept = {key: compact(item) for key, item in value.items()}
        return {
            key: item
            for key, item in kept.items()
            if key in MEANINGFUL_WHEN_EMPTY or (item is not None and item not in ({}, []))
        }
    if isinstance(value, list):
        return [compact(item) for item in value]
    return value


def object_(
    values: Values,
    api_version: str,
    kind: str,
    component: str,
    *,
    name: str | None = None,
    namespaced: bool = True,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **body: t.Any,
) -> Object:
    """An object of the instance with the metadata that all share."""
    metadata = {
        "name": name or names.name(values, component),
        "namespace": values.namespace if namespaced else None,
        "labels": {**names.labels(values, component), **(labels or {})},
        "annotations": {**values.instance.annotations, **(annotations or {})},
    }
    return t.cast("Object", compact({"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}))


def named_by_content(obj: Object) -> Object:
    """``obj`` with a hash of its spec in its name, for what cannot be changed once it is made: a Job's template."""
    digest = hashlib.sha256(json.dumps(obj["spec"], sort_keys=True).encode()).hexdigest()[:10]
    return {**obj, "metadata": {**obj["metadata"], "name": f"{obj['metadata']['name']}-{digest}"}}


def image(values: Values, wanted: Image, default_tag: str | None = None) -> str:
    """The reference of an image, mapped to the site's registry where there is one."""
    repository = wanted.repository or ""
    if values.instance.image_registry:
        repository = f"{values.instance.image_registry}/{path_of(repository)}"
    tag = wanted.tag or default_tag
    return repository + (f":{tag}" if tag else "") + (f"@{wanted.digest}" if wanted.digest else "")


def path_of(repository: str) -> str:
    """A repository without its registry: ``docker.io/apache/airflow`` is ``apache/airflow``."""
    first, _slash, rest = repository.partition("/")
    return rest if rest and ("." in first or ":" in first or first == "localhost") else repository


def parsed(reference: str) -> Image:
    """The image that a complete reference names: ``registry/name:tag@digest``."""
    name, _at, digest = reference.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    return Image(repository=repository, tag=tag or None, digest=digest or None)


def service(
    values: Values,
    component: str,
    port: int,
    *,
    target: str,
    headless: bool = False,
    name: str | None = None,
    **body: t.Any,
) -> Object:
    """A Service in front of a component's pods."""
    spec = {
        "type": body.pop("type", "ClusterIP"),
        "clusterIP": "None" if headless else None,
        "selector": names.selector(values, component),
        "ports": [{"name": target, "port": port, "targetPort": target, "protocol": "TCP"}],
    }
    return object_(values, "v1", "Service", component, name=name, spec=spec, **body)


def claim_template(values: Values, component: str, name: str, storage: Storage) -> Object:
    """What a StatefulSet makes a volume claim of for each of its pods.

    It can never be changed, so it has no labels but those that cannot, either: none of ``airflow_labels``, one of which
    would otherwise mean a StatefulSet made anew.
    """
    return {
        "metadata": {"name": name, "labels": names.selector(values, component)},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage.storage_class_name,
            "resources": {"requests": {"storage": storage.size}},
        },
    }


def keeper(values: Values, component: str, port: int, storage: Storage, template: Object) -> list[Object]:
    """One pod with a volume that outlives it, a Service in front of it, and the headless one of its StatefulSet."""
    headless = names.name(values, f"{component}-hl")
    spec = {
        "replicas": 1,
        "serviceName": headless,
        "selector": {"matchLabels": names.selector(values, component)},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "template": template,
        "volumeClaimTemplates": [claim_template(values, component, "data", storage)],
    }
    return [
        service(values, component, port, target=component),
        service(values, component, port, target=component, headless=True, name=headless),
        object_(values, "apps/v1", "StatefulSet", component, spec=spec),
    ]


def disruption_budget(values: Values, component: str, workload: Workload) -> list[Object]:
    """By ``maxUnavailable`` unless the person wants it otherwise, so that a drain always gets on."""
    if not workload.pod_disruption_budget.enabled:
        return []
    budget = workload.pod_disruption_budget
    least, most = {"minAvailable": budget.min_available}, {"maxUnavailable": budget.max_unavailable}
    spec = {
        **(least if budget.min_available else most),
        "unhealthyPodEvictionPolicy": budget.unhealthy_pod_eviction_policy,
        "selector": {"matchLabels": names.selector(values, component)},
    }
    return [object_(values, "policy/v1", "PodDisruptionBudget", component, spec=spec)]


def deployment(
    values: Values, component: str, workload: Workload, template: Object, *, max_surge: int | str = 1
) -> Object:
    """A Deployment that never goes below its wished number of pods while it rolls."""
    spec = {
        "replicas": workload.replicas,
        "revisionHistoryLimit": workload.revision_history_limit,
        "selector": {"matchLabels": names.selector(values, component)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": max_surge, "maxUnavailable": 0}},
        "template": template,
    }
    return object_(values, "apps/v1", "Deployment", component, spec=spec)


__all__ = [
    "Object",
    "claim_template",
    "compact",
    "deployment",
    "disruption_budget",
    "image",
    "keeper",
    "merged",
    "named_by_content",
    "object_",
    "parsed",
    "path_of",
    "service",
]
