"""Runs backends as a face would, with arguments that went through the module's own spec."""

from __future__ import annotations

import dataclasses
import types
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import manifests

INSTANCE = "analytics"


@dataclasses.dataclass(kw_only=True)
class Face:
    """A face that keeps what it is told."""

    params: dict[str, t.Any]
    check_mode: bool = False
    diff_mode: bool = True
    warnings: list[str] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def progress(self, message: str) -> None:
        self.lines.append(message)


def validated(module: types.ModuleType, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Arguments as a face hands them to the backend."""
    checked = ArgumentSpecValidator(module.argument_spec(), **getattr(module, "CONSTRAINTS", {})).validate(params)
    assert not checked.error_messages
    parameters: dict[str, t.Any] = checked.validated_parameters
    return parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """An instance in a namespace of its own."""

    kubeconfig: str
    cluster: Cluster
    namespace: str

    def face(self, *, check: bool = False, **params: t.Any) -> Face:
        return Face(params=validated(manifests, {"kubeconfig": self.kubeconfig, **params}), check_mode=check)

    def manifests(self, *objects: Object, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
        """The result of ``manifests`` for the instance of this site."""
        mine = {"instance": INSTANCE, "namespace": self.namespace, "component": "core", "objects": list(objects)}
        return manifests.run(self.face(check=check, **{**mine, **params}))

    def of_values(self, variables: dict[str, t.Any], *, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
        """The result of ``manifests`` for what the variables of an instance render to."""
        return manifests.run(self.face(check=check, values=variables, **params))

    def predicted(self, *objects: Object, **params: t.Any) -> dict[str, t.Any]:
        """The result of a run, which must be what check mode said, and which nothing is left to do after."""
        expected = self.manifests(*objects, check=True, **params)
        result = self.manifests(*objects, **params)
        for part in ("changed", "diff", "objects", "undeclared"):
            assert result[part] == expected[part]
        assert not self.manifests(*objects, **params)["changed"]
        return result

    def get(self, kind: str, name: str) -> Object | None:
        return self.cluster.get(kinds.named(kind), name, self.namespace)

    def read(self, kind: str, name: str) -> Object:
        """An object that must be there."""
        live = self.get(kind, name)
        assert live
        return live


def names(result: dict[str, t.Any], action: str) -> list[str]:
    """The objects that a result tells of, without their namespace: ``ConfigMap/a``."""
    labels = [label.split("/") for label in result["objects"][action]]
    return [f"{parts[0]}/{parts[-1]}" for parts in labels]


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def namespace_object(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def workload(kind: str, name: str, *, image: str = "example/app:1", pod: Object | None = None, **spec: t.Any) -> Object:
    """A Deployment or StatefulSet of one container; ``pod`` adds to its pods."""
    labels = {"app": name}
    container = {
        "name": "app",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "0.5", "memory": "1.5Gi"}},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        **(pod or {}).get("container", {}),
    }
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "volumes": (pod or {}).get("volumes", [])},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def stateful_set(name: str, *, size: str = "1Gi", **spec: t.Any) -> Object:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
    return workload("StatefulSet", name, serviceName=name, volumeClaimTemplates=[claim], **spec)


def service(name: str) -> Object:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
