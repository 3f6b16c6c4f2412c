"""The add-on whose manifests come with its Go module: rendered by a real kubectl, its kinds in a real API."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import addons, kubectl, tools
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client

Object = kubectl.Object


def scaled_object(**spec: t.Any) -> Object:
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "worker"}, "spec": spec}


def trigger(kind: str, **metadata: str) -> dict[str, t.Any]:
    return {"type": kind, "metadata": metadata}


def test_every_pod_runs_a_program_of_ours(keda_manifests: list[Object]) -> None:
    keda = tools.named("keda")
    assert keda.image
    locked = (keda.directory / "go.mod").read_text()
    pods = [obj["spec"]["template"]["spec"] for obj in keda_manifests if obj["kind"] == "Deployment"]
    containers = [container for pod in pods for container in pod["containers"]]
    assert {container["image"] for container in containers} == {keda.image.name}
    assert len({container["command"][0] for container in containers}) == len(containers) == 3
    for container in containers:
        program = pathlib.Path(container["command"][0])
        assert program.parent == pathlib.Path("/bin")
        assert f"\t{keda.module}/cmd/{program.name}\n" in locked


def test_it_is_rendered_once(keda_manifests: list[Object], kubectl_client: kubectl.Kubectl) -> None:
    without_program = dataclasses.replace(kubectl_client, program="/nonexistent/kubectl")
    assert addons.manifests("keda", {}, without_program, pytest.fail) == keda_manifests


@pytest.mark.usefixtures("keda_kinds")
def test_the_api_knows_what_scales(cluster: client.Cluster, namespace: str) -> None:
    path = f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects"
    query = trigger("postgresql", query="SELECT 1", targetQueryValue="1")
    good = scaled_object(scaleTargetRef={"kind": "StatefulSet", "name": "worker"}, triggers=[query])
    made = cluster.request("POST", path, query={"fieldManager": "somebody"}, body=good)
    assert made["spec"]["triggers"] == [query]
    with pytest.raises(Exception, match=r"spec\.scaleTargetRef"):
        cluster.request("POST", path, query={"fieldManager": "somebody"}, body=scaled_object(triggers=[query]))
