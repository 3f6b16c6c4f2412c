# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What no single variable can tell: rules across variables. Each rule yields a sentence for every mistake it finds.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.spec import (
    airflow_options,
    autoscaling_rules,
    capacity,
    counts,
    dag_rules,
    executors,
    kubernetes,
    placement,
    team_rules,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.database_kinds import MYSQL, POSTGRESQL
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below, camel, said, suggestion
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    CeleryWorkers,
    Image,
    LogStore,
    LogVolume,
    OpensearchLogs,
    PodPlacement,
    Pods,
    Scheduler,
    SearchLogs,
    Values,
    WasbLogs,
    Workers,
    Workload,
)

MINIMUM_VERSION = (2, 11)
NEWEST_MAJOR = 3

# Volumes that the collection gives pods, which can have each once only; and environment variables that something else
# of the instance has to agree with, with what to set instead.
AIRFLOW_VOLUMES = frozenset({"config", "tmp", "logs", "canary", "pod-template", "log-store", "log-store-ca"})
OWN_VOLUMES = {
    "airflow_database_postgres": frozenset({"data", "run", "tmp"}),
    "airflow_database_pgbouncer": frozenset({"config", "tmp"}),
    "airflow_celery_redis": frozenset({"data", "tmp"}),
}
AIRFLOW_ENV: dict[str, str] = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "airflow_database_host and what goes with it",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "airflow_database_host and what goes with it",
    "AIRFLOW__CORE__FERNET_KEY": "airflow_core_fernet_key",
    "AIRFLOW__CORE__EXECUTOR": "airflow_core_executor",
    "AIRFLOW__API_AUTH__JWT_SECRET": "airflow_core_jwt_secret",
    "AIRFLOW__API__SECRET_KEY": "airflow_core_api_secret_key",
    "AIRFLOW__WEBSERVER__SECRET_KEY": "airflow_core_api_secret_key",
    "AIRFLOW__CELERY__BROKER_URL": "airflow_celery_broker",
    "AIRFLOW__CELERY__RESULT_BACKEND": "airflow_celery_result_backend",
    "AIRFLOW__CELERY__FLOWER_BASIC_AUTH": "airflow_celery_flower",
    "DUMB_INIT_SETSID": "airflow_overrides",
}
OWN_ENV: dict[str, dict[str, str]] = {
    "airflow_database_postgres": {
        "POSTGRES_USER": "airflow_database_user",
        "POSTGRES_PASSWORD": "airflow_database_password",
        "POSTGRES_DB": "airflow_database_name",
    },
    "airflow_database_pgbouncer": {},
    "airflow_celery_redis": {"REDISCLI_AUTH": "airflow_celery_broker_password"},
}


def pods(values: Values) -> t.Iterator[tuple[str, str, Pods]]:
    """The path of the variable, the main container and the shape of all pods that the instance runs."""
    core, database = values.core, values.database
    yield "airflow_core_api_server", values.web_component, core.api_server
    yield "airflow_core_scheduler", "scheduler", core.scheduler
    yield "airflow_core_dag_processor", "dag-processor", core.dag_processor
    if core.triggerer.enabled:
        yield "airflow_core_triggerer", "triggerer", core.triggerer
    if values.runs_kubernetes:
        yield "airflow_core_workers", "base", core.workers
        if core.kubernetes_executor.cleanup.enabled:
            yield "airflow_core_kubernetes_executor.cleanup", "cleanup", core.kubernetes_executor.cleanup
    for name, wanted in values.worker_sets.items():
        yield below("airflow_celery_workers", name), "worker", wanted
    if values.runs_celery and values.celery.flower.enabled:
        yield "airflow_celery_flower", "flower", values.celery.flower
    if values.runs_celery and values.celery.broker.provider == "embedded":
        yield "airflow_celery_redis", "redis", values.celery.redis
    if database.provider == "embedded":
        yield "airflow_database_postgres", "postgresql", database.postgres
    if database.pgbouncer.enabled:
        yield "airflow_database_pgbouncer", "pgbouncer", database.pgbouncer
    if database.cleanup.enabled:
        yield "airflow_database_cleanup", "db-cleanup", database.cleanup


# --- the instance -------------------------------------------------------------------------------------------------


def version(values: Values) -> t.Iterator[str]:
    """The collection knows Airflow from 2.11 on, and no major version that does not exist yet."""
    if values.release < MINIMUM_VERSION:
        yield f"airflow_version is {values.instance.version}, but the oldest Airflow that can be run is 2.11"
    if values.major > NEWEST_MAJOR:
        yield f"airflow_version is {values.instance.version}, but the newest Airflow that is known is {NEWEST_MAJOR}.x"


