"""An instance goes to sleep from what is there, and an ordinary converge wakes it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import hibernation as backend
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import apply, engine, kinds, replicas
from ansible_collections.dagops.airflow.plugins.modules import hibernation
from tests.api.support import INSTANCE, Face, Site, validated

PARTS = ("rbac", "database", "broker", "config", "core", "triggerer", "autoscaling")
NUMBERS = {
    "Deployment/scheduler": 2,
    "Deployment/dag-processor": 1,
    "Deployment/triggerer": 1,
    "Deployment/worker": 3,
    "Deployment/api-server": 2,
    "StatefulSet/postgresql": 1,
    "StatefulSet/redis": 1,
}
DATA = ("StatefulSet/postgresql", "StatefulSet/redis")


def variables(site: Site) -> dict[str, t.Any]:
    return {
        "airflow_instance": INSTANCE,
        "airflow_namespace": site.namespace,
        "airflow_rbac_namespace_managed": False,
        "airflow_logging_loss_accepted": True,
        "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
        "airflow_core_scheduler": {"replicas": 2},
        "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True}},
        "airflow_celery_workers": {"default": {"replicas": 3}},
        "airflow_autoscaling_api_server": {"min": 2},
    }


def converge(site: Site, **params: t.Any) -> list[dict[str, t.Any]]:
    return [site.of_values(variables(site), component=part, **params) for part in PARTS]


def face(site: Site, *, check: bool = False, **params: t.Any) -> Face:
    given = {"kubeconfig": site.kubeconfig, "values": variables(site), **params}
    return Face(params=validated(hibernation, given), check_mode=check)


def numbers(site: Site) -> dict[str, int]:
    return {
        f"{kind}/{item['metadata']['name'].removeprefix(f'{INSTANCE}-')}": item["spec"]["replicas"]
        for kind in ("Deployment", "StatefulSet")
        for item in site.cluster.list(kinds.named(kind), site.namespace)
    }


def suspended(site: Site) -> bool:
    return bool(site.read("CronJob", f"{INSTANCE}-cleanup")["spec"]["suspend"])


def note(site: Site) -> str | None:
    return (site.read("Lease", f"{INSTANCE}-lock")["metadata"]["annotations"] or {}).get(engine.HIBERNATES)


@pytest.fixture(name="awake")
def fixture_awake(site: Site) -> Site:
    converge(site)
    assert numbers(site) == NUMBERS
    return site


def test_it_sleeps_as_foreseen_and_wakes_as_foreseen(awake: Site) -> None:
    foreseen = hibernation.run(face(awake, check=True))
    assert numbers(awake) == NUMBERS
    made = hibernation.run(face(awake))
    assert (made["changed"], made["stopped"], made["diff"]) == (True, foreseen["stopped"], foreseen["diff"])
    assert set(numbers(awake).values()) == {0}
    assert suspended(awake)
    assert note(awake)
    for check in (True, False):
        again = hibernation.run(face(awake, check=check))
        assert (again["changed"], again["stopped"]) == (False, [])
    expected = [one["objects"] for one in converge(awake, check=True)]
    assert [one["objects"] for one in converge(awake)] == expected
    assert numbers(awake) == NUMBERS
    assert not suspended(awake)
    assert note(awake) is None
    assert not any(one["changed"] for one in converge(awake))


def test_an_autoscaler_sets_the_number_again(awake: Site) -> None:
    path = kinds.named("Deployment").path(awake.namespace, f"{INSTANCE}-api-server") + "/scale"
    awake.cluster.request(
        "PATCH",
        path,
        query={"fieldManager": "kube-controller-manager"},
        body={"spec": {"replicas": 4}},
        content_type="application/merge-patch+json",
    )
    hibernation.run(face(awake))
    live = awake.read("Deployment", f"{INSTANCE}-api-server")
    assert (live["spec"]["replicas"], replicas.least(live)) == (0, None)
    converge(awake)
    live = awake.read("Deployment", f"{INSTANCE}-api-server")
    # A HorizontalPodAutoscaler lets alone what has none.
    assert (live["spec"]["replicas"], replicas.least(live)) == (2, 2)


def test_the_database_and_the_broker_can_stay(awake: Site) -> None:
    hibernation.run(face(awake, data=False))
    assert numbers(awake) == {name: NUMBERS[name] if name in DATA else 0 for name in NUMBERS}
    assert hibernation.run(face(awake, check=True))["changed"]


def test_what_the_inventory_has_changed_is_not_rolled_out(awake: Site) -> None:
    changed = {**variables(awake), "airflow_image": {"tag": "other"}, "airflow_core_scheduler": {"replicas": 7}}
    before = awake.read("Deployment", f"{INSTANCE}-scheduler")["spec"]["template"]
    hibernation.run(face(awake, values=changed))
    assert awake.read("Deployment", f"{INSTANCE}-scheduler")["spec"]["template"] == before


def interrupted_after(times: int) -> t.Callable[..., list[apply.Step]]:
    """``apply.perform``, which works so often."""
    original, left = apply.perform, iter(range(times))

    def perform(*arguments: t.Any) -> list[apply.Step]:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return original(*arguments)

    return perform


def test_a_run_that_was_interrupted_is_gone_on_with(awake: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step: the next run ends it, and a converge wakes the instance."""
    for times in range(5):
        with monkeypatch.context() as patched:
            patched.setattr(backend.apply, "perform", interrupted_after(times))
            with pytest.raises(KeyboardInterrupt):
                hibernation.run(face(awake))
        assert note(awake)
        hibernation.run(face(awake))
        assert set(numbers(awake).values()) == {0}
        converge(awake)
        assert numbers(awake) == NUMBERS


def test_a_task_whose_pod_is_there_is_waited_for(awake: Site) -> None:
    """Airflow does not call it running yet. Until it has ended, what it needs stays."""
    meta = {
        "name": "a-task",
        "namespace": awake.namespace,
        "labels": {"tier": "airflow", "release": INSTANCE, "component": "worker", "kubernetes_executor": "True"},
        "annotations": {"dag_id": "load", "task_id": "all"},
    }
    spec = {"containers": [{"name": "base", "image": "example/a:1"}]}
    awake.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    assert hibernation.run(face(awake, check=True))["running"] == ["load.all"]
    with pytest.raises(Failure, match=r"have not ended after 1 s: load\.all\."):
        hibernation.run(face(awake, wait_timeout=1))
    assert numbers(awake) == {**NUMBERS, "Deployment/scheduler": 0}
    awake.cluster.delete(kinds.named("Pod"), "a-task", awake.namespace)
    hibernation.run(face(awake))
    assert set(numbers(awake).values()) == {0}


def test_objects_of_the_persons_own_are_left_alone(awake: Site) -> None:
    container = {"name": "a", "image": "example/a:1"}
    own = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "own"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "own"}},
            "template": {"metadata": {"labels": {"app": "own"}}, "spec": {"containers": [container]}},
        },
    }
    awake.of_values({**variables(awake), "airflow_extra_manifests": [own]}, component="extra")
    hibernation.run(face(awake))
    assert numbers(awake)["Deployment/own"] == 1
