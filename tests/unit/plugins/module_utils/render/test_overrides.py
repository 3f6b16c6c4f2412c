"""What a person changes in rendered objects."""

from __future__ import annotations

import copy
import itertools
import json
import pathlib
import re
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, overrides
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import RENDERERS, render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import BASE, CASES

Object = dict[str, t.Any]

SCHEDULER = "Deployment/airflow-scheduler"
EXTRA = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "mine"},
    "spec": {"triggers": [{"type": "cron"}], "maxReplicaCount": 3},
}


def rendered(**variables: t.Any) -> dict[str, Object]:
    """All objects by Kind/name, and the executor's pod."""
    items = {overrides.label(item): item for item in render_all(load({**BASE, **variables}))}
    pod = json.loads(items["ConfigMap/airflow-pod-template"]["data"][names.POD_TEMPLATE_FILE])
    return {**items, overrides.label(pod): pod}


def problems(**variables: t.Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        rendered(**variables)
    return caught.value.problems


PLAIN = rendered()


def pod_patch(**spec: t.Any) -> Object:
    return {"spec": {"template": {"spec": spec}}}


def replace(path: str, value: t.Any) -> Object:
    return {"op": "replace", "path": path, "value": value}


def test_merges_come_before_json_patches_and_the_general_before_the_particular() -> None:
    result = rendered(
        airflow_overrides={
            SCHEDULER: {"spec": {"replicas": 4, "minReadySeconds": 1}},
            "Deployment/*": {"spec": {"replicas": 2, "minReadySeconds": 2, "paused": True}},
            "Deployment/airflow-s*": {"spec": {"replicas": 3, "minReadySeconds": 3, "paused": False}},
        },
        airflow_json_patches={
            SCHEDULER: [{"op": "test", "path": "/spec/replicas", "value": 5}, replace("/spec/replicas", 6)],
            "Deployment/*": [replace("/spec/replicas", 5)],
        },
    )
    spec = result[SCHEDULER]["spec"]
    assert (spec["replicas"], spec["minReadySeconds"], spec["paused"]) == (6, 1, False)
    spec = result["Deployment/airflow-triggerer"]["spec"]
    assert (spec["replicas"], spec["minReadySeconds"], spec["paused"]) == (5, 2, True)


def test_the_order_in_which_they_are_written_means_nothing() -> None:
    merges = {
        "Deployment/*": {"spec": {"replicas": 2}},
        "Deployment/airflow-s*": {"spec": {"replicas": 3}},
        "Deployment/*-scheduler": {"spec": {"replicas": 4}},
    }
    results = {
        rendered(airflow_overrides=dict(order))[SCHEDULER]["spec"]["replicas"]
        for order in itertools.permutations(merges.items())
    }
    assert results == {4}


def test_only_what_is_named_changes() -> None:
    after = rendered(airflow_overrides={SCHEDULER: {"spec": {"replicas": 7}}})
    assert {name for name in PLAIN if PLAIN[name] != after[name]} == {SCHEDULER}


@pytest.mark.parametrize("target", sorted(PLAIN))
def test_empty_patches_change_nothing(target: str) -> None:
    assert rendered(airflow_overrides={target: {}}, airflow_json_patches={target: []}) == PLAIN


@pytest.mark.parametrize("target", sorted(PLAIN))
def test_objects_are_patches_that_change_nothing(target: str) -> None:
    assert rendered(airflow_overrides={target: copy.deepcopy(PLAIN[target])}) == PLAIN


def test_custom_resources_are_merged_as_json() -> None:
    patch = {"spec": {"triggers": [{"type": "cpu"}], "maxReplicaCount": None}}
    result = rendered(airflow_extra_manifests=[EXTRA], airflow_overrides={"ScaledObject/mine": patch})
    assert result["ScaledObject/mine"]["spec"] == {"triggers": [{"type": "cpu"}]}


def test_the_executors_pod_is_a_pod() -> None:
    result = rendered(
        airflow_overrides={"Pod/airflow-worker": {"spec": {"containers": [{"name": "proxy", "image": "x"}]}}},
        airflow_json_patches={"Pod/*": [{"op": "add", "path": "/spec/schedulerName", "value": "mine"}]},
    )
    spec = result["Pod/airflow-worker"]["spec"]
    # The executor takes the first one.
    assert [one["name"] for one in spec["containers"]] == ["base", "proxy"]
    assert spec["schedulerName"] == "mine"


def test_the_executors_pod_keeps_its_container() -> None:
    gone = {"spec": {"containers": [{"name": "base", "$patch": "delete"}]}}
    assert problems(airflow_overrides={"Pod/airflow-worker": gone}) == [
        "Pod/airflow-worker has no container 'base' after the overrides, and the executor runs tasks in that one: "
        "leave it in"
    ]


def test_the_migration_gets_another_name_with_another_content() -> None:
    patch = pod_patch(containers=[{"name": "migrate", "env": [{"name": "A", "value": "b"}]}])
    plain = migration_job(load(BASE), "print()")
    changed = migration_job(load({**BASE, "airflow_overrides": {"Job/airflow-migrate": patch}}), "print()")
    assert {"name": "A", "value": "b"} in changed["spec"]["template"]["spec"]["containers"][0]["env"]
    assert changed["metadata"]["name"] != plain["metadata"]["name"]
    assert {one["metadata"]["name"].rpartition("-")[0] for one in (plain, changed)} == {"airflow-migrate"}
    assert changed["metadata"]["labels"] == plain["metadata"]["labels"]


def test_parts_are_checked_alone_only_for_what_they_hold() -> None:
    values = load({**BASE, "airflow_overrides": {"Deployment/airflow-scheduler": {"spec": {"replicas": "x"}}}})
    with pytest.raises(SpecError):
        render(values, "core")
    for part in RENDERERS:
        if part != "core":
            assert render(values, part) == render(load(BASE), part)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (
            "Deployment/airflow-schedulr",
            "airflow_overrides.Deployment/airflow-schedulr matches no object of instance airflow "
            "(did you mean Deployment/airflow-scheduler",
        ),
        (
            "Deploymant/airflow-scheduler",
            "airflow_overrides.Deploymant/airflow-scheduler matches no object of instance",
        ),
        (
            "Service/zz",
            "airflow_overrides.Service/zz matches no object of instance airflow "
            "(of this kind there are Service/airflow-api-server, Service/airflow-postgresql",
        ),
        ("Secret/*", "airflow_overrides.Secret/* matches no object of instance airflow (its kinds are ConfigMap, "),
        ("Job/airflow-migrate-*", "airflow_overrides.Job/airflow-migrate-* matches no object of instance airflow (did"),
        ("scheduler", "airflow_overrides.scheduler must name objects as Kind/name or Kind/*, such as ConfigMap/"),
        ("*", "airflow_overrides.* must name objects as Kind/name or Kind/*"),
        ("Deploy*scheduler", "airflow_overrides.Deploy*scheduler must name objects as Kind/name or Kind/*"),
        ("/scheduler", "airflow_overrides./scheduler must name objects as Kind/name or Kind/*"),
        ("Deployment/", "airflow_overrides.Deployment/ must name objects as Kind/name or Kind/*"),
    ],
)
def test_a_patch_that_matches_nothing_is_refused(target: str, problem: str) -> None:
    (told,) = problems(airflow_overrides={target: {}})
    assert told.startswith(problem)
    (told,) = problems(airflow_json_patches={target: []})
    assert told.startswith(problem.replace("airflow_overrides", "airflow_json_patches"))


