"""The API server takes all that is rendered, with strict validation, and its pods pass the "restricted" standard."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import CASES

Object = dict[str, t.Any]


def pod_templates(objects: list[Object]) -> t.Iterator[Object]:
    """Pods as controllers and the executor would make them, since admission looks at those."""
    for item in objects:
        meta = item["metadata"]
        if item["kind"] in ("Deployment", "StatefulSet", "Job"):
            template = item["spec"]["template"]
            # A StatefulSet adds the volumes of its claims.
            claims = item["spec"].get("volumeClaimTemplates", [])
            volumes = [{"name": claim["metadata"]["name"], "emptyDir": {}} for claim in claims]
            spec = {**template["spec"], "volumes": [*template["spec"].get("volumes", []), *volumes]}
            pod = {"metadata": {**template["metadata"], "name": meta["name"]}, "spec": spec}
            yield {"apiVersion": "v1", "kind": "Pod", **pod}
        elif names.POD_TEMPLATE_FILE in item.get("data", {}):
            yield json.loads(item["data"][names.POD_TEMPLATE_FILE])


# A sidecar that the case's owner adds is the owner's to harden.
@pytest.mark.parametrize("case", [case for case in CASES if case != "everything"])
def test_pods_pass_the_restricted_standard(case: str, cluster: Cluster, new_namespace: str) -> None:
    values = load({**CASES[case], "airflow_namespace": new_namespace})
    objects = [*render_all(values), migration_job(values, "print()")]
    cluster.apply(objects[0])
    assert objects[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = list(pod_templates(objects))
    assert len(pods) >= 5
    for pod in pods:
        pod["metadata"]["namespace"] = new_namespace
        cluster.create(pod, dry_run=True)


@pytest.mark.parametrize("case", CASES)
def test_objects_are_valid(case: str, cluster: Cluster, new_namespace: str) -> None:
    values = load({**CASES[case], "airflow_namespace": new_namespace})
    objects = [*render_all(values), migration_job(values, "print()")]
    # KEDA's kinds are not this server's own: the unit tests hold them against KEDA's definitions.
    objects = [item for item in objects if not item["apiVersion"].startswith("keda.sh/")]
    made = {item["metadata"]["name"] for item in objects if item["kind"] == "Namespace"}
    for name in {item["metadata"].get("namespace", new_namespace) for item in objects} - made:
        # One that a person brings for a team.
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for item in objects:
        cluster.apply(item, dry_run=item["kind"] != "Namespace")