def tag_of_version(values: Values) -> t.Iterator[str]:
    """The official image's tag tells which version is in it."""
    image, wanted = values.instance.image, values.instance.version
    found = re.match(r"(slim-)?([0-9]+\.[0-9]+\.[0-9]+)(?![0-9.])", image.tag or "")
    if found and (image.repository or "").endswith("apache/airflow") and not wanted.startswith(found[2]):
        yield (
            f"airflow_image.tag is {said(image.tag)}, but airflow_version is {wanted}: set airflow_version to "
            f"{found[2]}, or take another tag"
        )


def system_namespace(values: Values) -> t.Iterator[str]:
    """Namespaces that belong to Kubernetes itself, or to everybody."""
    if values.namespace.startswith("kube-"):
        yield f"airflow_namespace is {said(values.namespace)}, but kube-* is Kubernetes' own: choose another one"
    elif values.rbac.namespace_managed and values.namespace == kubernetes.DEFAULT_NAMESPACE:
        yield (
            f"airflow_namespace is {said(values.namespace)}, and the Pod Security Standard that "
            "airflow_rbac_namespace_managed sets there would bind everybody's pods: choose another one, or set "
            "airflow_rbac_namespace_managed to false"
        )


def images_pinned(values: Values) -> t.Iterator[str]:
    """Where digests are demanded, every image that will run has one."""
    if not values.instance.image_digests_required:
        return
    for path, image in images(values):
        if not image.digest:
            yield f"{path}.digest is required, because airflow_image_digests_required is true"
    for path, _main, shape in pods(values):
        for place, container in _containers(path, shape):
            if "@sha256:" not in str(container.get("image")):
                yield f"{place}.image must end in @sha256:<digest>, because airflow_image_digests_required is true"


def images(values: Values) -> t.Iterator[tuple[str, Image]]:
    """Every image that the instance runs, with the path of its variable."""
    yield "airflow_image", values.instance.image
    if values.database.provider == "embedded":
        yield "airflow_database_postgres.image", values.database.postgres.image
    if values.database.pgbouncer.enabled:
        yield "airflow_database_pgbouncer.image", values.database.pgbouncer.image
    if values.git_sync.repositories:
        yield "airflow_git_sync_image", values.git_sync.image
    if values.runs_celery and values.celery.broker.provider == "embedded":
        yield "airflow_celery_redis.image", values.celery.redis.image
    if values.logging.shipper.enabled:
        yield "airflow_logging_shipper.image", values.logging.shipper.image


# --- the database -------------------------------------------------------------------------------------------------


def external_database(values: Values) -> t.Iterator[str]:
    """An external database has a host, an embedded one none."""
    database = values.database
    if database.provider == "external" and not database.host:
        yield "airflow_database_host is required where airflow_database_provider is 'external'"
    if database.provider == "external":
        return
    set_it = "set airflow_database_provider to 'external'"
    if database.host:
        yield (
            f"airflow_database_host is '{database.host}', but airflow_database_provider is 'embedded', which runs a "
            f"database of its own: {set_it}"
        )
    if database.credentials:
        yield f"airflow_database_credentials is for an external database; {set_it}"
    if database.port not in (None, POSTGRESQL.port):
        yield f"airflow_database_port is {database.port}, but the embedded database has 5432: leave it out, or {set_it}"
    if database.sslmode in ("require", "verify-ca", "verify-full"):
        yield (
            f"airflow_database_sslmode is '{database.sslmode}', but the embedded database has no certificate: leave it "
            f"out, or {set_it}"
        )


def mysql(values: Values) -> t.Iterator[str]:
    """MySQL is somebody else's, and is not asked for what only Postgres has."""
    database = values.database
    if database.kind != "mysql":
        return
    if database.provider == "embedded":
        yield (
            "airflow_database_kind is 'mysql', but airflow_database_provider is 'embedded', which runs Postgres: set "
            "airflow_database_provider to 'external' and airflow_database_host to your server, or leave the kind out"
        )
        return
    if database.pgbouncer.enabled:
        yield (
            "airflow_database_pgbouncer.enabled is true, but airflow_database_kind is 'mysql', which PgBouncer does "
            "not speak: leave PgBouncer out, and put a proxy of yours before MySQL if need be"
        )
    if database.sslmode not in MYSQL.tls:
        yield (
            f"airflow_database_sslmode is '{database.sslmode}', which the drivers of MySQL do not know: set it to one "
            f"of {', '.join(MYSQL.tls)}"
        )
    elif database.sslmode in ("require", "verify-full") and values.major >= 3 and not _async_arguments(values):
        yield (
            f"airflow_database_sslmode is '{database.sslmode}', but aiomysql, by which Airflow 3 opens some "
            "connections, can be told so by a Python object alone: set "
            "airflow_core_config.database.sql_alchemy_connect_args_async to the path of a dictionary with such an "
            "object in your image (docs/database.md), or set the mode to 'prefer'"
        )


