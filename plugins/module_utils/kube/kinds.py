# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds of Kubernetes objects that we meet, so that the ordinary path asks the API server for no discovery.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

Object = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Kind:
    """Where the API server keeps the objects of one kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The name that RBAC and kubectl know: ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        parts = ["/apis" if self.group else "/api", self.api_version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


def _kinds(group: str, version: str, namespaced: bool, *names: str) -> t.Iterator[Kind]:
    for name in names:
        kind, _colon, plural = name.partition(":")
        yield Kind(group=group, version=version, kind=kind, plural=plural or f"{kind.lower()}s", namespaced=namespaced)


KINDS: t.Final[tuple[Kind, ...]] = (
    *_kinds("", "v1", False, "Namespace", "Node", "PersistentVolume"),
    *_kinds("", "v1", True, "ConfigMap", "Event", "LimitRange", "PersistentVolumeClaim", "Pod", "ResourceQuota"),
    *_kinds("", "v1", True, "Endpoints:endpoints", "Secret", "Service", "ServiceAccount"),
    *_kinds("apps", "v1", True, "ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
    *_kinds("batch", "v1", True, "CronJob", "Job"),
    *_kinds("autoscaling", "v2", True, "HorizontalPodAutoscaler"),
    *_kinds("autoscaling.k8s.io", "v1", True, "VerticalPodAutoscaler"),
    *_kinds("policy", "v1", True, "PodDisruptionBudget"),
    *_kinds("rbac.authorization.k8s.io", "v1", True, "Role", "RoleBinding"),
    *_kinds("rbac.authorization.k8s.io", "v1", False, "ClusterRole", "ClusterRoleBinding"),
    *_kinds("networking.k8s.io", "v1", True, "Ingress:ingresses", "NetworkPolicy:networkpolicies"),
    *_kinds("networking.k8s.io", "v1", False, "IngressClass:ingressclasses"),
    *_kinds("coordination.k8s.io", "v1", True, "Lease"),
    *_kinds("discovery.k8s.io", "v1", True, "EndpointSlice"),
    *_kinds("node.k8s.io", "v1", False, "RuntimeClass:runtimeclasses"),
    *_kinds("scheduling.k8s.io", "v1", False, "PriorityClass:priorityclasses"),
    *_kinds("storage.k8s.io", "v1", False, "CSIDriver", "StorageClass:storageclasses"),
    *_kinds("apiextensions.k8s.io", "v1", False, "CustomResourceDefinition"),
    *_kinds("apiregistration.k8s.io", "v1", False, "APIService"),
    *_kinds("admissionregistration.k8s.io", "v1", False, "ValidatingAdmissionPolicy:validatingadmissionpolicies"),
    *_kinds("admissionregistration.k8s.io", "v1", False, "ValidatingAdmissionPolicyBinding"),
    *_kinds("admissionregistration.k8s.io", "v1", False, "MutatingAdmissionPolicy:mutatingadmissionpolicies"),
    *_kinds("admissionregistration.k8s.io", "v1", False, "MutatingAdmissionPolicyBinding"),
    *_kinds("admissionregistration.k8s.io", "v1", False, "MutatingWebhookConfiguration"),
    *_kinds("admissionregistration.k8s.io", "v1", False, "ValidatingWebhookConfiguration"),
    *_kinds("keda.sh", "v1alpha1", True, "ScaledJob", "ScaledObject", "TriggerAuthentication"),
    *_kinds("keda.sh", "v1alpha1", False, "ClusterTriggerAuthentication"),
    *_kinds("monitoring.coreos.com", "v1", True, "PodMonitor", "PrometheusRule", "ServiceMonitor"),
    *_kinds("route.openshift.io", "v1", True, "Route"),
    *_kinds("security.openshift.io", "v1", False, "SecurityContextConstraints:securitycontextconstraints"),
    *_kinds("gateway.networking.k8s.io", "v1", True, "Gateway", "HTTPRoute"),
    *_kinds("cert-manager.io", "v1", True, "Certificate", "Issuer"),
    *_kinds("cert-manager.io", "v1", False, "ClusterIssuer"),
    *_kinds("external-secrets.io", "v1", True, "ExternalSecret"),
)

_BY_NAME: t.Final = {kind.kind: kind for kind in KINDS}
_BY_GROUP: t.Final = {(kind.group, kind.kind): kind for kind in KINDS}


def named(name: str) -> Kind:
    """The kind of that name, ``Deployment``; a KeyError is a mistake of ours."""
    return _BY_NAME[name]


def known(api_version: str, name: str) -> Kind | None:
    """The kind ``name`` of ``api_version``, None when only the API server can know it."""
    group, _slash, version = api_version.rpartition("/")
    kind = _BY_GROUP.get((group, name))
    return kind and dataclasses.replace(kind, version=version)


def label(obj: Object) -> str:
    """What people call an object: ``Kind/namespace/name``, or ``Kind/name`` outside namespaces."""
    meta = obj.get("metadata") or {}
    return "/".join(part for part in (obj.get("kind"), meta.get("namespace"), meta.get("name")) if part)