def test_there_is_no_pod_of_tasks_without_the_executor() -> None:
    values = load({**BASE, "airflow_core_executor": "LocalExecutor", "airflow_overrides": {"Pod/airflow-worker": {}}})
    with pytest.raises(SpecError, match="matches no object"):
        render_all(values)


@pytest.mark.parametrize(
    ("field", "patch"),
    [
        ("apiVersion", {"apiVersion": "apps/v2"}),
        ("kind", {"kind": "StatefulSet"}),
        ("kind", {"$patch": "delete"}),
        ("metadata.name", {"metadata": {"name": "other"}}),
        ("metadata.name", {"metadata": None}),
        ("metadata.namespace", {"metadata": {"namespace": "other"}}),
        ("metadata.labels.component", {"metadata": {"labels": {"component": "other"}}}),
        ("metadata.labels.'airflow.dagops/role'", {"metadata": {"labels": {"airflow.dagops/role": "other"}}}),
        (
            "metadata.labels.'app.kubernetes.io/instance'",
            {"metadata": {"labels": {"app.kubernetes.io/instance": None}}},
        ),
        ("spec.selector", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        ("spec.template.metadata.labels.tier", {"spec": {"template": {"metadata": {"labels": {"tier": None}}}}}),
        ("spec.template.metadata.labels.release", {"spec": {"template": {"metadata": None}}}),
        ("spec.template.metadata.labels.release", {"spec": None}),
    ],
)
def test_what_objects_are_found_by_stays(field: str, patch: Object) -> None:
    told = problems(airflow_overrides={SCHEDULER: patch})
    assert any(f" of {field} of {SCHEDULER}, by which it or its pods are found" in one for one in told), told


def test_what_stays_may_be_said_again() -> None:
    same = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "airflow-scheduler"}}
    assert rendered(airflow_overrides={SCHEDULER: same}) == PLAIN