def _async_arguments(values: Values) -> t.Any:
    return values.core.config.get("database", {}).get("sql_alchemy_connect_args_async")


def pool(values: Values) -> t.Iterator[str]:
    """PgBouncer serves more clients than it has connections, not fewer."""
    wanted = values.database.pgbouncer
    if wanted.enabled and wanted.pool_size > wanted.max_client_connections:
        yield (
            f"airflow_database_pgbouncer.poolSize is {wanted.pool_size}, which is more than "
            f"airflow_database_pgbouncer.maxClientConnections, {wanted.max_client_connections}: a pool has fewer "
            "connections than clients"
        )


# --- executors ----------------------------------------------------------------------------------------------------


def executors_of_version(values: Values) -> t.Iterator[str]:
    """Executors that another major version has."""
    yield from executors.of_version(values.core.executor, values.instance.version)


def celery_used(values: Values) -> t.Iterator[str]:
    """Workers that nobody would hand a task to."""
    given = {"airflow_celery_workers": values.celery.workers, "airflow_celery_flower": values.celery.flower.enabled}
    for variable in (name for name, is_given in given.items() if is_given and not values.runs_celery):
        yield (
            f"{variable} is given, but airflow_core_executor is {said(values.core.executor)}, which has no Celery "
            "workers: add CeleryExecutor to it, or leave the workers out"
        )


def kubernetes_used(values: Values) -> t.Iterator[str]:
    """What clears up after pods that nobody would make."""
    if values.core.kubernetes_executor.cleanup.enabled and not values.runs_kubernetes:
        yield (
            f"airflow_core_kubernetes_executor.cleanup is enabled, but airflow_core_executor is "
            f"{said(values.core.executor)}, which has no pods of tasks to clean up: add KubernetesExecutor to it, or "
            "leave the cleanup out"
        )


def celery_broker(values: Values) -> t.Iterator[str]:
    """A broker of one's own has an address, an embedded one none."""
    broker = values.celery.broker
    parts = ("host", "port", "database", "user", "credentials")
    given = [camel(name) for name in parts if getattr(broker, name) is not None]
    if broker.provider == "embedded":
        for name in [*given, *(["urlSecret"] if broker.url_secret else [])]:
            yield (
                f"airflow_celery_broker.{name} is given, but airflow_celery_broker.provider is 'embedded', which runs "
                "a Redis of its own: set the provider to 'external', or leave it out"
            )
    elif broker.url_secret:
        for name in given:
            yield (
                f"airflow_celery_broker.{name} is given besides urlSecret, which holds the whole address: leave one "
                "of the two out"
            )
    elif not broker.host and broker.scheme != "sqs":
        yield (
            "airflow_celery_broker.host is required where the provider is 'external': name the host of the broker, or "
            "a Secret with its whole address by urlSecret"
        )
    if broker.user and broker.credentials:
        yield "airflow_celery_broker.user is given besides credentials, which hold the user: leave one of the two out"
    if broker.scheme.startswith("redis") and broker.database and not broker.database.isdecimal():
        yield (
            f"airflow_celery_broker.database is {said(broker.database)}, but Redis numbers its databases: write 0 to 15"
        )


def celery_workers(values: Values) -> t.Iterator[str]:
    """Sets of workers whose objects can have names, and whose options go together."""
    for name, wanted in values.worker_sets.items():
        path = below("airflow_celery_workers", name)
        # Pods of a StatefulSet have its name and a hash in a label of 63 characters.
        longest = (52 if wanted.persistence.enabled else 63) - len(f"{values.name}-worker-")
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name):
            yield f"{path} is no name of a set: lower-case letters, digits and dashes, from and to a letter or digit"
        elif len(name) > longest and name != "default":
            yield f"{path} is too long a name for a set of '{values.name}': at most {longest} characters"
    for path, wanted in _worker_sets(values):
        if not wanted.queues:
            yield f"{path}.queues is empty, so its workers would take no task: name a queue"
        for queue in {one for one in wanted.queues if wanted.queues.count(one) > 1}:
            yield f"{path}.queues has '{queue}' more than once: once is enough"
        if wanted.autoscale and wanted.autoscale.min > wanted.autoscale.max:
            yield (
                f"{path}.autoscale.min is {wanted.autoscale.min}, which is more than {path}.autoscale.max, "
                f"{wanted.autoscale.max}: exchange them"
            )
        if wanted.persistence.enabled and values.logging.store == "volume":
            yield (
                f"{path}.persistence is enabled while airflow_logging_store is 'volume', which keeps the same logs: "
                "switch one of the two off"
            )


