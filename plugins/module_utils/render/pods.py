# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pods: what all of Airflow's containers share.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import dags, log_store, names, placement
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, compact, image, merged
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Pods, Values

AIRFLOW_USER = 50000
POSTGRES_USER = 999
NOBODY = 65534

# Pod Security Standard "restricted", and a root file system that nobody can write to.
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod_security(user: int, group: int) -> Object:
    """Security context of a pod. Airflow's image wants group 0, whatever the user (OpenShift gives any)."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": group,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def secret_env(variable: str, secret: str, key: str) -> Object:
    """An environment variable from a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def database_env(values: Values, key: str = "connection") -> list[Object]:
    """Access to the database and to what is encrypted in it.

    Airflow 3 opens some connections by asyncpg, which knows other URL parameters than psycopg2 and prepared statements
    that a pooler in transaction mode loses, so it gets an address of its own, straight to the server.
    """
    metadata = names.name(values, "metadata")
    return [
        secret_env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", metadata, key),
        *(
            [secret_env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC", metadata, "connection-async")]
            if values.major >= 3
            else []
        ),
        secret_env("AIRFLOW__CORE__FERNET_KEY", names.name(values, "fernet-key"), "fernet-key"),
    ]


def jwt_env(values: Values) -> list[Object]:
    """The secret that signs API tokens: whoever has it can be anybody (Airflow 3)."""
    if values.major < 3:
        return []
    return [secret_env("AIRFLOW__API_AUTH__JWT_SECRET", names.name(values, "jwt-secret"), "jwt-secret")]


def web_secret_env(values: Values) -> list[Object]:
    """The secret of web sessions and of the log servers."""
    if values.major >= 3:
        return [secret_env("AIRFLOW__API__SECRET_KEY", names.name(values, "api-secret-key"), "api-secret-key")]
    return [
        secret_env("AIRFLOW__WEBSERVER__SECRET_KEY", names.name(values, "webserver-secret-key"), "webserver-secret-key")
    ]


def environment(*variables: t.Any) -> list[t.Any]:
    """Variables of which a later one takes the place of one with its name: server-side apply refuses two.

    What has no name is handed on, for the API server to refuse.
    """
    named = {
        str(variable["name"]) if isinstance(variable, dict) and "name" in variable else number: variable
        for number, variable in enumerate(variables)
    }
    return list(named.values())


def airflow_args(*arguments: str) -> list[str]:
    """Arguments of a container that runs a command of ``airflow``; it mounts ``names.START_FILE``."""
    return ["python", f"{names.AIRFLOW_HOME}/{names.START_FILE}", *arguments]


def heartbeat_probes(job_type: str) -> Object:
    """Probes of a component that has no HTTP server: is its heartbeat in the database fresh?

    The container mounts ``names.HEARTBEAT_FILE``.
    """
    command = ["python", f"{names.AIRFLOW_HOME}/{names.HEARTBEAT_FILE}", job_type]
    return {
        # Five minutes, since a start is slow where CPU is short; none takes less than the delay.
        "startupProbe": {
            "exec": {"command": [*command, "--started"]},
            "initialDelaySeconds": 3,
            "periodSeconds": 2,
            "timeoutSeconds": 10,
            "failureThreshold": 150,
        },
        "livenessProbe": {
            "exec": {"command": command},
            "periodSeconds": 30,
            "timeoutSeconds": 20,
            "failureThreshold": 5,
        },
    }


def log_volume(values: Values) -> Object:
    """The shared volume of task logs, or scratch space."""
    if values.logging.store != "volume":
        return {"name": "logs", "emptyDir": {}}
    volume = values.logging.volume
    return {"name": "logs", "persistentVolumeClaim": {"claimName": volume.existing_claim or names.name(values, "logs")}}


def with_log_store(values: Values, component: str, container: Object) -> Object:
    """A component's main container with what it needs to reach the log store; what a person sets comes later."""
    return {
        **container,
        "env": environment(*log_store.env(values, component), *container["env"]),
        "volumeMounts": [*container["volumeMounts"], *log_store.mounts(values, component)],
    }


def config_mount(file: str) -> Object:
    """A file of the instance's ConfigMap in Airflow's home."""
    return {"name": "config", "mountPath": f"{names.AIRFLOW_HOME}/{file}", "subPath": file, "readOnly": True}


def canary_mount(values: Values) -> list[Object]:
    """As a single file: in a ConfigMap mounted as a folder, Airflow's walk over the links ends in an error."""
    if not values.verify.canary:
        return []
    folder = names.CANARY_FOLDER if values.major >= 3 else names.DAGS_FOLDER
    return [
        {"name": "canary", "mountPath": f"{folder}/{names.CANARY_FILE}", "subPath": names.CANARY_FILE, "readOnly": True}
    ]


SIGNAL_ONE_PROCESS = {"name": "DUMB_INIT_SETSID", "value": "0"}
"""Of the image's init process: it passes a signal on to the process that it started, not to all below that one."""

# What cluster autoscalers are told. A node is kept while it has what would start anew elsewhere (tasks, Jobs in the
# midst of their work), or the only database or broker, which all else waits for. Anything else may be moved, which the
# cluster autoscaler wants to be told of pods with scratch volumes.
STAYS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
MOVES = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}