def test_json_patches_change_no_name_either() -> None:
    (told,) = problems(airflow_json_patches={SCHEDULER: [replace("/metadata/name", "x")]})
    assert told == (
        f'airflow_json_patches.{SCHEDULER} would make "x" of metadata.name of {SCHEDULER}, by which it or its pods are '
        "found: leave it as it is"
    )
    (told,) = problems(airflow_json_patches={SCHEDULER: [replace("", [])]})
    assert told.endswith(f" of {SCHEDULER}, which is no object any more")


def test_labels_of_the_persons_own_may_change() -> None:
    result = rendered(airflow_overrides={SCHEDULER: {"spec": {"template": {"metadata": {"labels": {"team": "a"}}}}}})
    assert result[SCHEDULER]["spec"]["template"]["metadata"]["labels"]["team"] == "a"


def test_a_selector_of_the_persons_own_holds_its_labels() -> None:
    template = {"metadata": {"labels": {"app": "x"}}}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    mine = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mine"}, "spec": spec}
    patch = [replace("/spec/template/metadata/labels/app", "y")]
    (told,) = problems(airflow_extra_manifests=[mine], airflow_json_patches={"Deployment/mine": patch})
    assert 'would make "y" of spec.template.metadata.labels.app of Deployment/mine' in told


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"spec": {"replicas": "3"}}, '.spec.replicas must be a whole number, not "3"'),
        ({"spec": {"replicas": True}}, ".spec.replicas must be a whole number, not true"),
        ({"spec": {"paused": "true"}}, '.spec.paused must be true or false, not "true"'),
        ({"spec": {"strategy": "Recreate"}}, ".spec.strategy must be a mapping, not"),
        (
            {"metadata": {"annotations": {"a": 1}}},
            ".metadata.annotations.a must be text, not 1: write it in quotes",
        ),
        (
            pod_patch(containers=[{"name": "scheduler", "env": [{"name": "A", "value": True}]}]),
            ".spec.template.spec.containers[scheduler].env[A].value must be text, not true: write it in quotes",
        ),
        (
            pod_patch(containers=[{"name": "scheduler", "args": "scheduler"}]),
            ".spec.template.spec.containers[scheduler].args must be a list, not",
        ),
        (pod_patch(tolerations=["a"]), ".spec.template.spec.tolerations[0] must be a mapping, not"),
        (pod_patch(containers={"name": "a"}), ".spec.template.spec.containers must be a list, not"),
        (
            pod_patch(containers=[{"image": "a"}]),
            ".spec.template.spec.containers[0] lacks the key 'name', by which the elements of this list are told apart",
        ),
        (pod_patch(volumes=[{"name": "a", "$patch": "x"}]), '.spec.template.spec.volumes[a].$patch is "x", which is'),
        ({"status": {"replicas": 1}}, ".status would set what only Kubernetes writes: leave it out"),
    ],
)
def test_wrong_types_are_told_with_their_path(patch: Object, problem: str) -> None:
    (told,) = problems(airflow_overrides={SCHEDULER: patch})
    assert told.startswith(f"airflow_overrides.{SCHEDULER}{problem}")


def test_wrong_types_in_json_patches_are_told_with_the_path_that_they_would_have() -> None:
    (told,) = problems(airflow_json_patches={"Service/*-api-server": [replace("/spec/ports/0/port", "http")]})
    assert told == (
        "airflow_json_patches.Service/*-api-server on Service/airflow-api-server.spec.ports[http].port "
        'must be a whole number, not "http"'
    )


def test_what_kubernetes_requires_stays() -> None:
    (told,) = problems(airflow_json_patches={SCHEDULER: [{"op": "remove", "path": "/spec/template/spec/containers"}]})
    assert told == (
        f"airflow_json_patches.{SCHEDULER} on {SCHEDULER}.spec.template.spec.containers is required by Kubernetes: "
        "add it"
    )
    (told,) = problems(airflow_overrides={"RoleBinding/airflow-pod-launcher": {"roleRef": {"name": None}}})
    assert told == ("airflow_overrides.RoleBinding/airflow-pod-launcher.roleRef.name is required by Kubernetes: add it")