def default_queue(values: Values) -> t.Iterator[str]:
    """Somebody takes the tasks that name no queue."""
    first = executors.listed(values.core.executor)[0]
    wanted = str(values.core.config.get("operators", {}).get("default_queue") or "default")
    taken = {queue for _path, one in _worker_sets(values) for queue in one.queues}
    if executors.CELERY in first.runs and wanted not in taken:
        yield (
            f"airflow_celery_workers has no set that takes the queue '{wanted}', so tasks that name no queue would "
            "wait for ever: add it to the queues of one, or set airflow_core_config.operators.default_queue"
        )


def _worker_sets(values: Values) -> t.Iterator[tuple[str, CeleryWorkers]]:
    for name, wanted in values.worker_sets.items():
        yield below("airflow_celery_workers", name), wanted


# --- workloads ----------------------------------------------------------------------------------------------------


def something_runs(values: Values) -> t.Iterator[str]:
    """Each component is needed, or can be switched off."""
    for path, _main, shape in pods(values):
        # Without workers tasks of their queues wait, which somebody may want for a night.
        if not isinstance(shape, Workload) or isinstance(shape, CeleryWorkers):
            continue
        if counts.count(values, path, shape).most == 0:
            optional = hasattr(shape, "enabled")
            remedy = (
                "set enabled to false to do without" if optional else "Airflow does not work without; set 1 or more"
            )
            yield f"{path}.replicas is 0: {remedy}"


def budgets_let_drains_go_on(values: Values) -> t.Iterator[str]:
    """A budget that spares no pod keeps a drain waiting for ever."""
    for path, _main, shape in pods(values):
        if not isinstance(shape, Workload) or not shape.pod_disruption_budget.enabled:
            continue
        minimum, there = shape.pod_disruption_budget.min_available, counts.count(values, path, shape)
        if minimum and minimum >= there.least:
            of = f"{there.least} replicas"
            if there.autoscaled:
                of = f"the {there.least} pods that {there.least_by} leaves at least"
            yield (
                f"{path}.podDisruptionBudget.minAvailable is {minimum} of {of}, so a drain of their nodes would wait "
                "for ever: leave one that may go, or take maxUnavailable instead"
            )


def placed_where_it_helps(values: Values) -> t.Iterator[str]:
    """Nodes of tasks are for pods that run tasks."""
    nodes = values.instance.task_nodes
    if (nodes.labels or nodes.taints) and not (values.runs_celery or values.runs_kubernetes):
        yield (
            f"{placement.TASK_NODES} is given, but airflow_core_executor is {said(values.core.executor)}, which has no "
            "pods of tasks alone: place the scheduler by airflow_core_scheduler, or leave it out"
        )


def names_are_found(values: Values) -> t.Iterator[str]:
    """A resolver without name servers knows no name, and one without the cluster's domain none of a Service."""
    common = values.instance.placement
    merged = [(path, shape, placement.placed(values, shape)) for path, _main, shape in pods(values)]
    nameless: dict[str, str] = {}
    outside: dict[str, str] = {}
    for path, own, place in [(placement.VARIABLE, common, common), *merged]:
        config, by = place.dns_config or {}, path if own.dns_policy else placement.VARIABLE
        if place.dns_policy == "None" and not config.get("nameservers"):
            nameless.setdefault(path if own.dns_config else by, by)
        elif place.dns_policy in ("Default", "None") and not config.get("searches") and _asks(values, path, own):
            outside.setdefault(path if own.dns_config else by, f"{by}.dnsPolicy is '{place.dns_policy}'")
    for path, by in nameless.items():
        yield (
            f"{by}.dnsPolicy is 'None', which leaves the pods without a name server: name some by "
            f"{path}.dnsConfig.nameservers"
        )
    for path, what in outside.items():
        yield (
            f"{what}, by which pods find no Service of the instance, whose addresses end in .svc: take ClusterFirst, "
            f"or name the cluster's domain (mostly cluster.local) by {path}.dnsConfig.searches, with name servers that "
            "know it"
        )


def _asks(values: Values, path: str, own: PodPlacement) -> bool:
    """Whether pods look for a Service of the instance by its name."""
    if path in (placement.VARIABLE, "airflow_database_postgres", "airflow_celery_redis"):
        return False
    if values.database.provider == "embedded":
        return True
    if path == "airflow_database_pgbouncer":
        return False
    runs_tasks = isinstance(own, (Workers, CeleryWorkers)) or (isinstance(own, Scheduler) and values.runs_local)
    embedded_broker = values.runs_celery and values.celery.broker.provider == "embedded"
    # A task of Airflow 3 speaks to the API server.
    return values.database.pgbouncer.enabled or embedded_broker or (values.major >= 3 and runs_tasks)


