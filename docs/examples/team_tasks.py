"""Tasks of a team: two in pods of their own (one ends well, one fails), and one with an ``executor_config``.

For an instance ``analytics`` of Airflow 3 with ``airflow_rbac_teams: {data: {namespaceManaged: true}}`` and the
executors ``LocalExecutor,KubernetesExecutor``; see docs/teams.md.
"""

from __future__ import annotations

import pendulum
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import dag, task
from kubernetes.client import models as k8s

NAMESPACE = "analytics-data"
SERVICE_ACCOUNT = "analytics-tasks"
IMAGE = "docker.io/library/python:3.13-slim"
LABELS = {"team": "data", "cost-centre": "4711"}
# One of yours in the namespace of the instance, which airflow_extra_manifests can make.
TASK_ACCOUNT = "configured"

RESOURCES = k8s.V1ResourceRequirements(
    requests={"cpu": "50m", "memory": "64Mi"}, limits={"cpu": "500m", "memory": "256Mi"}
)
# What the Pod Security Standard "restricted" wants.
RESTRICTED = k8s.V1SecurityContext(
    run_as_non_root=True,
    run_as_user=50000,
    allow_privilege_escalation=False,
    capabilities=k8s.V1Capabilities(drop=["ALL"]),
    seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
)
POD = {
    "namespace": NAMESPACE,
    "service_account_name": SERVICE_ACCOUNT,
    "image": IMAGE,
    "cmds": ["python", "-c"],
    "labels": LABELS,
    "container_resources": RESOURCES,
    "container_security_context": RESTRICTED,
    "automount_service_account_token": False,
    "get_logs": True,
}


@dag(dag_id="team_tasks", schedule=None, start_date=pendulum.datetime(2024, 1, 1), default_args={"retries": 0})
def team_tasks() -> None:
    """Tasks that do not wait for each other, so that each ends in its own way."""
    KubernetesPodOperator(task_id="passes", arguments=["print('a pod of its own')"], **POD)
    KubernetesPodOperator(task_id="fails", arguments=["raise SystemExit('as it should')"], **POD)

    # The first executor of the list needs not be named.
    @task(
        executor="KubernetesExecutor",
        executor_config={
            "pod_override": k8s.V1Pod(
                metadata=k8s.V1ObjectMeta(labels=LABELS, annotations={"iam.amazonaws.com/role": "data-reader"}),
                spec=k8s.V1PodSpec(
                    service_account_name=TASK_ACCOUNT,
                    containers=[
                        k8s.V1Container(
                            name="base",
                            resources=k8s.V1ResourceRequirements(
                                requests={"cpu": "50m", "memory": "256Mi"}, limits={"memory": "768Mi"}
                            ),
                        )
                    ],
                ),
            )
        },
    )
    def configured() -> str:
        return "with resources, an annotation and an identity of its own"

    configured()


team_tasks()