def test_a_null_of_a_json_patch_is_nothing() -> None:
    result = rendered(airflow_json_patches={SCHEDULER: [replace("/spec/revisionHistoryLimit", None)]})
    assert "revisionHistoryLimit" not in result[SCHEDULER]["spec"]


def test_either_type_is_taken_where_kubernetes_takes_either() -> None:
    for value in ("25%", 1):
        patch = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": value}}}}
        assert rendered(airflow_overrides={SCHEDULER: patch})
    limits = {"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}
    assert rendered(airflow_overrides={SCHEDULER: pod_patch(containers=[{"name": "scheduler", **limits}])})


def test_fields_of_a_newer_kubernetes_are_handed_on() -> None:
    result = rendered(airflow_overrides={SCHEDULER: {"spec": {"newField": {"a": [1]}}}})
    assert result[SCHEDULER]["spec"]["newField"] == {"a": [1]}


def test_metadata_of_custom_resources_is_checked_too() -> None:
    patch = {"metadata": {"annotations": ["a"]}}
    (told,) = problems(airflow_extra_manifests=[EXTRA], airflow_overrides={"ScaledObject/mine": patch})
    assert told.startswith("airflow_overrides.ScaledObject/mine.metadata.annotations must be a mapping, not")


def test_values_of_secrets_have_no_place_in_patches() -> None:
    mine = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}}
    told = problems(
        airflow_extra_manifests=[mine], airflow_overrides={"Secret/mine": {"stringData": {"password": "hunter2"}}}
    )
    assert told == [
        "airflow_overrides.Secret/mine would change values of Secret/mine, which have no place in a patch: leave them "
        "out"
    ]


SCALED: Object = {
    "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
    "airflow_autoscaling_workers": {"default": {"min": 1, "max": 4}},
    "airflow_autoscaling_api_server": {"max": 3},
}
WORKER = "Deployment/airflow-worker"
HPA = "HorizontalPodAutoscaler/airflow-api-server"


@pytest.mark.parametrize(
    ("target", "patch", "problem"),
    [
        (
            WORKER,
            {"spec": {"replicas": 3}},
            "would make 3 of spec.replicas of Deployment/airflow-worker, which an autoscaler sets: leave it out, and "
            "set airflow_autoscaling_workers.default.min and airflow_autoscaling_workers.default.max instead",
        ),
        ("Deployment/*", {"spec": {"replicas": 0}}, "of Deployment/airflow-api-server, which an autoscaler sets"),
        (
            HPA,
            {"spec": {"minReplicas": 5}},
            "would make 5 of spec.minReplicas of HorizontalPodAutoscaler/airflow-api-server, which "
            "airflow_autoscaling_api_server.min says: set that instead",
        ),
        (HPA, {"spec": {"maxReplicas": 5}}, "which airflow_autoscaling_api_server.max says"),
        (
            "ScaledObject/airflow-worker",
            {"spec": {"minReplicaCount": None}},
            "would make null of spec.minReplicaCount of ScaledObject/airflow-worker, which "
            "airflow_autoscaling_workers.default.min says",
        ),
        ("ScaledObject/airflow-worker", {"spec": {"maxReplicaCount": 0}}, "airflow_autoscaling_workers.default.max"),
        (
            "ScaledObject/airflow-worker",
            {"spec": {"scaleTargetRef": {"name": "airflow-scheduler"}}},
            "which is what airflow_autoscaling_workers.default scales: leave it as it is",
        ),
        (
            WORKER,
            {"metadata": {"annotations": {"airflow.dagops/autoscaled-from": None}}},
            "of metadata.annotations.'airflow.dagops/autoscaled-from' of Deployment/airflow-worker",
        ),
        (SCHEDULER, {"spec": {"replicas": -1}}, "of Deployment/airflow-scheduler, but there cannot be fewer than 0"),
        (
            "StatefulSet/airflow-postgresql",
            {"spec": {"replicas": 2}},
            "of StatefulSet/airflow-postgresql, whose data are in the volume of one pod: leave it out",
        ),
    ],
)
def test_a_number_of_pods_is_set_by_its_variable_where_an_autoscaler_has_it(
    target: str, patch: Object, problem: str
) -> None:
    (told, *_others) = problems(**SCALED, airflow_overrides={target: patch})
    assert told.startswith(f"airflow_overrides.{target} ")
    assert problem in told