def logs_survive(values: Values) -> t.Iterator[str]:
    """A task's log is a file of the pod that ran it, and gone with it where nothing else has it.

    Pods of a KubernetesExecutor go with their task, those of Celery whenever they are scaled down or rolled. A
    LocalExecutor's is the scheduler's, which stays, and is for those who need no more.
    """
    kept = values.logging.store != "none" or values.logging.loss_accepted
    remote = str(values.core.config.get("logging", {}).get("remote_logging", "")).lower() == "true"
    brief = [path for path, one in _worker_sets(values) if not one.persistence.enabled]
    if kept or remote:
        return
    if values.runs_kubernetes:
        yield (
            f"airflow_logging_store is 'none' while airflow_core_executor is '{values.core.executor}': the logs of "
            "tasks would be lost with their pods. Choose a store, or set airflow_logging_loss_accepted to true"
        )
    elif brief:
        yield (
            f"airflow_logging_store is 'none' while airflow_core_executor is '{values.core.executor}': the logs of "
            f"tasks would be lost with each worker that goes. Choose a store, enable {brief[0]}.persistence, or set "
            "airflow_logging_loss_accepted to true"
        )


def logs_reach_all(values: Values) -> t.Iterator[str]:
    """A volume that one node mounts holds no pods together that prefer different nodes."""
    if values.logging.store != "volume" or values.logging.volume.access_mode != "ReadWriteOnce":
        return
    for path, _main, shape in pods(values):
        place = placement.placed(values, shape)
        alone = place.node_selector or place.affinity is not None
        if path in OWN_VOLUMES or not isinstance(shape, Workload) or alone:
            continue
        there = counts.count(values, path, shape)
        if there.most > 1:
            yield (
                f"airflow_logging_volume.accessMode is 'ReadWriteOnce', but {there.most_by} is {there.most} and these "
                "pods prefer different nodes, of which one can mount the volume: take ReadWriteMany, or hold the pods "
                "on one node by nodeSelector or affinity"
            )


def volumes(values: Values) -> t.Iterator[str]:
    """Each mount has a volume, and no volume is there twice."""
    for path, _main, shape in pods(values):
        own = OWN_VOLUMES.get(path, AIRFLOW_VOLUMES | dag_rules.volumes(values))
        given = {one["name"] for one in shape.volumes}
        for name in sorted(own & given):
            yield f"{path}.volumes has '{name}', which the collection has in these pods already: choose another name"
        mounts = [(f"{path}.volumeMounts", shape.volume_mounts)]
        mounts += [(f"{place}.volumeMounts", one.get("volumeMounts") or []) for place, one in _containers(path, shape)]
        for place, items in mounts:
            for name in [one["name"] for one in items if one["name"] not in own | given]:
                meant = suggestion(name, sorted(own | given))
                yield f"{place} mounts the volume '{name}', which is not in {path}.volumes{meant}: declare it there"


def environment(values: Values) -> t.Iterator[str]:
    """What has a variable of its own is not set behind its back."""
    airflow_env = {**AIRFLOW_ENV, **dag_rules.variables(values)}
    given = [("airflow_core_env", airflow_env, values.core.env)]
    given += [(f"{path}.env", OWN_ENV.get(path, airflow_env), shape.env) for path, _main, shape in pods(values)]
    for path, own, items in given:
        for name in sorted({one["name"] for one in items} & set(own)):
            yield f"{path} sets {name}, which the collection sets itself: use {own[name]}"


def containers(values: Values) -> t.Iterator[str]:
    """All containers of a pod have names of their own."""
    for path, main, shape in pods(values):
        found = [(place, str(one["name"])) for place, one in _containers(path, shape)]
        taken = {main} if path in OWN_VOLUMES else {main, *dag_rules.containers(values)}
        for place, name in found:
            if name in taken:
                yield f"{place}.name is '{name}', as another container of the pod is called: choose another name"
            taken.add(name)


def _containers(path: str, shape: Pods) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name in ("containers", "init_containers"):
        for index, one in enumerate(getattr(shape, name)):
            yield f"{path}.{camel(name)}[{index}]", one


RESTRICTED_VOLUMES: t.Final = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)
"""Kinds of volumes that the Pod Security Standard ``restricted`` lets pods have."""


