"""Autoscaling that cannot be: each mistake is named by its variable, and says what to do."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec import references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import BASE

CELERY: dict[str, t.Any] = {**BASE, "airflow_core_executor": "CeleryExecutor"}
SETS: dict[str, t.Any] = {
    **CELERY,
    "airflow_celery_workers": {"default": {}, "heavy": {"queues": ["heavy"]}, "more": {"queues": ["heavy", "x"]}},
}


def keda(**options: t.Any) -> dict[str, t.Any]:
    return {**CELERY, "airflow_autoscaling_workers": {"default": options}}


def hpa(**options: t.Any) -> dict[str, t.Any]:
    return {**BASE, "airflow_autoscaling_api_server": options}


def vertical(mode: str) -> dict[str, t.Any]:
    return {"airflow_vertical_autoscaling": {"enabled": True, "mode": mode}}


CPU = {
    "type": "ContainerResource",
    "containerResource": {
        "name": "cpu",
        "container": "api-server",
        "target": {"type": "Utilization", "averageUtilization": 50},
    },
}
METRIC = {
    "type": "External",
    "external": {"metric": {"name": "requests"}, "target": {"type": "Value", "value": "10"}},
}


TABLE: list[tuple[dict[str, t.Any], str]] = [
    (keda(min=5, max=2), r"airflow_autoscaling_workers\.default\.min is 5, which is more than .*\.max, 2: exchange"),
    (keda(min=11), r"min is 11, which is more than airflow_autoscaling_workers\.default\.max, 10"),
    (keda(min=-1), r"airflow_autoscaling_workers\.default\.min"),
    (keda(max=0), r"airflow_autoscaling_workers\.default\.max"),
    (keda(pollingInterval=0), r"airflow_autoscaling_workers\.default\.pollingInterval"),
    (keda(poling_interval=1), r"airflow_autoscaling_workers\.default\.poling_interval.*did you mean 'pollingInterval'"),
    (keda(fallback={}), r"fallback\.replicas is required"),
    (keda(max=2, fallback={"replicas": 3}), r"fallback\.replicas is 3, which is more than .*\.max, 2: set a smaller"),
    ({**BASE, "airflow_autoscaling_workers": {"default": {}}}, r"which has no Celery workers: add CeleryExecutor"),
    ({**BASE, "airflow_autoscaling_workers_hpa": {"default": {}}}, r"_hpa is given, but airflow_core_executor is"),
    (
        {**SETS, "airflow_autoscaling_workers": {"heavi": {}}},
        r"airflow_autoscaling_workers\.heavi is no set of workers \(did you mean 'heavy'\?\): name one of ",
    ),
    (
        {**keda(), "airflow_autoscaling_workers_hpa": {"default": {}}},
        r"_hpa\.default has an autoscaler by airflow_autoscaling_workers already",
    ),
    (
        {**SETS, "airflow_autoscaling_workers": {"heavy": {}}},
        r"the queue 'heavy' is in the sets heavy and more of airflow_celery_workers, .*: give the queue to one set",
    ),
    (
        {**SETS, "airflow_autoscaling_workers": {"default": {}, "more": {}}},
        r"the queue 'heavy' is in the sets heavy and more",
    ),
    (
        {
            **keda(),
            "airflow_version": "2.11.2",
            "airflow_core_executor": "CeleryKubernetesExecutor",
            "airflow_celery_workers": {"default": {"queues": ["default", "kubernetes"]}},
        },
        r"airflow_celery_workers\.default\.queues has 'kubernetes', whose tasks the CeleryKubernetesExecutor runs in",
    ),
    (
        {**BASE, "airflow_core_triggerer": {"enabled": False}, "airflow_autoscaling_triggerer": {}},
        r"airflow_autoscaling_triggerer is given, but airflow_core_triggerer\.enabled is false",
    ),
    (
        {
            **keda(),
            "airflow_instance": "a" * 40,
            "airflow_celery_workers": {"default": {}, "b" * 12: {"queues": ["b"]}},
            "airflow_autoscaling_workers": {"b" * 12: {}},
        },
        r"which is longer than the 54 characters that KEDA takes",
    ),
    ({**BASE, "airflow_autoscaling_api_server": {"cpu": 0}}, r"has nothing to go by: set cpu or memory"),
    ({**BASE, "airflow_autoscaling_api_server": {"min": 0}}, r"airflow_autoscaling_api_server\.min"),
    (hpa(metrics=[{"type": "resource"}]), r"metrics\[0\]\.type is .resource., which is none of Resource, Container"),
    (hpa(metrics=[{"type": "Resource"}]), r"metrics\[0\]\.resource is required where type is Resource"),
    (
        keda(advanced={"horizontalPodAutoscalerConfig": {"behaviour": {}}}),
        r"advanced\.horizontalPodAutoscalerConfig\.behaviour is nothing that KEDA knows there.*'behavior'",
    ),
    (
        keda(advanced={"horizontalPodAutoscalerConfig": {"behavior": {"scaledown": {}}}}),
        r"horizontalPodAutoscalerConfig\.behavior\.scaledown is nothing that Kubernetes knows there.*'scaleDown'",
    ),
    (keda(advanced={"behavior": {}}), r"airflow_autoscaling_workers\.default\.advanced\.behavior is nothing that KEDA"),
    (
        keda(advanced={"horizontalPodAutoscalerConfig": []}),
        r"advanced\.horizontalPodAutoscalerConfig must be a mapping, not a list",
    ),
    (
        {**hpa(), **vertical("Recreate")},
        r"airflow_autoscaling_api_server goes by CPU or memory, and so does airflow_vertical_autoscaling, whose mode "
        r"'Recreate' changes the requests that both go by: set the mode to 'Off', or name other metrics",
    ),
    ({**hpa(cpu=0, metrics=[CPU]), **vertical("Initial")}, r"whose mode 'Initial' changes the requests"),
    (
        {**keda(), "airflow_autoscaling_database": {"user": "airflow"}},
        r"airflow_autoscaling_database\.user is 'airflow', as Airflow's own user",
    ),
]


@pytest.mark.parametrize(("variables", "told"), TABLE)
def test_a_mistake_is_told(variables: dict[str, t.Any], told: str) -> None:
    with pytest.raises(SpecError, match=told) as caught:
        load(variables)
    assert len(caught.value.problems) == 1


def test_pods_may_be_made_larger_where_others_say_how_many() -> None:
    load({**hpa(), **vertical("Off")})
    load({**hpa(cpu=0, metrics=[METRIC]), **vertical("Recreate")})
    load({**keda(), **vertical("Recreate")})
    load({**hpa(), "airflow_vertical_autoscaling": {"mode": "Recreate"}})


def test_a_queue_in_two_sets_is_nobodys_business_without_autoscaling() -> None:
    load(SETS)
    load({**SETS, "airflow_autoscaling_workers": {"default": {}}})
    load({**SETS, "airflow_autoscaling_workers_hpa": {"heavy": {}, "more": {}}})


def test_a_secret_of_ones_own_is_looked_for() -> None:
    variables = {**keda(), "airflow_autoscaling_database": {"credentials": {"name": "reader"}}}
    named = references.Reference("airflow_autoscaling_database.credentials.name", "Secret", "reader")
    assert named in set(references.references(load(variables)))
    assert named not in set(references.references(load({**variables, "airflow_autoscaling_workers": {}})))
