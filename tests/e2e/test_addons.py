"""The add-ons that scale: KEDA takes a workload from nothing to as much as waits, and metrics-server feeds an HPA. They
come once, and go without a trace.

Run with: tools/run --dev pytest tests/e2e/test_addons.py   (the cluster is up with KEDA: make cluster-up addons)
"""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cluster, command, tools
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from tests.e2e.support import CLUSTER, ROOT, Face
from tests.recap import Recap

Object = dict[str, t.Any]
NAME = "e2e-addons"
WORK = "work"
WORKERS = "workers"
MEASURED = "measured"
PATIENCE = "--timeout=180s"
OTHERS = ("coredns", "local-path", "metrics-server")
"""What `make addons` brings beside KEDA."""


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    program = str(tools.named("kubernetes").target / "kubectl")
    options = [f"--kubeconfig={CLUSTER['kubeconfig']}", f"--context={CLUSTER['context']}", f"--namespace={NAME}"]
    return command.run([program, *options, *arguments], purpose=f"run kubectl {arguments[0]}", stdin=stdin)


def bring(*names: str) -> Recap:
    """Have these add-ons and no others."""
    command = ["ansible-playbook", "playbooks/local_cluster.yml", "-i", "inventories/local", "--tags", "cluster"]
    command += ["-e", json.dumps({"local_cluster_addons": names})]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    return Recap(code=done.returncode, output=done.stdout)


def apply(*objects: Object) -> None:
    kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def deployment(name: str, replicas: int) -> Object:
    """Pods that wait for nothing and do nothing."""
    container = {"name": name, "image": "localhost/pause:3.10", "resources": {"requests": {"cpu": "1m"}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def scaled_object(name: str) -> Object:
    """As many workers as there are pods of work."""
    trigger = {"type": "kubernetes-workload", "metadata": {"podSelector": f"app={WORK}", "value": "1"}}
    spec = {
        "scaleTargetRef": {"name": WORKERS},
        "minReplicaCount": 0,
        "pollingInterval": 1,
        "cooldownPeriod": 1,
        "triggers": [trigger],
    }
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": name}, "spec": spec}


def autoscaler() -> Object:
    """An HPA that only looks: it has no choice."""
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 90}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": MEASURED},
        "minReplicas": 1,
        "maxReplicas": 1,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    meta = {"name": MEASURED}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec}


@pytest.fixture(scope="module", autouse=True)
def namespace() -> t.Iterator[None]:
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}})
    apply(deployment(WORK, 2), deployment(WORKERS, 0), deployment(MEASURED, 1), autoscaler())
    yield
    kubectl("delete", "namespace", NAME)


def test_the_cluster_tells_that_they_are_there() -> None:
    params = {name: option.get("default") for name, option in cluster.WHICH.items()}
    told = cluster.run_info(Face(params={**params, "name": CLUSTER["context"]}))
    assert told["addons"]["keda"]
    assert told["addons"]["metrics-server"]
    assert "keda: available" in told["summary"]


def test_keda_scales_from_nothing_and_back() -> None:
    apply(scaled_object(WORKERS))
    kubectl("wait", f"deployment/{WORKERS}", "--for=jsonpath={.status.readyReplicas}=2", PATIENCE)
    kubectl("delete", "deployment", WORK)
    kubectl("wait", f"deployment/{WORKERS}", "--for=jsonpath={.spec.replicas}=0", PATIENCE)


def test_keda_refuses_a_second_one_for_the_same_workload() -> None:
    apply(scaled_object(WORKERS))
    # What KEDA has made of the first one is in the way as well.
    managed = f"already managed by the (ScaledObject '{WORKERS}'|hpa 'keda-hpa-{WORKERS}')"
    with pytest.raises(Failure, match=managed):
        apply(scaled_object("second"))


def test_an_hpa_has_its_figures() -> None:
    kubectl("wait", f"hpa/{MEASURED}", "--for=condition=ScalingActive", PATIENCE)
    told = json.loads(kubectl("get", "hpa", MEASURED, "--output=json"))
    assert told["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] >= 0


def test_a_second_run_changes_nothing() -> None:
    assert bring(*OTHERS, "keda").changed == 0


@pytest.mark.full
def test_keda_goes_with_all_that_it_scales_by_and_comes_back() -> None:
    """An object that waited for KEDA's leave to go would keep its kind and its namespace for ever."""
    apply(scaled_object(WORKERS))
    kubectl("wait", f"scaledobject/{WORKERS}", "--for=condition=Ready", PATIENCE)
    try:
        assert bring(*OTHERS).changed == 1
        left = kubectl("get", "crds,apiservices,clusterroles,validatingwebhookconfigurations", "--output=name")
        assert [name for name in left.split() if "keda" in name or "external.metrics" in name] == []
        namespaces = json.loads(kubectl("get", "namespaces", "--output=json"))["items"]
        assert {one["status"]["phase"] for one in namespaces} == {"Active"}
        assert "keda" not in {one["metadata"]["name"] for one in namespaces}
        # What was scaled stays.
        assert kubectl("get", f"deployment/{WORKERS}", "--output=name")
    finally:
        brought = bring(*OTHERS, "keda")
    assert brought.changed == 1
    apply(scaled_object(WORKERS))
    kubectl("wait", f"scaledobject/{WORKERS}", "--for=condition=Ready", PATIENCE)