def test_a_number_of_pods_is_set_by_no_json_patch_either() -> None:
    steps = [{"op": "add", "path": "/spec/replicas", "value": 2}]
    (told,) = problems(**SCALED, airflow_json_patches={WORKER: steps})
    assert told.startswith("airflow_json_patches.Deployment/airflow-worker would make 2 of spec.replicas of Deployment")
    (told,) = problems(**SCALED, airflow_json_patches={HPA: [replace("/spec/maxReplicas", 1)]})
    assert told.endswith("which airflow_autoscaling_api_server.max says: set that instead")


def test_all_else_of_what_is_autoscaled_may_be_patched() -> None:
    result = rendered(
        **SCALED,
        airflow_overrides={
            WORKER: {"spec": {"minReadySeconds": 5}},
            SCHEDULER: {"spec": {"replicas": 2}},
            HPA: {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}},
            "ScaledObject/airflow-worker": {"spec": {"maxReplicaCount": 4, "pollingInterval": 9}},
        },
    )
    assert result[WORKER]["spec"]["minReadySeconds"] == 5
    assert result[SCHEDULER]["spec"]["replicas"] == 2
    assert result[HPA]["spec"]["behavior"]
    assert result["ScaledObject/airflow-worker"]["spec"]["pollingInterval"] == 9


def test_all_mistakes_are_told_at_once() -> None:
    told = problems(
        airflow_overrides={
            "Deployment/airflow-triggerer": {"spec": {"replicas": "x"}},
            SCHEDULER: {"metadata": {"name": "x"}},
            "Job/airflow-migrate": {"spec": {"backoffLimit": "x"}},
            "Pod/airflow-worker": {"spec": {"hostNetwork": "x"}},
        },
        airflow_json_patches={"Service/airflow-api-server": [{"op": "x"}]},
        airflow_extra_manifests=[{"kind": "x"}],
    )
    assert len(told) == 6


@pytest.mark.parametrize(
    "variables",
    [
        {"airflow_overrides": {SCHEDULER: None}},
        {"airflow_overrides": {SCHEDULER: [1]}},
        {"airflow_overrides": [SCHEDULER]},
        {"airflow_json_patches": {SCHEDULER: {"op": "remove"}}},
        {"airflow_json_patches": {SCHEDULER: [None]}},
        {"airflow_extra_manifests": {}},
    ],
)
def test_variables_of_another_shape_are_refused(variables: Object) -> None:
    assert problems(**variables)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a$", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["a", "name", "labels", "metadata", "spec", "template", "containers", "$patch", "kind", "env"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
STEPS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "replace", "remove", "move", "copy", "test"]),
        "path": st.sampled_from(["", "/spec", "/spec/template/spec/containers/0", "/metadata/labels", "/metadata/x"]),
        "from": st.sampled_from(["/spec", "/kind", "/metadata"]),
        "value": JSON,
    }
)


@given(st.sampled_from([*sorted(PLAIN), "Job/airflow-migrate", "*/*"]), JSON, st.lists(STEPS | JSON, max_size=2))
def test_whatever_is_written_is_taken_or_refused(target: str, patch: t.Any, steps: list[t.Any]) -> None:
    try:
        result, told = rendered(airflow_overrides={target: patch}, airflow_json_patches={target: steps}), []
    except SpecError as error:
        result, told = PLAIN, error.problems
    assert set(result) == set(PLAIN)
    assert [problem for problem in told if not problem.startswith(("airflow_", "Pod/airflow-worker has no"))] == []


def test_the_golden_case_shows_them() -> None:
    values = load(CASES["everything"])
    assert values.instance.overrides
    assert values.instance.json_patches
    assert values.extra.manifests


def examples() -> list[Object]:
    """The variables that the documentation shows."""
    text = (pathlib.Path(__file__).parents[5] / "docs/overrides.md").read_text()
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("number", range(len(examples())))
def test_what_the_documentation_shows_works(number: int) -> None:
    example = examples()[number]
    # Files are for those who read them.
    manifests = [item for item in example.get("airflow_extra_manifests", []) if isinstance(item, dict)]
    base = {**BASE, "airflow_instance": "analytics"}
    assert render_all(load({**base, **example, "airflow_extra_manifests": manifests})) != render_all(load(base))
