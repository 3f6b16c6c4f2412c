"""playbooks/site.yml with plans that cannot be: what scales is missing or misled, a namespace or room is not there.

One clear sentence each, in a run as in check mode, and nothing changed.
"""

from __future__ import annotations

import pathlib

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import kubectl
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from tests.api.conftest import know_keda, kubectl_of
from tests.api.plays import classes
from tests.api.test_bad_input import Site, Variables

CELERY: Variables = {"airflow_core_executor": "CeleryExecutor"}
SETS: Variables = {**CELERY, "airflow_celery_workers": {"default": {}, "more": {"queues": ["default", "more"]}}}
LOST: Variables = {
    "airflow_logging_store": "none",
    "airflow_logging_loss_accepted": True,
    "airflow_logging_volume": {},
}
METRIC = {
    "type": "External",
    "external": {"metric": {"name": "requests"}, "target": {"type": "Value", "value": "10"}},
}

# By host: its variables, and how its only obstacle is told, with what to do.
PLANS: dict[str, tuple[Variables, list[str]]] = {
    "keda": (
        {**CELERY, "airflow_autoscaling_workers": {"default": {}}, "airflow_autoscaling_triggerer": {}},
        [
            "airflow_autoscaling_workers and airflow_autoscaling_triggerer needs KEDA, but the cluster serves no "
            "keda.sh/v1alpha1: have it installed first, or leave the variable out"
        ],
    ),
    "metrics": (
        {"airflow_autoscaling_api_server": {"max": 2}},
        [
            "airflow_autoscaling_api_server needs a metrics server, but the cluster serves no metrics.k8s.io/v1beta1: "
            "have it installed first"
        ],
    ),
    "bounds": (
        {**CELERY, "airflow_autoscaling_workers": {"default": {"min": 3, "max": 2}}},
        ["airflow_autoscaling_workers.default.min is 3, which is more than", ".max, 2: exchange them"],
    ),
    "twice": (
        {**SETS, "airflow_autoscaling_workers": {"more": {}}},
        ["the queue 'default' is in the sets default and more of airflow_celery_workers", "give the queue to one set"],
    ),
    "replicas": (
        {
            **CELERY,
            "airflow_autoscaling_workers": {"default": {}},
            "airflow_overrides": {"Deployment/replicas-worker": {"spec": {"replicas": 2}}},
        },
        [
            "airflow_overrides.Deployment/replicas-worker would make 2 of spec.replicas of Deployment/replicas-worker, "
            "which an autoscaler sets: leave it out, and set airflow_autoscaling_workers.default.min"
        ],
    ),
    "bottom": (
        {
            "airflow_autoscaling_api_server": {},
            "airflow_json_patches": {
                "HorizontalPodAutoscaler/bottom-api-server": [
                    {"op": "replace", "path": "/spec/minReplicas", "value": 9}
                ]
            },
        },
        ["would make 9 of spec.minReplicas", "which airflow_autoscaling_api_server.min says: set that instead"],
    ),
    "mine": (
        {
            "airflow_extra_manifests": [
                {
                    "apiVersion": "autoscaling/v2",
                    "kind": "HorizontalPodAutoscaler",
                    "metadata": {"name": "mine"},
                    "spec": {
                        "maxReplicas": 3,
                        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mine-scheduler"},
                    },
                }
            ]
        },
        ["HorizontalPodAutoscaler/mine scales Deployment/mine-scheduler, whose spec.replicas", "leave one of the two"],
    ),
    "team": (
        {"airflow_rbac_teams": {"data": {"namespace": "nobody-made-it"}}},
        ["airflow_rbac_teams.data.namespace is 'nobody-made-it'", "does not exist: have it made first, or set"],
    ),
    "team-room": (
        {
            **LOST,
            "airflow_core_executor": "KubernetesExecutor",
            "airflow_rbac_teams": {
                "data": {"namespaceManaged": True, "kubernetesExecutor": True, "quota": {"requests.memory": "100Mi"}}
            },
        },
        [
            "ResourceQuota/team-room-quota allows 100Mi of requests.memory, but the instance needs 256Mi",
            "raise it (airflow_rbac_teams.data.quota)",
        ],
    ),
    "limits": (
        {"airflow_rbac_limit_range": [{"type": "Container", "max": {"memory": "1Gi"}}]},
        [
            "airflow_rbac_limit_range lets a container have 1Gi of memory at most, which forbids the instance's own: ",
            "2048Mi in container scheduler of Deployment/limits-scheduler",
        ],
    ),
    "objects": (
        {"airflow_rbac_quota": {"count/deployments.apps": "3"}},
        ["ResourceQuota/objects-quota allows 3 of count/deployments.apps, but the instance needs 4"],
    ),
    "connections": (
        {"airflow_autoscaling_api_server": {"max": 30}},
        ["airflow_database_max_connections is 200", "api-server 150 (airflow_autoscaling_api_server.max is 30)"],
    ),
}

# What scales by a metric that the cluster does not have is counted, too.
ROOM: tuple[Variables, list[str]] = (
    {
        "airflow_rbac_quota": {"pods": "20"},
        "airflow_autoscaling_api_server": {"max": 30, "cpu": 0, "metrics": [METRIC]},
        "airflow_database_max_connections": 500,
    },
    [
        "2 obstacles: airflow_autoscaling_api_server needs an adapter of external metrics, but the cluster serves no "
        "external.metrics.k8s.io: have it installed first, or leave the variable out; "
        "ResourceQuota/room-quota allows 20 of pods, but the instance needs 35 (34 with all pods that autoscalers "
        "may start (Deployment/room-api-server 30), 1 for a pod that a rollout, a CronJob or a task starts): raise it "
        "(airflow_rbac_quota"
    ],
)


def test_a_plan_that_cannot_be_is_told_in_one_sentence_before_the_first_change(
    bare_kubeconfig: str, keda_manifests: list[kubectl.Object], tmp_path: pathlib.Path
) -> None:
    cluster = connect({"kubeconfig": bare_kubeconfig})
    site = Site(kubeconfig=bare_kubeconfig, cluster=cluster, folder=tmp_path)
    with classes(cluster):
        for arguments in ((), ("--check",)):
            told = site.refused(PLANS, *arguments)
            assert [host for host, message in told.messages.items() if "obstacles: " in message] == []
        site.refused({"room": ROOM})
        know_keda(kubectl_of(bare_kubeconfig), keda_manifests)
        words = "needs KEDA's metrics server, but the cluster serves no external.metrics.k8s.io/v1beta1: have it"
        site.refused({"keda": (PLANS["keda"][0], [words])})