def pod_security(values: Values) -> t.Iterator[str]:
    """What the Pod Security Standard of the namespace forbids, and what it wants of containers beside ours."""
    level = values.rbac.pod_security
    if not values.rbac.namespace_managed or level == "privileged":
        return
    for path, _main, shape in pods(values):
        beside = [(place, one.get("securityContext") or {}) for place, one in _containers(path, shape)]
        contexts = [(f"{path}.securityContext", shape.security_context)]
        contexts += [(f"{path}.containerSecurityContext", shape.container_security_context)]
        contexts += [(f"{place}.securityContext", context) for place, context in beside]
        for what in (*_forbidden(contexts, level), *_forbidden_volumes(path, shape, level)):
            yield f"{what}, which airflow_rbac_pod_security '{level}' forbids: leave it out, or set another standard"
        for place, context in beside if level == "restricted" else ():
            if lacking := [*_lacking(context)]:
                yield (
                    f"{place}.securityContext lacks {' and '.join(lacking)}, without which airflow_rbac_pod_security "
                    f"'{level}' lets none of these pods in: add this, or set another standard"
                )


def _forbidden(contexts: list[tuple[str, dict[str, t.Any]]], level: str) -> t.Iterator[str]:
    worse: dict[str, t.Any] = {"privileged": True}
    if level == "restricted":
        worse |= {"allowPrivilegeEscalation": True, "runAsNonRoot": False, "runAsUser": 0}
    for place, context in contexts:
        for key, value in worse.items():
            if key in context and context[key] == value:
                yield f"{place}.{key} is {said(value)}"
        if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
            yield f"{place}.seccompProfile.type is 'Unconfined'"
        added = (context.get("capabilities") or {}).get("add") or ()
        if level == "restricted" and (beyond := [name for name in added if name != "NET_BIND_SERVICE"]):
            yield f"{place}.capabilities.add has {', '.join(beyond)}"


def _forbidden_volumes(path: str, shape: Pods, level: str) -> t.Iterator[str]:
    for one in shape.volumes:
        for kind in sorted(one.keys() - {"name"}):
            if kind == "hostPath" or (level == "restricted" and kind not in RESTRICTED_VOLUMES):
                yield f"{path}.volumes has the {kind} '{one['name']}'"


def _lacking(context: dict[str, t.Any]) -> t.Iterator[str]:
    if context.get("allowPrivilegeEscalation") is None:
        yield "allowPrivilegeEscalation: false"
    if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
        yield "capabilities.drop: [ALL]"


def identities(values: Values) -> t.Iterator[str]:
    """The web component has another name in each major version."""
    other = "webserver" if values.web_component == "api-server" else "api-server"
    if other in values.rbac.service_accounts:
        yield (
            f"airflow_rbac_service_accounts.{other} is for another Airflow than {values.instance.version}, which has "
            f"'{values.web_component}' instead"
        )


# --- logs -----------------------------------------------------------------------------------------------------------

# Options of airflow.cfg that choose a place for logs, too.
LOG_STORE_OPTIONS = (
    *(("logging", name) for name in ("remote_logging", "remote_base_log_folder", "remote_log_conn_id")),
    *(("logging", name) for name in ("google_key_path", "remote_task_handler_kwargs", "logging_config_class")),
    *((section, "host") for section in ("opensearch", "elasticsearch")),
)


def one_log_store(values: Values) -> t.Iterator[str]:
    """A log goes to one place."""
    logging, chosen = values.logging, values.logging.store
    if chosen != "none" and logging.chosen is None:
        yield f"airflow_logging_{chosen} is required where airflow_logging_store is '{chosen}': it says where"
    others = [store for store in t.get_args(LogStore) if store not in ("none", "volume", chosen)]
    given = [store for store in others if getattr(logging, store)]
    given += ["volume"] if chosen != "volume" and logging.volume != LogVolume() else []
    for store in given:
        yield (
            f"airflow_logging_{store} describes a log store, but airflow_logging_store is '{chosen}', and a log goes "
            f"to one place: leave it out, or set airflow_logging_store to '{store}'"
        )
    for section, name in LOG_STORE_OPTIONS:
        ours = logging.config_file if name == "logging_config_class" else chosen not in ("none", "volume")
        if ours and name in values.core.config.get(section, {}):
            variable = "airflow_logging_config_file" if name == "logging_config_class" else "airflow_logging_store"
            yield (
                f"airflow_core_config.{section}.{name} says where logs go, and so does {variable}, and a log goes to "
                "one place: leave one of them out"
            )


