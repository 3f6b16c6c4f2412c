# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The public surface: every variable of the collection, its type, its default and what it reaches.

This is the one place for these facts. ``roles/*/defaults``, ``roles/*/meta/argument_specs.yml`` and the tables in the
documentation are made from it by ``tools/generate.py``.

A section is what one role owns; its fields are variables (``airflow_core_executor`` is ``core.executor``).

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import database_kinds, executors, forms, kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.database_kinds import DatabaseKind
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import Verbatim, option

COMPONENTS = (
    "api-server",
    "webserver",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
    "migrate",
    "log-cleanup",
    "postgresql",
    "pgbouncer",
    "redis",
    "flower",
    "cleanup",
    "db-cleanup",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image:
    """A container image. With a digest the tag is for people only."""

    repository: str | None = option(
        "Image name, with its registry unless it comes from the default one.", default=None, form=forms.REPOSITORY
    )
    tag: str | None = option("Image tag.", default=None, form=forms.TAG)
    digest: str | None = option(
        "Digest (C(sha256:) and 64 hexadecimal digits) to pin.", default=None, form=forms.DIGEST
    )
    pull_policy: t.Literal["IfNotPresent", "Always", "Never"] = option(
        "When the kubelet pulls the image.", default="IfNotPresent"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SecretRef:
    """A Secret of yours that holds a user and a password."""

    name: str = option("Name of the Secret in the instance's namespace.", form=forms.OBJECT_NAME)
    username_key: str = option("Key of the user name.", default="username", form=forms.DATA_KEY)
    password_key: str = option("Key of the password.", default="password", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """The identity of a component's pods."""

    name: str | None = option(
        "Use this ServiceAccount of yours instead of making one.", default=None, form=forms.OBJECT_NAME
    )
    annotations: dict[str, str] = option(
        "Annotations, for example of IRSA or workload identity.", factory=dict, check=kubernetes.notes
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Storage:
    """A volume claim."""

    size: str = option("Size of the volume, as a Kubernetes quantity.", default="10Gi", form=forms.QUANTITY)
    storage_class_name: str | None = option(
        "StorageClass; the cluster's default one if not given.", default=None, form=forms.OBJECT_NAME
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DisruptionBudget:
    """How many pods a drain may take at once; never so few that a drain hangs."""

    enabled: bool = option("Whether to make a PodDisruptionBudget.", default=True)
    max_unavailable: int = option("Pods that may be unavailable at once.", default=1, minimum=1)
    min_available: int | None = option(
        "Pods that must stay, instead of C(maxUnavailable); less than there are, or a drain would wait for ever.",
        default=None,
        minimum=1,
    )
    unhealthy_pod_eviction_policy: t.Literal["AlwaysAllow", "IfHealthyBudget"] = option(
        "C(AlwaysAllow) lets a drain take pods that are not ready in any case, so that a broken one is in nobody's "
        "way.",
        default="AlwaysAllow",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskBudget:
    """Whether a drain waits for pods of tasks."""

    enabled: bool = option(
        "Whether to make a PodDisruptionBudget by which a drain (C(kubectl drain --force)) waits until the tasks of a "
        "node have ended, instead of ending them; as long as the longest of them takes.",
        default=False,
    )


def resources(cpu: str, memory: str, memory_limit: str, cpu_limit: str = "2") -> t.Callable[[], dict[str, t.Any]]:
    """Default requests and limits of a container."""
    return lambda: {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory_limit}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PodPlacement:
    """Where pods run, and how they find others. See docs/placement.md for what goes before what."""

    node_selector: dict[str, str] = option("Labels that a node must have.", factory=dict, check=kubernetes.selector)
    affinity: dict[str, Verbatim] | None = option(
        "Affinity; if not given, pods of a component that runs all the time prefer different nodes and zones.",
        default=None,
        check=kubernetes.shape("Affinity"),
    )
    tolerations: list[Verbatim] = option("Tolerations.", factory=list, check=kubernetes.tolerations)
    topology_spread_constraints: list[Verbatim] = option(
        "Topology spread constraints; they count the pods of the component unless they have a C(labelSelector).",
        factory=list,
        check=kubernetes.spread,
    )
    priority_class_name: str | None = option("Priority class of the pods.", default=None, form=forms.OBJECT_NAME)
    runtime_class_name: str | None = option("Runtime class of the pods.", default=None, form=forms.OBJECT_NAME)
    scheduler_name: str | None = option(
        "Kubernetes scheduler that places the pods; the cluster's default one if not given.",
        default=None,
        form=forms.OBJECT_NAME,
    )
    host_aliases: list[Verbatim] = option("Further names in /etc/hosts.", factory=list, check=kubernetes.host_aliases)
    dns_policy: t.Literal["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] | None = option(
        "How names are looked up; C(ClusterFirst) if not given.", default=None
    )
    dns_config: dict[str, Verbatim] | None = option(
        "Name servers, search domains and options of the resolver.",
        default=None,
        check=kubernetes.shape("PodDNSConfig"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskNodes:
    """Nodes that are there for tasks: their labels, and the taints that keep others away."""

    labels: dict[str, str] = option("Labels of these nodes.", factory=dict, check=kubernetes.selector)
    taints: list[Verbatim] = option(
        "Their taints, as in the nodes (C(key), C(value), C(effect)); tasks tolerate them.",
        factory=list,
        check=kubernetes.taints,
    )
    required: bool = option("Whether tasks run on these nodes only, rather than preferring them.", default=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerticalAutoscaling:
    """VerticalPodAutoscalers, where the cluster has what runs them."""

    enabled: bool = option("Whether to make one for each workload.", default=False)
    mode: t.Literal["Off", "Initial", "Recreate", "InPlaceOrRecreate", "Auto"] = option(
        "C(Off) tells in its status what requests it would set, C(Initial) sets them when a pod starts, the others "
        "also move pods that run. In YAML, C(Off) needs quotes.",
        default="Off",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pods(PodPlacement):
    """What shapes the pods of a component."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.", factory=dict, check=kubernetes.resources
    )
    labels: dict[str, str] = option("Further labels of the pods.", factory=dict, check=kubernetes.labels)
    annotations: dict[str, str] = option("Further annotations of the pods.", factory=dict, check=kubernetes.notes)
    env: list[Verbatim] = option(
        "Further environment variables, as in a container.", factory=list, check=kubernetes.env
    )
    env_from: list[Verbatim] = option(
        "Further sources of environment variables.", factory=list, check=kubernetes.env_from
    )
    volumes: list[Verbatim] = option("Further volumes.", factory=list, check=kubernetes.volumes)
    volume_mounts: list[Verbatim] = option(
        "Further volume mounts of the main container.", factory=list, check=kubernetes.volume_mounts
    )
    init_containers: list[Verbatim] = option("Further init containers.", factory=list, check=kubernetes.containers)
    containers: list[Verbatim] = option("Further containers (sidecars).", factory=list, check=kubernetes.containers)
    security_context: dict[str, Verbatim] = option(
        "Laid over the pod's security context.", factory=dict, check=kubernetes.shape("PodSecurityContext")
    )
    container_security_context: dict[str, Verbatim] = option(
        "Laid over the main container's security context.", factory=dict, check=kubernetes.shape("SecurityContext")
    )
    termination_grace_period_seconds: int | None = option(
        "Seconds between SIGTERM and SIGKILL.", default=None, minimum=0
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload(Pods):
    """A component that runs all the time."""

    replicas: int = option("Number of pods.", default=1, minimum=0)
    pod_disruption_budget: DisruptionBudget = option("Limits what a node drain may take.", factory=DisruptionBudget)
    revision_history_limit: int = option("Old revisions to keep.", default=3, minimum=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service:
    """How a component is reached."""

    type: t.Literal["ClusterIP", "NodePort", "LoadBalancer"] = option("Type of the Service.", default="ClusterIP")
    port: int = option("Port of the Service.", default=8080, minimum=1, maximum=65535)
    annotations: dict[str, str] = option("Annotations of the Service.", factory=dict, check=kubernetes.notes)


# Requests of memory are what the components were seen to use at rest, limits leave room for their peaks: api-server
# 284 MiB, scheduler 335 MiB, dag-processor 183 MiB, triggerer 252 MiB (Airflow 3.3.2, proportional set size). At rest
# none uses 0.03 cores; requests of CPU are the shares they get of a node that is short of it, as when all of them start
# at once: the most for what the others, and every task, wait for.


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApiServer(Workload):
    """The API server and user interface of Airflow 3."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("300m", "512Mi", "1536Mi"),
        check=kubernetes.resources,
    )
    workers: int = option("Worker processes of one pod.", default=1, minimum=1)
    service: Service = option("The Service in front of the pods.", factory=Service)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scheduler(Workload):
    """The scheduler, which also runs the tasks of a LocalExecutor."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("200m", "512Mi", "2Gi"),
        check=kubernetes.resources,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DagProcessor(Workload):
    """Parses the DAG files."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("100m", "384Mi", "1536Mi"),
        check=kubernetes.resources,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Triggerer(Workload):
    """Runs the triggers of deferred tasks."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("50m", "384Mi", "1Gi"),
        check=kubernetes.resources,
    )
    enabled: bool = option("Whether to run triggerers; without one, deferrable tasks do not run.", default=True)
    capacity: int = option("Triggers that one pod runs at once.", default=1000, minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workers(Pods):
    """Pods of the tasks that a KubernetesExecutor runs."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("100m", "256Mi", "1Gi", "1"),
        check=kubernetes.resources,
    )
    pod_disruption_budget: TaskBudget = option("Whether a drain waits for tasks.", factory=TaskBudget)


# Off by default: the executor deletes the pods of tasks itself, and leaves those of failed ones for people to look at.
# A run starts all of Airflow, some seconds of CPU.
@dataclasses.dataclass(frozen=True, kw_only=True)
class PodCleanup(Pods):
    """A CronJob that deletes what the KubernetesExecutor left: pods that ended, failed or never started."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("50m", "256Mi", "512Mi", "1"),
        check=kubernetes.resources,
    )
    enabled: bool = option("Whether to delete such pods now and then, those of failed tasks included.", default=False)
    schedule: str = option("When, as in crontab.", default="0 * * * *", form=forms.CRON, check=forms.schedule)
    pending_minutes: int = option("Minutes after which a pod that does not start is deleted.", default=60, minimum=5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KubernetesExecutor:
    """How the KubernetesExecutor makes and clears its pods."""

    creation_batch_size: int = option("Pods made in one loop of the scheduler.", default=16, minimum=1)
    async_creation: bool = option(
        "Make the pods of one loop at the same time instead of one after the other; needs version 10.21 of the "
        "cncf.kubernetes provider, older ones take no notice.",
        default=False,
    )
    creation_max_concurrency: int = option(
        "Requests at the same time with C(asyncCreation); 0 leaves it to the provider.", default=0, minimum=0
    )
    delete_pods: bool = option("Delete the pods of finished tasks.", default=True)
    delete_failed_pods: bool = option("Delete the pods of failed tasks, too.", default=False)
    pod_template: dict[str, Verbatim] = option(
        "Laid over the pod that O(airflow_core_workers) makes, as C(kubectl patch) merges: C({spec: {...}}).",
        factory=dict,
    )
    cleanup: PodCleanup = option("Deletes pods of tasks that have ended.", factory=PodCleanup)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Admin:
    """The first administrator; the password is C(airflow_core_admin_password), or is generated once and kept."""

    username: str = option("User name.", default="admin", form=forms.USER)
    email: str = option("E-mail address.", default="admin@example.com", form=forms.EMAIL)
    first_name: str = option("First name.", default="Airflow")
    last_name: str = option("Last name.", default="Admin")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Postgres(Pods):
    """The embedded database: one pod with a volume, for evaluation and small instances."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("100m", "256Mi", "1Gi"),
        check=kubernetes.resources,
    )
    image: Image = option(
        "Image of the server.", factory=lambda: Image(repository="docker.io/library/postgres", tag="17")
    )
    storage: Storage = option("The volume of the data; its claim is never pruned.", factory=Storage)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PgBouncer(Workload):
    """A connection pooler between Airflow and the database."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("20m", "32Mi", "128Mi", "500m"),
        check=kubernetes.resources,
    )
    enabled: bool = option("Whether Airflow connects through PgBouncer.", default=False)
    image: Image = option(
        "Image of PgBouncer.",
        factory=lambda: Image(repository="docker.io/apache/airflow", tag="airflow-pgbouncer-2025.03.05-1.23.1"),
    )
    pool_size: int = option("Connections to the database that are kept for Airflow.", default=10, minimum=1)
    max_client_connections: int = option("Connections that Airflow may open.", default=500, minimum=1)


# Off by default: what goes is gone, and how long it must be kept is for its owner to say.
@dataclasses.dataclass(frozen=True, kw_only=True)
class DatabaseCleanup(Pods):
    """A CronJob that deletes old rows of the metadata database (C(airflow db clean))."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("50m", "256Mi", "1Gi", "1"),
        check=kubernetes.resources,
    )
    enabled: bool = option("Whether to delete old rows now and then.", default=False)
    retention_days: int = option("Days that rows are kept.", default=90, minimum=1)
    schedule: str = option("When, as in crontab.", default="30 2 * * 0", form=forms.CRON, check=forms.schedule)
    time_zone: str | None = option(
        "Time zone of the schedule, such as C(Europe/Berlin); that of the cluster's control plane if not given.",
        default=None,
        form=forms.TIME_ZONE,
    )
    tables: list[str] = option(
        "Tables to clean; all that Airflow knows to clean if not given.", factory=list, form=forms.TABLE
    )
    batch_size: int = option(
        "Rows that one transaction deletes; Airflow 2.11 deletes those of a table at once.", default=10000, minimum=1
    )
    archive: t.Literal["skip", "keep", "replace"] = option(
        "What becomes of deleted rows: C(skip) keeps none, C(keep) keeps them in tables of their own for you to export "
        "and drop, C(replace) does so until the next run drops these tables.",
        default="skip",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogVolume(Storage):
    """A volume that all components share for task logs."""

    existing_claim: str | None = option(
        "Use this claim of yours instead of making one.", default=None, form=forms.OBJECT_NAME
    )
    access_mode: t.Literal["ReadWriteMany", "ReadWriteOnce"] = option(
        "Access mode; C(ReadWriteOnce) only where all pods share one node.", default="ReadWriteMany"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SecretKey:
    """One key of a Secret of yours."""

    name: str = option("Name of the Secret in the instance's namespace.", form=forms.OBJECT_NAME)
    key: str = option("Key of the value.", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CertificateRef(SecretKey):
    """A Secret of yours that holds the certificate of a private authority."""

    key: str = option("Key of the certificate (PEM).", default="ca.crt", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeyFileRef(SecretKey):
    """A Secret of yours that holds the key file of a Google service account."""

    key: str = option("Key of the file.", default="key.json", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConnectionStringRef(SecretKey):
    """A Secret of yours that holds the connection string of an Azure storage account."""

    key: str = option("Key of the connection string.", default="connection-string", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApiKeyRef(SecretKey):
    """A Secret of yours that holds an API key of Elasticsearch, as the server shows it encoded."""

    key: str = option("Key of the API key.", default="api-key", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AccessKeyRef:
    """A Secret of yours that holds an access key of AWS or of a server that speaks S3."""

    name: str = option("Name of the Secret in the instance's namespace.", form=forms.OBJECT_NAME)
    id_key: str = option("Key of the access key's id.", default="access-key-id", form=forms.DATA_KEY)
    secret_key: str = option("Key of the secret access key.", default="secret-access-key", form=forms.DATA_KEY)


CONNECTION_ID = (
    "An Airflow connection of yours that gives access instead, for example one that a secrets backend holds."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class S3Logs:
    """A bucket of Amazon S3, or of a server that speaks S3."""

    bucket: str = option("Name of the bucket.", form=forms.BUCKET)
    prefix: str | None = option(
        "Folder in the bucket; the instance's name if not given.", default=None, form=forms.OBJECT_PREFIX
    )
    region: str | None = option("Region of the bucket.", default=None, form=forms.WORD)
    endpoint_url: str | None = option(
        "Address of a server that is not Amazon's.", default=None, check=forms.web_address
    )
    encrypt: bool = option("Ask the server to encrypt each object (SSE-S3).", default=False)
    ca: CertificateRef | None = option("The authority that signed the server's certificate.", default=None)
    credentials: AccessKeyRef | None = option(
        "An access key; without one, the ServiceAccounts give access (IRSA).", default=None
    )
    connection_id: str | None = option(CONNECTION_ID, default=None, form=forms.CONNECTION_ID)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GcsLogs:
    """A bucket of Google Cloud Storage."""

    bucket: str = option("Name of the bucket.", form=forms.BUCKET)
    prefix: str | None = option(
        "Folder in the bucket; the instance's name if not given.", default=None, form=forms.OBJECT_PREFIX
    )
    credentials: KeyFileRef | None = option(
        "A key file; without one, the ServiceAccounts give access (workload identity).", default=None
    )
    connection_id: str | None = option(CONNECTION_ID, default=None, form=forms.CONNECTION_ID)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WasbLogs:
    """A container of Azure Blob Storage."""

    container: str = option("Name of the container.", form=forms.BUCKET)
    prefix: str | None = option(
        "Folder in the container, which C(wasb-) is put in front of; the instance's name if not given.",
        default=None,
        form=forms.OBJECT_PREFIX,
    )
    account: str | None = option(
        "Name of the storage account, needed without credentials.", default=None, form=forms.STORAGE_ACCOUNT
    )
    credentials: ConnectionStringRef | None = option(
        "A connection string; without one, the ServiceAccounts give access (workload identity).", default=None
    )
    connection_id: str | None = option(CONNECTION_ID, default=None, form=forms.CONNECTION_ID)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchLogs:
    """An index of a search server."""

    url: str = option("Address of the server, such as C(https://search.example.com:9200).", check=forms.web_address)
    index: str | None = option(
        "Index of the log lines; the instance's name and C(-logs) if not given.", default=None, form=forms.INDEX
    )
    index_patterns: str | None = option(
        "Where lines are searched for, where that is more than the index: names divided by commas, with C(*).",
        default=None,
        form=forms.INDEX_PATTERNS,
    )
    write: t.Literal["direct", "stdout"] = option(
        "C(direct) has Airflow write the lines itself when a task ends; C(stdout) has it print them as JSON, for "
        "O(airflow_logging_shipper) or a shipper of yours.",
        default="direct",
    )
    ca: CertificateRef | None = option("The authority that signed the server's certificate.", default=None)
    verify: bool = option("Refuse a server whose certificate is not known.", default=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpensearchLogs(SearchLogs):
    """An index of OpenSearch (Airflow 3)."""

    credentials: SecretRef | None = option("A user and a password.", default=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ElasticsearchLogs(SearchLogs):
    """An index of Elasticsearch."""

    credentials: ApiKeyRef | None = option("An API key.", default=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudwatchLogs:
    """A log group of Amazon CloudWatch."""

    log_group_arn: str = option("ARN of the log group.", form=forms.LOG_GROUP_ARN)
    credentials: AccessKeyRef | None = option(
        "An access key; without one, the ServiceAccounts give access (IRSA).", default=None
    )
    connection_id: str | None = option(CONNECTION_ID, default=None, form=forms.CONNECTION_ID)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StackdriverLogs:
    """A log of Google Cloud Logging (Stackdriver)."""

    log_name: str = option("Name of the log.", form=forms.OBJECT_PREFIX)
    credentials: KeyFileRef | None = option(
        "A key file; without one, the ServiceAccounts give access (workload identity).", default=None
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogShipper:
    """rsyslog on each node, which takes what tasks printed to the search server."""

    enabled: bool = option("Whether to run it.", default=False)
    namespace: str | None = option(
        "Namespace of its pods, which read files of the node: one of yours that enforces neither C(baseline) nor "
        "C(restricted); the instance's own if not given.",
        default=None,
        form=forms.OBJECT_NAME,
    )
    image: Image = option(
        "Image with rsyslog 8.2302 or newer, its module omelasticsearch and a shell; name its tag.",
        factory=lambda: Image(repository="docker.io/rsyslog/rsyslog-collector"),
    )
    credentials: SecretRef | None = option(
        "A Secret in its namespace, with a user that may write to the index, and a password without spaces.",
        default=None,
    )
    ca: CertificateRef | None = option(
        "A Secret in its namespace, with the authority that signed the server's certificate.", default=None
    )
    pods_folder: str = option(
        "Folder of the nodes in which the kubelet keeps what containers print.",
        default="/var/log/pods",
        form=forms.NODE_FOLDER,
    )
    state_folder: str = option(
        "Folder of the nodes for what it has read, and for lines that the server has not taken yet.",
        default="/var/lib/dagops-airflow-logs",
        form=forms.NODE_FOLDER,
    )
    queue_size: str = option(
        "What a node keeps of lines that the server does not take, as a Kubernetes quantity; beyond it reading waits.",
        default="1Gi",
        form=forms.QUANTITY,
    )
    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of its container.",
        factory=resources("20m", "64Mi", "256Mi", "500m"),
        check=kubernetes.resources,
    )
    node_selector: dict[str, str] = option("Labels that a node must have.", factory=dict, check=kubernetes.selector)
    tolerations: list[Verbatim] = option(
        "Tolerations; all taints if not given, so that no node is left out.",
        factory=lambda: [{"operator": "Exists"}],
        check=kubernetes.tolerations,
    )
    priority_class_name: str | None = option("Priority class of its pods.", default=None, form=forms.OBJECT_NAME)
    container_security_context: dict[str, Verbatim] = option(
        "Laid over its security context, such as C(seLinuxOptions) where the node has SELinux.",
        factory=dict,
        check=kubernetes.shape("SecurityContext"),
    )


# --- delivery of DAGs ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class DagSecret:
    """One key of a Secret of yours."""

    name: str = option("Name of the Secret in the instance's namespace.", form=forms.OBJECT_NAME)
    key: str | None = option("Key in it, if not the usual one.", default=None, form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileRef:
    """One key of a Secret or of a ConfigMap of yours."""

    secret: str | None = option("Name of the Secret.", default=None, form=forms.OBJECT_NAME)
    config_map: str | None = option("Name of the ConfigMap.", default=None, form=forms.OBJECT_NAME)
    key: str | None = option("Key in it, if not the usual one.", default=None, form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GitSource:
    """A git repository, and what it takes to read it."""

    url: str = option("Address: C(https://host/path), C(ssh://user@host/path) or C(user@host:path).")
    sub_path: str | None = option("Folder of the DAGs in it.", default=None, form=forms.SUB_PATH)
    credentials: SecretRef | None = option("User and token of an https address.", default=None)
    ssh_key: DagSecret | None = option(
        "Private key of an ssh address; the usual key is C(ssh-privatekey), and it has no passphrase.", default=None
    )
    known_hosts: str | None = option("Host keys of the server, as in a known_hosts file.", default=None)
    known_hosts_from: FileRef | None = option(
        "Where a known_hosts file is instead; the usual key is C(known_hosts).", default=None
    )
    team: str | None = option(
        "Team of Airflow that its DAGs belong to, with O(airflow_core_multi_team). A run makes it; none deletes it.",
        default=None,
        form=forms.AIRFLOW_TEAM,
    )
    known_hosts_waived: bool = option(
        "Accept any host key: whoever is between you and the server can put DAGs of theirs in.", default=False
    )
    ca: FileRef | None = option(
        "Certificate of the authority that an https server is vouched for by, where it is none of the public ones; the "
        "usual key is C(ca.crt).",
        default=None,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class GitRepository(GitSource):
    """A repository that git-sync keeps a copy of."""

    ref: str = option(
        "Branch, tag or commit; C(HEAD) is the server's default branch.", default="HEAD", form=forms.GIT_REF
    )
    depth: int = option("Commits of history to fetch; 0 for all.", default=1, minimum=0)
    submodules: t.Literal["recursive", "shallow", "off"] = option("What to fetch of submodules.", default="recursive")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DagBundle(GitSource):
    """A place that Airflow 3 itself fetches DAGs from."""

    kind: t.Literal["git", "local", "s3", "gcs"] = option("What it is.", default="git")
    url: str = option(
        "Address: that of a git repository, C(s3://bucket), C(gs://bucket), or an absolute path of the containers."
    )
    ref: str | None = option("Branch, tag or commit; required of a git bundle.", default=None, form=forms.GIT_REF)
    sub_path: str | None = option("Folder (or prefix) of the DAGs in it.", default=None, form=forms.SUB_PATH)
    credentials: SecretRef | None = option(
        "User and token of an https address; access key and secret key of S3.", default=None
    )
    key_file: DagSecret | None = option(
        "Key file of a Google service account; the usual key is C(key.json).", default=None
    )
    region: str | None = option("Region of an S3 bucket.", default=None, form=forms.WORD)
    endpoint_url: str | None = option(
        "Address of an S3-compatible store that is not Amazon's.", default=None, check=forms.web_address
    )
    refresh_interval: int = option("Seconds between two looks for something new.", default=60, minimum=1)
    kwargs: dict[str, Verbatim] = option(
        "Further arguments of the bundle's class, for example C(submodules: true).", factory=dict
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DagsVolume(Storage):
    """A volume that holds the DAGs, which all that needs them mounts read-only."""

    enabled: bool = option("Whether DAGs are on a shared volume.", default=False)
    existing_claim: str | None = option(
        "Use this claim of yours instead of making one.", default=None, form=forms.OBJECT_NAME
    )
    access_mode: t.Literal["ReadWriteMany", "ReadOnlyMany"] = option(
        "Access mode; C(ReadOnlyMany) only of a claim of yours, which something else fills.", default="ReadWriteMany"
    )
    sub_path: str | None = option("Folder of the DAGs in the volume.", default=None, form=forms.SUB_PATH)
    refresh_interval: int = option("Seconds between two looks for new files.", default=30, minimum=1)


# --- Celery ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class UrlSecret:
    """A Secret of yours that holds a whole address, password included."""

    name: str = option("Name of the Secret in the instance's namespace.", form=forms.OBJECT_NAME)
    key: str = option("Key of the address.", default="url", form=forms.DATA_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Broker:
    """What carries tasks from the scheduler to the workers; the password is C(airflow_celery_broker_password)."""

    provider: t.Literal["embedded", "external"] = option(
        "C(embedded) runs Redis in the namespace, C(external) uses a broker of yours.", default="embedded"
    )
    scheme: t.Literal["redis", "rediss", "amqp", "amqps", "sqs"] = option(
        "How an external broker is spoken to: Redis, RabbitMQ (both with TLS where they end in s) or Amazon SQS.",
        default="redis",
    )
    host: str | None = option("Host of an external broker; SQS needs none.", default=None, form=forms.HOST)
    port: int | None = option("Its port; that of the scheme if not given.", default=None, minimum=1, maximum=65535)
    database: str | None = option(
        "Number of the database of a Redis (0 if not given), or virtual host of a RabbitMQ (/ if not given).",
        default=None,
        form=forms.DATABASE,
    )
    user: str | None = option(
        "User of an external broker (an access key of SQS), with C(airflow_celery_broker_password); the broker is "
        "asked without a password if not given. A Redis without users has one that is called C(default).",
        default=None,
        form=forms.USER,
    )
    credentials: SecretRef | None = option(
        "A Secret of yours with user and password, instead of C(user) and its password.", default=None
    )
    url_secret: UrlSecret | None = option(
        "A Secret of yours with the whole address, instead of its parts.", default=None
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Redis(Pods):
    """The embedded broker: one pod with a volume."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("50m", "64Mi", "256Mi", "1"),
        check=kubernetes.resources,
    )
    image: Image = option("Image of Redis.", factory=lambda: Image(repository="docker.io/library/redis", tag="7.2"))
    storage: Storage = option(
        "The volume of the queues; its claim is never pruned.", factory=lambda: Storage(size="1Gi")
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResultBackend:
    """Where workers tell the scheduler how tasks ended."""

    url_secret: UrlSecret | None = option(
        "A Secret of yours with the address of a result backend; the metadata database if not given.", default=None
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Autoscale:
    """Celery starts and ends processes of a worker as tasks come and go."""

    min: int = option("Processes that are always there.", minimum=0)
    max: int = option("Processes at most.", minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerVolume(Storage):
    """A volume of each worker's own for task logs."""

    enabled: bool = option("Whether each worker keeps its logs on a volume (a StatefulSet).", default=False)


# A worker that waits has the processes of its concurrency besides itself; tasks come on top.
@dataclasses.dataclass(frozen=True, kw_only=True)
class CeleryWorkers(Workload):
    """A set of workers that are alike."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("200m", "1Gi", "4Gi"),
        check=kubernetes.resources,
    )
    termination_grace_period_seconds: int | None = option(
        "Seconds that tasks get to end when a worker stops; they are killed then.", default=600, minimum=0
    )
    queues: list[str] = option("Queues whose tasks these workers take.", factory=lambda: ["default"], form=forms.QUEUE)
    concurrency: int = option("Tasks that one worker runs at once.", default=8, minimum=1)
    autoscale: Autoscale | None = option("Processes of one worker at least and at most.", default=None)
    persistence: WorkerVolume = option("A volume for the logs of each worker.", factory=WorkerVolume)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flower(Pods):
    """A web page that shows what Celery does; the password is C(airflow_celery_flower_password)."""

    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of the main container.",
        factory=resources("50m", "256Mi", "512Mi", "1"),
        check=kubernetes.resources,
    )
    enabled: bool = option("Whether to run Flower.", default=False)
    user: str = option("User that logs in.", default="admin", form=forms.USER)
    credentials: SecretRef | None = option(
        "A Secret of yours with user and password, instead of C(user) and its password.", default=None
    )
    url_prefix: str | None = option(
        "Path below which it answers, without slashes around it.", default=None, form=forms.URL_PREFIX
    )
    service: Service = option("The Service in front of it.", factory=lambda: Service(port=5555))


# --- autoscaling ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaler:
    """Between which numbers of pods an autoscaler chooses."""

    min: int = option("Pods at least.", default=1, minimum=0)
    max: int = option("Pods at most.", default=5, minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fallback:
    """What KEDA does while the database does not answer."""

    failure_threshold: int = option("Failed queries in a row before it is done.", default=3, minimum=1)
    replicas: int = option("Pods to run then.", minimum=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KedaScaler(Scaler):
    """How KEDA scales by a query of the metadata database."""

    min: int = option("Pods at least; with 0 there is none while there is nothing to do.", default=0, minimum=0)
    max: int = option("Pods at most.", default=10, minimum=1)
    polling_interval: int = option("Seconds between two queries while there is no pod.", default=5, minimum=1)
    cooldown_period: int = option(
        "Seconds without anything to do before the last pod goes, where C(min) is 0.", default=30, minimum=0
    )
    fallback: Fallback | None = option(
        "What to do while the database does not answer; if not given, the number of pods stays.", default=None
    )
    advanced: dict[str, Verbatim] = option(
        "C(spec.advanced) of the ScaledObject, verbatim: behaviour of its HorizontalPodAutoscaler and the like.",
        factory=dict,
        check=kubernetes.keda_advanced,
    )


USAGE: t.Final = frozenset({"Resource", "ContainerResource"})
"""Types of metrics that are what pods use of their requests."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PodScaler(Scaler):
    """How a HorizontalPodAutoscaler scales."""

    min: int = option("Pods at least.", default=1, minimum=1)
    cpu: int = option(
        "Per cent of the requested CPU that pods are to use on average; 0 for not by CPU.", default=80, minimum=0
    )
    memory: int = option("The same of memory.", default=0, minimum=0)
    metrics: list[Verbatim] = option(
        "Further metrics of the HorizontalPodAutoscaler, verbatim.", factory=list, check=kubernetes.metrics
    )
    behavior: dict[str, Verbatim] = option(
        "C(spec.behavior) of the HorizontalPodAutoscaler, verbatim: how fast it goes up and down.",
        factory=dict,
        check=kubernetes.shape("autoscaling.v2.HorizontalPodAutoscalerBehavior"),
    )

    @property
    def metric_types(self) -> set[str]:
        """Types of all that it goes by."""
        return {*(["Resource"] if self.cpu or self.memory else []), *(str(one.get("type")) for one in self.metrics)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScalerDatabase:
    """Who KEDA is to the metadata database."""

    user: str = option(
        "User that is made for KEDA and may read nothing but what its queries count; its password is generated.",
        default="airflow_autoscaler",
        form=forms.USER,
    )
    credentials: SecretRef | None = option(
        "A Secret of yours with user and password instead, where Airflow's own user may not make others.", default=None
    )


# --- teams ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Team:
    """A namespace for the pods of one team's tasks, and what they may do there."""

    namespace: str | None = option("The namespace; C(<instance>-<team>) if not given.", default=None, form=forms.LABEL)
    namespace_managed: bool = option("Make the namespace and keep its labels; else it has to be there.", default=False)
    pod_security: t.Literal["restricted", "baseline", "privileged"] = option(
        "Pod Security Standard that the namespace enforces, where it is made.", default="restricted"
    )
    labels: dict[str, str] = option(
        "Further labels of the namespace and of all that is made in it, for example a cost centre.",
        factory=dict,
        check=kubernetes.labels,
    )
    service_account: ServiceAccount = option(
        "Identity of the pods that tasks launch there; C(<instance>-tasks) if no name is given. It may do nothing with "
        "the Kubernetes API.",
        factory=ServiceAccount,
    )
    image_pull_secrets: list[str] = option(
        "Names of Secrets in this namespace that the identity pulls images with. They are never copied there: who may "
        "make pods in a namespace may read its Secrets.",
        factory=list,
        form=forms.OBJECT_NAME,
    )
    jobs: bool = option("Let tasks make Jobs there, too (KubernetesJobOperator).", default=False)
    kubernetes_executor: bool = option(
        "Let tasks of the KubernetesExecutor run there, too, where their C(pod_override) names the namespace "
        "(Airflow 3).",
        default=False,
    )
    quota: dict[str, str] = option("Hard limits of a ResourceQuota.", factory=dict, check=kubernetes.quota)
    limit_range: list[Verbatim] = option("Limits of a LimitRange.", factory=list, check=kubernetes.limit_range)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RequiredLabel:
    """A label that pods of tasks must have."""

    values: list[str] = option("What it may say; anything if nothing is given.", factory=list, form=forms.LABEL_VALUE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """The nodes of a team."""

    node_labels: dict[str, str] = option("Labels that a node must have.", factory=dict, check=kubernetes.selector)
    tolerations: list[Verbatim] = option(
        "Tolerations of what keeps others away from them.", factory=list, check=kubernetes.tolerations
    )


# --- sections -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Instance:
    """One Airflow: what every role of the collection shares."""

    PREFIX: t.ClassVar[str] = "airflow_"
    instance: str = option(
        "Name of the instance, which its objects' names begin with. The inventory host's name if not given.",
        form=forms.NAME,
    )
    namespace: str | None = option(
        "Namespace of the instance; the instance's name if not given.", default=None, form=forms.LABEL
    )
    version: str = option("Version of Airflow in the image.", default="3.3.2", form=forms.VERSION)
    image: Image = option(
        "Image of Airflow. The tag is O(airflow_version) if not given.",
        factory=lambda: Image(repository="docker.io/apache/airflow"),
    )
    image_registry: str | None = option(
        "Take every image from this registry (and path) instead of its own, for sites that cannot reach public ones.",
        default=None,
        form=forms.REGISTRY,
        reaches="every container",
    )
    image_digests_required: bool = option(
        "Refuse images that are not pinned by a digest.", default=False, reaches="every container"
    )
    image_pull_secrets: list[str] = option(
        "Names of Secrets to pull images with.", factory=list, form=forms.OBJECT_NAME, reaches="every pod"
    )
    labels: dict[str, str] = option(
        "Further labels of every object, for example a cost centre.",
        factory=dict,
        check=kubernetes.labels,
        reaches="every object",
    )
    annotations: dict[str, str] = option(
        "Further annotations of every object.", factory=dict, check=kubernetes.notes, reaches="every object"
    )
    placement: PodPlacement = option(
        "Where pods run unless their component says otherwise. See docs/placement.md.",
        factory=PodPlacement,
        reaches="every pod",
    )
    vertical_autoscaling: VerticalAutoscaling = option(
        "Recommendations for requests of all workloads, or their change. See docs/capacity.md.",
        factory=VerticalAutoscaling,
        reaches="VerticalPodAutoscaler",
    )
    task_nodes: TaskNodes = option(
        "Dedicated nodes of tasks: pods of a KubernetesExecutor and Celery workers go there. See docs/placement.md.",
        factory=TaskNodes,
        reaches="ConfigMap/<instance>-pod-template, Deployment/<instance>-worker",
    )
    overrides: dict[str, dict[str, Verbatim]] = option(
        "Patches of rendered objects by C(Kind/name) or C(Kind/*), merged as C(kubectl patch) merges them. See "
        "docs/overrides.md.",
        factory=dict,
        reaches="the objects that it names",
    )
    json_patches: dict[str, list[Verbatim]] = option(
        "JSON patches (RFC 6902) of rendered objects by C(Kind/name) or C(Kind/*), applied after O(airflow_overrides).",
        factory=dict,
        reaches="the objects that it names",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rbac:
    """Namespace, identities and permissions."""

    PREFIX: t.ClassVar[str] = "airflow_rbac_"
    namespace_managed: bool = option(
        "Make the namespace and keep its labels; switch off where others give you one.",
        default=True,
        reaches="Namespace",
    )
    pod_security: t.Literal["restricted", "baseline", "privileged"] = option(
        "Pod Security Standard that the namespace enforces.", default="restricted", reaches="Namespace"
    )
    service_accounts: dict[str, ServiceAccount] = option(
        "Identities by component.", factory=dict, keys=COMPONENTS, reaches="ServiceAccount"
    )
    tasks_launch_pods: bool = option(
        "Let tasks and triggers make pods in this namespace (KubernetesPodOperator). A task that may make pods here "
        "may read every Secret of the instance through them, so prefer a namespace of its own.",
        default=False,
        reaches="Role, RoleBinding",
    )
    tasks_read_xcom: bool = option(
        "Let tasks read XComs out of the pods that they launch (C(do_xcom_push=True)), which takes C(pods/exec) there; "
        "without it such a task fails when its pod has done its work.",
        default=True,
        reaches="Role/<instance>-task-launcher, Role/<instance>-task-watcher",
    )
    teams: dict[str, Team] = option(
        "Namespaces for the pods of tasks by team (KubernetesPodOperator, and KubernetesExecutor where it is said). "
        "See docs/teams.md.",
        factory=dict,
        check=forms.names_of_teams,
        reaches="Namespace, ServiceAccount, Role, RoleBinding, ResourceQuota and LimitRange of each team",
    )
    all_namespaces: bool = option(
        "Let the KubernetesExecutor run tasks in every namespace of the cluster, by a ClusterRole that lets the "
        "scheduler make and delete pods everywhere. Prefer O(airflow_rbac_teams).",
        default=False,
        reaches="ClusterRole, ClusterRoleBinding",
    )
    quota: dict[str, str] = option(
        "Hard limits of a ResourceQuota.", factory=dict, check=kubernetes.quota, reaches="ResourceQuota"
    )
    limit_range: list[Verbatim] = option(
        "Limits of a LimitRange.", factory=list, check=kubernetes.limit_range, reaches="LimitRange"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """What pods of tasks must be, and where they go."""

    PREFIX: t.ClassVar[str] = "airflow_policy_"
    labels: dict[str, RequiredLabel] = option(
        "Labels that every pod of a task must have, by name, for example C(team) and C(cost-centre). See "
        "docs/teams.md.",
        factory=dict,
        check=kubernetes.label_names,
        reaches="ValidatingAdmissionPolicy",
    )
    registries: list[str] = option(
        "Registries (and paths) that pods of tasks may take images from; any if none is given. Images of Airflow's own "
        "pod template are always allowed.",
        factory=list,
        form=forms.REGISTRY,
        reaches="ValidatingAdmissionPolicy",
    )
    action: t.Literal["Deny", "Warn", "Audit"] = option(
        "What is done with a pod that is not as it must be: refuse it, tell whoever makes it, or write it into the "
        "audit log only.",
        default="Deny",
        reaches="ValidatingAdmissionPolicyBinding",
    )
    team_label: str = option(
        "Label by which O(airflow_policy_placements) knows a pod's team.",
        default="team",
        form=forms.LABEL_KEY,
        check=kubernetes.label_name,
    )
    placements: dict[str, Placement] = option(
        "Nodes of pods of tasks by the value of their label of the team.",
        factory=dict,
        check=forms.names_of_teams,
        reaches="MutatingAdmissionPolicy where the cluster serves it, ConfigMap/<instance>-pod-template",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Database:
    """The metadata database, and PgBouncer in front of it."""

    PREFIX: t.ClassVar[str] = "airflow_database_"
    provider: t.Literal["embedded", "external"] = option(
        "C(embedded) runs Postgres in the namespace, C(external) uses one of yours.", default="embedded"
    )
    kind: t.Literal["postgresql", "mysql"] = option(
        "What an external database is. See docs/database.md.", default="postgresql"
    )
    host: str | None = option(
        "Host of an external database.", default=None, form=forms.HOST, reaches="Secret/<instance>-metadata"
    )
    port: int | None = option(
        "Port of the database; 5432 for Postgres and 3306 for MySQL if not given.",
        default=None,
        minimum=1,
        maximum=65535,
    )
    name: str = option("Name of the database.", default="airflow", form=forms.DATABASE)
    user: str = option("User that Airflow connects as.", default="airflow", form=forms.USER)
    credentials: SecretRef | None = option(
        "A Secret of yours with user and password, instead of O(airflow_database_user) and its password.", default=None
    )
    sslmode: t.Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = option(
        "TLS towards an external database, as in libpq; MySQL knows neither C(allow) nor C(verify-ca).",
        default="prefer",
    )
    max_connections: int | None = option(
        "Connections that the server takes from Airflow: an embedded one gets it (200 if not given), an external one "
        "is believed to have it. Fewer than Airflow keeps open are refused. See docs/capacity.md.",
        default=None,
        minimum=10,
    )
    postgres: Postgres = option("The embedded database.", factory=Postgres, reaches="StatefulSet/<instance>-postgresql")
    pgbouncer: PgBouncer = option(
        "The connection pooler.", factory=PgBouncer, reaches="Deployment/<instance>-pgbouncer"
    )
    cleanup: DatabaseCleanup = option(
        "Deletes old rows. See docs/housekeeping.md.", factory=DatabaseCleanup, reaches="CronJob/<instance>-db-cleanup"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Core:
    """Airflow itself."""

    PREFIX: t.ClassVar[str] = "airflow_core_"
    executor: str = option(
        "Where tasks run: in pods of their own (C(KubernetesExecutor)), in workers that wait for them "
        "(C(CeleryExecutor)), or in the scheduler's pod (C(LocalExecutor)). Several with commas between them: the "
        "first one runs the tasks that name none. See docs/executors.md.",
        default="KubernetesExecutor",
        check=executors.check,
        reaches="ConfigMap/<instance>-config",
    )
    config: dict[str, dict[str, t.Any]] = option(
        "Options of airflow.cfg by section; they win over what the roles set.",
        factory=dict,
        reaches="ConfigMap/<instance>-config",
    )
    env: list[Verbatim] = option(
        "Environment variables of every Airflow container.",
        factory=list,
        check=kubernetes.env,
        reaches="every Airflow container",
    )
    env_from: list[Verbatim] = option(
        "Sources of environment variables of every Airflow container.",
        factory=list,
        check=kubernetes.env_from,
        reaches="every Airflow container",
    )
    multi_team: bool = option(
        "Have Airflow keep teams apart: connections, variables, pools and bundles of DAGs can belong to one (Airflow "
        "3.2 and newer). See docs/teams.md.",
        default=False,
        reaches="ConfigMap/<instance>-config",
    )
    base_url: str | None = option(
        "Address that people reach Airflow at, with the path where it is not at the root.",
        default=None,
        check=forms.web_address,
        reaches="ConfigMap/<instance>-config",
    )
    webserver_config: str | None = option(
        "Content of webserver_config.py, which configures logins of the FAB auth manager.",
        default=None,
        reaches="ConfigMap/<instance>-config",
    )
    api_server: ApiServer = option(
        "The API server (the webserver of Airflow 2.11).", factory=ApiServer, reaches="Deployment/<instance>-api-server"
    )
    scheduler: Scheduler = option("The scheduler.", factory=Scheduler, reaches="Deployment/<instance>-scheduler")
    dag_processor: DagProcessor = option(
        "The DAG processor.", factory=DagProcessor, reaches="Deployment/<instance>-dag-processor"
    )
    dag_bundles: dict[str, DagBundle] = option(
        "DAG bundles of Airflow 3 by name: what Airflow itself fetches DAGs from. See docs/dags.md.",
        factory=dict,
        check=forms.names_of_dags,
        reaches="ConfigMap/<instance>-config and the pods that need DAGs",
    )
    dags_volume: DagsVolume = option(
        "A shared volume of DAGs. See docs/dags.md.",
        factory=DagsVolume,
        reaches="PersistentVolumeClaim/<instance>-dags and the pods that need DAGs",
    )
    triggerer: Triggerer = option("The triggerer.", factory=Triggerer, reaches="Deployment/<instance>-triggerer")
    workers: Workers = option(
        "Pods of tasks under a KubernetesExecutor.", factory=Workers, reaches="ConfigMap/<instance>-pod-template"
    )
    kubernetes_executor: KubernetesExecutor = option(
        "Settings of the KubernetesExecutor.", factory=KubernetesExecutor, reaches="ConfigMap/<instance>-config"
    )
    admin: Admin = option("The first administrator.", factory=Admin, reaches="Secret/<instance>-admin")


LogStore = t.Literal["none", "volume", "s3", "gcs", "wasb", "opensearch", "elasticsearch", "cloudwatch", "stackdriver"]
LogLevel = t.Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"]
LOG_CONFIG = "ConfigMap/<instance>-config"


@dataclasses.dataclass(frozen=True, kw_only=True)
class GitSync:
    """Copies of git repositories beside what needs their DAGs, kept current by git-sync."""

    PREFIX: t.ClassVar[str] = "airflow_git_sync_"
    repositories: dict[str, GitRepository] = option(
        "Repositories by name; on Airflow 3 each is a DAG bundle of this name. See docs/dags.md.",
        factory=dict,
        check=forms.names_of_dags,
        reaches="ConfigMap/<instance>-git-sync and the pods that need DAGs",
    )
    image: Image = option(
        "Image of git-sync, version 4.",
        factory=lambda: Image(repository="registry.k8s.io/git-sync/git-sync", tag="v4.7.1"),
    )
    period: str = option(
        "Time from one look for a new commit to the next, such as C(10s).", default="10s", form=forms.DURATION
    )
    timeout: str = option("Time that one look may take.", default="120s", form=forms.DURATION)
    max_failures: int = option(
        "Failed looks in a row before git-sync ends and its container starts anew; -1 for never, which leaves running "
        "pods with the last commit that they got for as long as the server is away.",
        default=-1,
        minimum=-1,
    )
    init_max_failures: int = option(
        "Failed attempts in a row at the first commit before the start of a pod counts as failed.", default=3, minimum=0
    )
    refresh_interval: int = option(
        "Seconds between two looks of the DAG processor at what git-sync fetched.", default=2, minimum=1
    )
    http_port: int = option(
        "Port of metrics and health of the first repository (by name); the others have the next ones.",
        default=8700,
        minimum=1024,
        maximum=65535,
    )
    metrics: bool = option("Whether git-sync tells Prometheus metrics at C(/metrics).", default=True)
    resources: dict[str, dict[str, t.Any]] = option(
        "Requests and limits of each of its containers.",
        factory=resources("10m", "64Mi", "256Mi", "500m"),
        check=kubernetes.resources,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Celery:
    """Workers that wait for tasks, and the broker between them and the scheduler (CeleryExecutor)."""

    PREFIX: t.ClassVar[str] = "airflow_celery_"
    broker: Broker = option("The broker.", factory=Broker, reaches="Secret/<instance>-celery")
    redis: Redis = option("The embedded broker.", factory=Redis, reaches="StatefulSet/<instance>-redis")
    result_backend: ResultBackend = option(
        "The result backend.", factory=ResultBackend, reaches="Secret/<instance>-celery"
    )
    workers: dict[str, CeleryWorkers] = option(
        "Sets of workers by name, each with C(queues), C(concurrency), C(replicas) and what docs/executors.md lists; "
        "one set C(default) that takes the queue C(default) if none is given.",
        factory=dict,
        reaches="Deployment/<instance>-worker, Deployment/<instance>-worker-<set>",
    )
    flower: Flower = option("Flower.", factory=Flower, reaches="Deployment/<instance>-flower")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """Who sets how many pods there are."""

    PREFIX: t.ClassVar[str] = "airflow_autoscaling_"
    workers: dict[str, KedaScaler] = option(
        "Sets of Celery workers that KEDA scales by the tasks of their queues, by the name of the set (C(default) "
        "where C(airflow_celery_workers) is not given), each with C(min), C(max) and what docs/autoscaling.md lists.",
        factory=dict,
        reaches="ScaledObject/<instance>-worker, ScaledObject/<instance>-worker-<set>",
    )
    workers_hpa: dict[str, PodScaler] = option(
        "The same for a HorizontalPodAutoscaler, which scales by what workers use, where there is no KEDA.",
        factory=dict,
        reaches="HorizontalPodAutoscaler/<instance>-worker, HorizontalPodAutoscaler/<instance>-worker-<set>",
    )
    triggerer: KedaScaler | None = option(
        "Have KEDA scale triggerers by the number of triggers.",
        default=None,
        reaches="ScaledObject/<instance>-triggerer",
    )
    api_server: PodScaler | None = option(
        "Have a HorizontalPodAutoscaler scale the API server (the webserver of Airflow 2.11).",
        default=None,
        reaches="HorizontalPodAutoscaler/<instance>-api-server",
    )
    database: ScalerDatabase = option(
        "Who KEDA is to the metadata database.",
        factory=ScalerDatabase,
        reaches="TriggerAuthentication/<instance>-autoscaling",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Logging:
    """Where task logs live, and what is logged."""

    PREFIX: t.ClassVar[str] = "airflow_logging_"
    store: LogStore = option(
        "Where task logs are kept when their pod is gone. See docs/logs.md.", default="none", reaches=LOG_CONFIG
    )
    volume: LogVolume = option(
        "A shared volume for task logs.", factory=LogVolume, reaches="PersistentVolumeClaim/<instance>-logs"
    )
    s3: S3Logs | None = option(
        "A bucket of Amazon S3, or of a server that speaks S3.", default=None, reaches=LOG_CONFIG
    )
    gcs: GcsLogs | None = option("A bucket of Google Cloud Storage.", default=None, reaches=LOG_CONFIG)
    wasb: WasbLogs | None = option("A container of Azure Blob Storage.", default=None, reaches=LOG_CONFIG)
    opensearch: OpensearchLogs | None = option("An index of OpenSearch.", default=None, reaches=LOG_CONFIG)
    elasticsearch: ElasticsearchLogs | None = option("An index of Elasticsearch.", default=None, reaches=LOG_CONFIG)
    cloudwatch: CloudwatchLogs | None = option("A log group of CloudWatch.", default=None, reaches=LOG_CONFIG)
    stackdriver: StackdriverLogs | None = option("A log of Google Cloud Logging.", default=None, reaches=LOG_CONFIG)
    shipper: LogShipper = option(
        "rsyslog on each node, where a search server gets what tasks print. See docs/logs.md.",
        factory=LogShipper,
        reaches="DaemonSet/<instance>-log-shipper",
    )
    loss_accepted: bool = option(
        "Accept that the log of a task is lost with its pod (executors other than the LocalExecutor, without a store).",
        default=False,
    )
    retention_days: int = option(
        "Days that logs stay on a log volume; 0 keeps them for ever. Other stores have rules of their own.",
        default=30,
        minimum=0,
        reaches="CronJob/<instance>-log-cleanup",
    )
    level: LogLevel = option("What Airflow and tasks log, at least.", default="INFO", reaches=LOG_CONFIG)
    fab_level: LogLevel = option("The same for logins and the pages of FAB.", default="WARNING", reaches=LOG_CONFIG)
    levels: dict[str, str] = option(
        "Levels of single loggers, such as C(sqlalchemy.engine) (Airflow 3.2 and newer).",
        factory=dict,
        check=forms.log_levels,
        reaches=LOG_CONFIG,
    )
    json: bool = option(
        "Have all containers print JSON, one object in each line (Airflow 3.2 and newer).",
        default=False,
        reaches=LOG_CONFIG,
    )
    config_file: str | None = option(
        "Content of log_config.py, whose C(LOGGING_CONFIG) takes the place of Airflow's own.",
        default=None,
        reaches=LOG_CONFIG,
    )

    @property
    def chosen(self) -> t.Any:
        """The block of the chosen store."""
        return None if self.store == "none" else getattr(self, self.store)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ingress:
    """How people reach Airflow from outside the cluster; host and path are those of C(airflow_core_base_url)."""

    PREFIX: t.ClassVar[str] = "airflow_ingress_"
    enabled: bool = option("Whether to make an Ingress.", default=False, reaches="Ingress/<instance>-ingress")
    class_name: str | None = option(
        "IngressClass; the cluster's default one if not given.", default=None, form=forms.OBJECT_NAME
    )
    annotations: dict[str, str] = option("Annotations of the Ingress.", factory=dict, check=kubernetes.notes)
    tls_secret: str | None = option(
        "Secret with the certificate; needed where C(airflow_core_base_url) begins with https and TLS ends at the "
        "Ingress.",
        default=None,
        form=forms.OBJECT_NAME,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Extra:
    """Objects of the person's own."""

    PREFIX: t.ClassVar[str] = "airflow_extra_"
    manifests: list[dict[str, Verbatim] | str] = option(
        "Objects to apply with the instance, in its namespace unless they name another; also paths (or globs) of YAML "
        "files and, where they end in C(.j2), of templates, beside the inventory or the playbook. See "
        "docs/overrides.md.",
        factory=list,
        reaches="the cluster",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verify:
    """Proof that the instance works."""

    PREFIX: t.ClassVar[str] = "airflow_verify_"
    canary: bool = option(
        "Deliver a canary DAG with the instance, and run it to success after a converge that changed something.",
        default=True,
        reaches="ConfigMap/<instance>-canary",
    )
    timeout: int = option("Seconds that the canary run may take.", default=300, minimum=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Values:
    """All that shapes one instance, except secrets, which never become values."""

    instance: Instance
    rbac: Rbac
    policy: Policy
    database: Database
    core: Core
    celery: Celery
    autoscaling: Autoscaling
    git_sync: GitSync
    logging: Logging
    extra: Extra
    ingress: Ingress
    verify: Verify

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self.instance.instance

    @property
    def namespace(self) -> str:
        """Namespace of the instance."""
        return self.instance.namespace or self.instance.instance

    def team_namespace(self, team: str) -> str:
        """Namespace of a team's task pods."""
        return self.rbac.teams[team].namespace or f"{self.name}-{team}"

    @property
    def release(self) -> tuple[int, ...]:
        """Version of Airflow, as one compares it: (3, 3, 2) is more than (3, 3), and less than (3, 4)."""
        return tuple(int(part) for part in re.findall("[0-9]+", self.instance.version)[:3])

    @property
    def major(self) -> int:
        """Major version of Airflow."""
        return self.release[0]

    @property
    def web_component(self) -> str:
        """The component that serves the API: Airflow 2 calls it the webserver."""
        return "api-server" if self.major >= 3 else "webserver"

    @property
    def shipper_namespace(self) -> str:
        """Namespace of what takes printed logs to a search server."""
        return self.logging.shipper.namespace or self.namespace

    @property
    def runs_local(self) -> bool:
        """Whether tasks run in the scheduler's pod."""
        return executors.LOCAL in executors.running(self.core.executor)

    @property
    def runs_celery(self) -> bool:
        """Whether workers wait for tasks."""
        return executors.CELERY in executors.running(self.core.executor)

    @property
    def runs_kubernetes(self) -> bool:
        """Whether tasks run in pods of their own."""
        return executors.KUBERNETES in executors.running(self.core.executor)

    @property
    def worker_sets(self) -> dict[str, CeleryWorkers]:
        """Celery's workers by the name of their set; none where there is no Celery."""
        if not self.runs_celery:
            return {}
        return self.celery.workers or {"default": CeleryWorkers()}

    @property
    def database_kind(self) -> DatabaseKind:
        """What its kind of database has different from others."""
        return database_kinds.KINDS[self.database.kind]

    @property
    def uses_fab(self) -> bool:
        """Whether users are kept in the database, under the auth manager that there is if nobody says otherwise."""
        return ".fab." in f".{self.core.config.get('core', {}).get('auth_manager', 'fab')}."

    @property
    def airflow_teams(self) -> list[str]:
        """Airflow's own teams that DAGs belong to, without which its DAG processor does not start."""
        sources = [*self.git_sync.repositories.values(), *self.core.dag_bundles.values()]
        return sorted({source.team for source in sources if source.team})

    @property
    def uses_keda(self) -> bool:
        """Whether KEDA asks the metadata database anything."""
        return bool(self.autoscaling.workers or self.autoscaling.triggerer)


SECTIONS: dict[str, type] = {
    "instance": Instance,
    "rbac": Rbac,
    "policy": Policy,
    "database": Database,
    "core": Core,
    "celery": Celery,
    "autoscaling": Autoscaling,
    "git_sync": GitSync,
    "logging": Logging,
    "extra": Extra,
    "ingress": Ingress,
    "verify": Verify,
}

# Secrets that a person may give; they reach the `secrets` module only, never values, objects or files.
SECRET_VARIABLES: dict[str, str] = {
    "airflow_core_fernet_key": "Fernet key; the existing one, else a generated one if not given.",
    "airflow_core_jwt_secret": "Secret that signs API tokens; the existing one, else a generated one if not given.",
    "airflow_core_api_secret_key": "Secret key of the web application; the existing one, else generated if not given.",
    "airflow_core_admin_password": "Password of the first administrator; the existing one, else generated.",
    "airflow_database_password": "Password of the database user; generated for an embedded database if not given.",
    "airflow_celery_broker_password": "Password of the broker; the existing one, else generated for an embedded one.",
    "airflow_celery_flower_password": "Password of Flower's user; the existing one, else generated.",
}

# Variables that the playbooks use and that shape no object.
PLAYBOOK_VARIABLES: dict[str, str] = {
    "airflow_target": "Hosts to work on.",
    "airflow_kubeconfig": "Path of the kubeconfig file.",
    "airflow_context": "Context of the kubeconfig.",
    "airflow_wait_timeout": "Seconds to wait for the workloads of one role.",
    "airflow_prune": "Delete objects that are not declared any more; never volumes, Secrets or namespaces.",
    "airflow_replace": "Delete and make anew objects whose immutable fields change; volumes and their data stay.",
    "airflow_adopt": "Take over objects of the same names that others have made (kubectl, Helm, another tool).",
    "airflow_force_conflicts": "Take over fields that others have set (kubectl, Helm, another tool).",
    "airflow_downgrade": "Bring a database that a newer Airflow has migrated back to what the image knows; "
    "what only newer tables and columns hold is lost.",
    "airflow_newer_image": "With C(airflow_downgrade), the image that has migrated it, if no pod of it runs any more.",
    "airflow_image_tag": "Tag of the image that C(playbooks/release.yml) rolls out.",
    "airflow_image_digest": "Digest of the image that C(playbooks/release.yml) rolls out.",
    "airflow_import_errors_accepted": "Release an image although it holds DAGs that cannot be imported.",
    "airflow_dags_source": "Folder of DAGs on the controller that C(playbooks/upload_dags.yml) uploads.",
    "airflow_dags_delete": "Remove files from the volume of DAGs that are not in C(airflow_dags_source); true if not "
    "given.",
    "airflow_dags_exclude": "List of patterns of what is neither uploaded nor removed; those of the module "
    "C(dags_upload) if not given.",
    "airflow_dags_names": "Names of the repositories and bundles that C(playbooks/refresh_dags.yml) refreshes, with "
    "commas in between; all if not given.",
    "airflow_hibernate_data": "Whether C(playbooks/hibernate.yml) stops the database and the broker, too; true if not "
    "given.",
    "airflow_api_url": "Address to reach Airflow's API at, instead of through the Kubernetes API.",
    "airflow_delete_data": "Delete volumes and secrets, too, when an instance is uninstalled.",
}

# How the playbooks read those that are not text.
PLAYBOOK_TYPES: dict[str, type] = {
    "airflow_wait_timeout": int,
    "airflow_prune": bool,
    "airflow_replace": bool,
    "airflow_adopt": bool,
    "airflow_force_conflicts": bool,
    "airflow_downgrade": bool,
    "airflow_import_errors_accepted": bool,
    "airflow_dags_delete": bool,
    "airflow_hibernate_data": bool,
    "airflow_delete_data": bool,
}