def airflow_container(
    values: Values,
    pods: Pods,
    name: str,
    *,
    args: list[str] | None = None,
    env: t.Sequence[Object] = (),
    mounts: t.Sequence[Object] = (),
    **body: t.Any,
) -> Object:
    """A container of Airflow's image."""
    return {
        "name": name,
        "image": image(values, values.instance.image, values.instance.version),
        "imagePullPolicy": values.instance.image.pull_policy,
        "args": args,
        "env": environment(
            # The image's entrypoint would start all of Airflow once more to check the database; the play has done so.
            {"name": "CONNECTION_CHECK_MAX_COUNT", "value": "0"},
            *env,
            *values.core.env,
            *pods.env,
        ),
        "envFrom": [*values.core.env_from, *pods.env_from],
        "resources": pods.resources,
        "securityContext": merged(CONTAINER_SECURITY, pods.container_security_context),
        "volumeMounts": [
            config_mount("airflow.cfg"),
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "logs", "mountPath": names.LOGS_FOLDER},
            *mounts,
            *pods.volume_mounts,
        ],
        **body,
    }


def airflow_pod(
    values: Values,
    component: str,
    pods: Pods,
    container: Object,
    *,
    volumes: t.Sequence[Object] = (),
    automount: bool = False,
    with_dags: bool = True,
    runs_tasks: bool = False,
    **body: t.Any,
) -> Object:
    """A pod (template) of one Airflow container: ``volumes``, and those of all components that it mounts besides.

    What needs DAGs gets what brings them, too, unless it is to do without (``with_dags``).
    """
    container = with_log_store(values, component, container)
    once = body.get("restartPolicy") == "Never"
    delivered = (
        dags.delivery(values, component, once=once, security=CONTAINER_SECURITY) if with_dags else dags.Delivery()
    )
    container = {
        **container,
        "env": environment(*delivered.env, *container["env"]),
        "volumeMounts": [*container["volumeMounts"], *delivered.mounts],
    }
    volumes = [*volumes, *delivered.volumes]
    missing = {mount["name"] for mount in container["volumeMounts"]} - {volume["name"] for volume in volumes}
    shared = [
        {"name": "config", "configMap": {"name": names.name(values, "config")}},
        {"name": "tmp", "emptyDir": {}},
        log_volume(values),
        {"name": "canary", "configMap": {"name": names.name(values, "canary")}},
        *log_store.volumes(values, component),
    ]
    wanted = [volume for volume in shared if volume["name"] in missing]
    return pod(
        values,
        component,
        pods,
        container,
        security=pod_security(AIRFLOW_USER, 0),
        volumes=[*wanted, *volumes],
        automount=automount,
        stays=runs_tasks,
        init_containers=delivered.init_containers,
        sidecars=delivered.containers,
        **body,
    )


def pod(
    values: Values,
    component: str,
    pods: Pods,
    container: Object,
    *,
    security: Object,
    volumes: t.Sequence[Object] = (),
    automount: bool = False,
    stays: bool = False,
    selector: Object | None = None,
    grace_seconds: int = 30,
    init_containers: t.Sequence[Object] = (),
    sidecars: t.Sequence[Object] = (),
    **body: t.Any,
) -> Object:
    """Metadata and spec of a pod; ``selector`` as in ``placement.spec``."""
    once = body.get("restartPolicy") == "Never"
    spec = {
        "serviceAccountName": names.service_account(values, component),
        # A token of the Kubernetes API only where the component speaks to it.
        "automountServiceAccountToken": automount,
        "securityContext": merged(security, pods.security_context),
        "imagePullSecrets": [{"name": name} for name in values.instance.image_pull_secrets],
        "terminationGracePeriodSeconds": (
            grace_seconds if pods.termination_grace_period_seconds is None else pods.termination_grace_period_seconds
        ),
        "initContainers": [*init_containers, *pods.init_containers],
        "containers": [container, *sidecars, *pods.containers],
        "volumes": [*volumes, *pods.volumes],
        **placement.spec(values, component, pods, selector),
        # Environment variables for every Service of the namespace would only be in the way.
        "enableServiceLinks": False,
        **body,
    }
    metadata = {
        "labels": {**names.labels(values, component), **pods.labels},
        "annotations": {**values.instance.annotations, **(STAYS if stays or once else MOVES), **pods.annotations},
    }
    return t.cast("Object", compact({"metadata": metadata, "spec": spec}))