def log_store_access(values: Values) -> t.Iterator[str]:
    """One identity, and no more than the store can take."""
    store, path = values.logging.chosen, f"airflow_logging_{values.logging.store}"
    credentials, connection = (getattr(store, name, None) for name in ("credentials", "connection_id"))
    if credentials and connection:
        yield f"{path}.connectionId names an identity, and so does {path}.credentials: leave one of them out"
    if isinstance(store, WasbLogs) and not (credentials or connection or store.account):
        yield f"{path}.account is required without {path}.credentials: it says which storage account has the container"
    address = getattr(store, "url", None) or getattr(store, "endpoint_url", None) or ""
    option = f"{path}.url" if isinstance(store, SearchLogs) else f"{path}.endpointUrl"
    if getattr(store, "ca", None) and not address.startswith("https://"):
        yield (
            f"{path}.ca is the authority of a certificate, but "
            + (f"{option} begins with http://: write https://" if address else f"{option} is not given: set it")
            + ", or leave the authority out"
        )
    if isinstance(store, OpensearchLogs) and urllib.parse.urlsplit(store.url).path.strip("/"):
        yield f"{option} is {said(store.url)}, but Airflow takes no path for OpenSearch: leave it out"


def log_shipper(values: Values) -> t.Iterator[str]:
    """What ships logs has something to ship, somewhere to bring it, and may read files of the node."""
    shipper, store, path = values.logging.shipper, values.logging.chosen, "airflow_logging_shipper"
    if not shipper.enabled:
        return
    if not isinstance(store, SearchLogs):
        yield (
            f"{path} is enabled, but airflow_logging_store is '{values.logging.store}', to which Airflow itself brings "
            "logs: leave the shipper out, or choose opensearch or elasticsearch"
        )
        return
    own = f"airflow_logging_{values.logging.store}"
    if store.write != "stdout":
        yield (
            f"{path} is enabled, but {own}.write is 'direct', so Airflow itself writes the same lines there: set it to "
            "'stdout', or leave the shipper out"
        )
    if not (shipper.image.tag or shipper.image.digest):
        yield f"{path}.image.tag is required: name a release of {shipper.image.repository}, or a digest"
    if shipper.ca and not store.url.startswith("https://"):
        yield (
            f"{path}.ca is the authority of a certificate, but {own}.url begins with http://: write https://, or leave "
            "the authority out"
        )
    level = values.rbac.pod_security
    here = values.shipper_namespace == values.namespace
    if here and values.rbac.namespace_managed and level != "privileged":
        yield (
            f"{path}.namespace is {'the same as airflow_namespace' if shipper.namespace else 'not given'}, but the "
            f"shipper reads files of the node, which airflow_rbac_pod_security '{level}' forbids: name a namespace "
            "that admits such pods"
        )


def logging_versions(values: Values) -> t.Iterator[str]:
    """What only a newer Airflow can do."""
    version = values.instance.version
    if values.logging.store == "opensearch" and values.major < 3:
        yield (
            f"airflow_logging_store is 'opensearch', but Airflow {version} has no way to write there and to read it "
            "back: choose another store, or Airflow 3"
        )
    if values.logging.json and values.release < (3, 2):
        yield (
            f"airflow_logging_json is true, but Airflow prints JSON from 3.2 on and this is {version}: leave it out, "
            "or set airflow_logging_config_file"
        )
    if values.logging.levels and values.release < (3, 2):
        yield (
            f"airflow_logging_levels is given, but Airflow takes levels of single loggers from 3.2 on and this is "
            f"{version}: leave it out, or set airflow_logging_config_file"
        )


def logging_config(values: Values) -> t.Iterator[str]:
    """What Airflow looks for in log_config.py."""
    content = values.logging.config_file
    if content and not re.search(r"^LOGGING_CONFIG\b", content, flags=re.MULTILINE):
        yield (
            "airflow_logging_config_file defines no LOGGING_CONFIG, which is what Airflow takes from it: define it as "
            "a dictionary for logging.config.dictConfig"
        )


# --- airflow.cfg --------------------------------------------------------------------------------------------------


def config_names(values: Values) -> t.Iterator[str]:
    """Sections and options as the file can hold them; a section that is nearly one of Airflow's is misspelt."""
    for section, options in values.core.config.items():
        path = below("airflow_core_config", section)
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", section) or section == "DEFAULT":
            yield f"{path} is no name of a section: letters, digits, underscores, dots and dashes"
        elif section not in airflow_options.SECTIONS and (
            near := difflib.get_close_matches(section, airflow_options.SECTIONS, n=1, cutoff=0.85)
        ):
            yield f"{path} is not a section of airflow.cfg (did you mean '{near[0]}'?)"
        for name in options:
            if not re.fullmatch(r"[A-Za-z0-9_.-]+", str(name)):
                yield f"{below(path, name)} is no name of an option: letters, digits and underscores"


def config_secrets(values: Values) -> t.Iterator[str]:
    """Secrets do not belong into airflow.cfg, which is a ConfigMap."""
    for section, options in values.core.config.items():
        for name, value in options.items():
            place = f"airflow_core_config.{section}.{name} would put a secret into a ConfigMap: use"
            if variable := airflow_options.KEPT_SECRETS.get((section, name)):
                yield f"{place} {variable} instead"
            elif kubernetes.holds_secret(str(name), value):
                variable = f"AIRFLOW__{section}__{name}".upper().replace(".", "_")
                yield f"{place} airflow_core_env with the name {variable} and valueFrom.secretKeyRef instead"


