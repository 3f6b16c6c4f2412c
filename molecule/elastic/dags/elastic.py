"""What verify.yml runs: many tasks for each of two queues, and pods of a team with and without its labels."""

from __future__ import annotations

import time

import pendulum
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG, task
from kubernetes.client import models as k8s

# Pod Security "restricted".
RESTRICTED = k8s.V1SecurityContext(
    run_as_non_root=True,
    run_as_user=50000,
    allow_privilege_escalation=False,
    capabilities=k8s.V1Capabilities(drop=["ALL"]),
    seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
)


def dag(dag_id: str, **options: object) -> DAG:
    start = pendulum.datetime(2024, 1, 1)
    return DAG(dag_id, schedule=None, start_date=start, is_paused_upon_creation=False, **options)


for queue, count in {"default": 40, "heavy": 4}.items():
    with dag(queue, max_active_tasks=count):

        @task(queue=queue, retries=0)
        def work(number: int) -> int:
            time.sleep(3)
            return number

        work.expand(number=list(range(count)))

for dag_id, labels in {"labelled": {"team": "data", "cost-centre": "4711"}, "unlabelled": {}}.items():
    with dag(dag_id):
        KubernetesPodOperator(
            task_id="pod",
            retries=0,
            namespace="elastic-data",
            service_account_name="elastic-tasks",
            image="localhost/airflow:3.3.2",
            cmds=["python", "-c", "print('a pod of the team')"],
            labels=labels,
            container_resources=k8s.V1ResourceRequirements(
                requests={"cpu": "50m", "memory": "64Mi"}, limits={"memory": "256Mi"}
            ),
            container_security_context=RESTRICTED,
            automount_service_account_token=False,
            # verify.yml looks where it has landed.
            on_finish_action="keep_pod",
        )