def config_kept(values: Values) -> t.Iterator[str]:
    """Options that objects of the instance depend on are set by variables of their own."""
    for (section, name), variable in airflow_options.KEPT_OPTIONS.items():
        if name in values.core.config.get(section, {}):
            instead = f"use {variable} instead" if variable else "leave it out"
            yield (
                f"airflow_core_config.{section}.{name} would differ from what other objects of the instance take it to "
                f"be: {instead}"
            )


def config_versions(values: Values) -> t.Iterator[str]:
    """Options that another major version has."""
    known = {(section, str(name)) for section, options in values.core.config.items() for name in options}
    for section, name in sorted(known - set(airflow_options.KEPT_OPTIONS) - set(airflow_options.KEPT_SECRETS)):
        what = f"airflow_core_config.{section}.{name} is an option of Airflow"
        if values.major >= 3 and (section, name) in airflow_options.RENAMED:
            new = airflow_options.RENAMED[section, name]
            yield f"{what} 2, and Airflow 3 " + (f"calls it {new}: use that" if new else "has none: leave it out")
        elif values.major < 3 and f"{section}.{name}" in airflow_options.FORMER:
            yield f"{what} 3, and Airflow 2 calls it {'.'.join(airflow_options.FORMER[f'{section}.{name}'])}: use that"
        elif values.major < 3 and section in airflow_options.SECTIONS_OF_3:
            yield f"{what} 3, and Airflow {values.instance.version} has no section {section}: leave it out"


def webserver_config_secrets(values: Values) -> t.Iterator[str]:
    """webserver_config.py is in a ConfigMap, too."""
    yield from _secrets_of("airflow_core_webserver_config", values.core.webserver_config)


def logging_config_secrets(values: Values) -> t.Iterator[str]:
    """And so is log_config.py."""
    yield from _secrets_of("airflow_logging_config_file", values.logging.config_file)


def _secrets_of(variable: str, content: str | None) -> t.Iterator[str]:
    for number, line in enumerate((content or "").splitlines(), start=1):
        found = re.match(r"\s*(\w+)\s*=\s*[rRbBuU]?([\"'])(?!\2)", line)
        if found and kubernetes.holds_secret(found[1], "something"):
            yield (
                f"{variable} would put a secret into a ConfigMap ({found[1]}, line {number}): read "
                "it from os.environ, and give it by airflow_core_env and valueFrom.secretKeyRef"
            )


# --- the way in ---------------------------------------------------------------------------------------------------


def ingress_has_address(values: Values) -> t.Iterator[str]:
    """An Ingress needs a host that a name server can know."""
    address = values.core.base_url
    if not values.ingress.enabled:
        return
    if not address:
        yield "airflow_core_base_url is required where airflow_ingress_enabled is true: it gives the Ingress its host"
        return
    url = urllib.parse.urlsplit(address)
    if not _is_name(url.hostname or ""):
        yield (
            f"airflow_core_base_url is {said(address)}, but the host of an Ingress must be a name of lower-case "
            "letters, digits, dashes and dots"
        )
    if values.ingress.tls_secret and url.scheme != "https":
        yield (
            f"airflow_ingress_tls_secret is '{values.ingress.tls_secret}', but airflow_core_base_url begins with "
            "http://: write https://, or leave the Secret out"
        )


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", host))
    return False


RULES: tuple[t.Callable[[Values], t.Iterator[str]], ...] = (
    version,
    tag_of_version,
    system_namespace,
    images_pinned,
    external_database,
    mysql,
    pool,
    capacity.connections_suffice,
    capacity.tasks_may_run,
    executors_of_version,
    celery_used,
    kubernetes_used,
    celery_broker,
    celery_workers,
    default_queue,
    something_runs,
    budgets_let_drains_go_on,
    placed_where_it_helps,
    names_are_found,
    logs_survive,
    logs_reach_all,
    volumes,
    environment,
    containers,
    pod_security,
    identities,
    config_names,
    config_secrets,
    config_kept,
    config_versions,
    webserver_config_secrets,
    one_log_store,
    log_store_access,
    log_shipper,
    logging_versions,
    logging_config,
    logging_config_secrets,
    ingress_has_address,
    *dag_rules.RULES,
    *autoscaling_rules.RULES,
    *team_rules.RULES,
)


def broken(values: Values) -> list[str]:
    """Every rule that the values break, as sentences."""
    return [problem for rule in RULES for problem in rule(values)]
