"""Changes of an instance that check mode has to foresee, each from a state of its own."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import APPLY, Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

Variables = dict[str, t.Any]

FERNET_KEY = "Zm9yIHRlc3RzIG9ubHksIDMyIGJ5dGVzIGxvbmcuLi4="
STRATEGIC = "application/strategic-merge-patch+json"
LONG = "x" * 86

VOLUME: Variables = {"airflow_logging_store": "volume", "airflow_logging_volume": {"size": "1Gi"}}
BASE: Variables = VOLUME
S3: Variables = {"airflow_logging_store": "s3", "airflow_logging_s3": {"bucket": "logs", "region": "eu-central-1"}}
LOCAL: Variables = {"airflow_core_executor": "LocalExecutor"}
CELERY: Variables = {**BASE, "airflow_core_executor": "CeleryExecutor"}
SEVERAL: Variables = {
    **BASE,
    "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
    "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True}},
    "airflow_celery_workers": {"default": {}, "heavy": {"queues": ["heavy"]}},
    "airflow_celery_flower": {"enabled": True},
}
OLD: Variables = {**BASE, "airflow_version": "2.11.2"}
POOLED: Variables = {**BASE, "airflow_database_pgbouncer": {"enabled": True}}
EXTERNAL: Variables = {
    **BASE,
    "airflow_database_provider": "external",
    "airflow_database_host": "postgres.example.com",
    "airflow_database_password": "one of the database",
}
WITH_INGRESS: Variables = {
    **BASE,
    "airflow_ingress_enabled": True,
    "airflow_ingress_class_name": "nginx",
    "airflow_core_base_url": "https://airflow.example.com/data",
}
LIMITED: Variables = {
    **BASE,
    "airflow_rbac_quota": {"pods": "100"},
    "airflow_rbac_limit_range": [{"type": "Container", "default": {"cpu": "1"}}],
}
NO_TRIGGERER: Variables = {**BASE, "airflow_core_triggerer": {"enabled": False}}
EVERYTHING: Variables = {
    **WITH_INGRESS,
    **LIMITED,
    **POOLED,
    "airflow_labels": {"cost-centre": "4711"},
    "airflow_annotations": {"example.com/owner": "data"},
    "airflow_rbac_tasks_launch_pods": True,
}


def synced(instance: str, host_key: str = "AAAA") -> Variables:
    """DAGs out of a repository that a Secret of the instance's owner opens."""
    repository = {
        "url": "git@git.example.com:dags.git",
        "sshKey": {"name": f"{instance}-deploy-key"},
        "knownHosts": f"git.example.com ssh-ed25519 {host_key}\n",
    }
    return {**BASE, "airflow_git_sync_repositories": {"data": repository}}


BUNDLES: Variables = {
    **BASE,
    "airflow_core_dag_bundles": {
        "data": {"url": "https://git.example.com/dags", "ref": "main"},
        "lake": {"kind": "s3", "url": "s3://lake"},
    },
}
DAGS_VOLUME: Variables = {**BASE, "airflow_core_dags_volume": {"enabled": True, "size": "1Gi"}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hand:
    """A person, or another program, that changes an instance behind our back."""

    cluster: Cluster
    instance: str

    def remove(self, kind: str, name: str) -> None:
        assert self.cluster.delete(kinds.named(kind), f"{self.instance}-{name}", self.instance)

    def change(self, kind: str, name: str, patch: Object, manager: str = "kubectl-edit") -> None:
        path = kinds.named(kind).path(self.instance, f"{self.instance}-{name}")
        self.cluster.request("PATCH", path, query={"fieldManager": manager}, body=patch, content_type=STRATEGIC)

    def apply(self, kind: str, name: str, body: Object, manager: str = "helm") -> None:
        """Server-side apply, which makes what is not there."""
        found = kinds.named(kind)
        full = f"{self.instance}-{name}" if found.namespaced else self.instance
        meta = {"name": full, **({"namespace": self.instance} if found.namespaced else {})}
        whole = {"apiVersion": found.api_version, "kind": kind, "metadata": meta, **body}
        query = {"fieldManager": manager}
        self.cluster.request("PATCH", found.path(self.instance, full), query=query, body=whole, content_type=APPLY)


def thing(**spec: t.Any) -> Object:
    """An object of a kind that comes in the same run."""
    return {"apiVersion": "tests.dagops.example/v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": spec}


DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.tests.dagops.example"},
    "spec": {
        "group": "tests.dagops.example",
        "names": {"kind": "Thing", "plural": "things"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def own(kind: str, name: str, **body: t.Any) -> Object:
    """An object of a person's own."""
    found = kinds.named(kind)
    namespace = body.pop("namespace", None)
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": found.api_version, "kind": kind, "metadata": meta, **body}


OWN: Variables = {
    **BASE,
    "airflow_extra_manifests": [
        own("ConfigMap", "own", data={"a": "1"}),
        own("Service", "own", spec={"ports": [{"port": 80}]}),
    ],
}
OTHER_OWN: Variables = {**BASE, "airflow_extra_manifests": [own("ConfigMap", "own", data={"a": "2"})]}


def scaled_by_somebody(hand: Hand) -> None:
    hand.change("Deployment", "scheduler", {"spec": {"replicas": 3}}, manager="kubectl-scale")


def edited(hand: Hand) -> None:
    """What a tired person does at night, without a conflict with what we declare."""
    hand.remove("Deployment", "dag-processor")
    hand.remove("ServiceAccount", "triggerer")
    hand.change("Service", "api-server", {"metadata": {"labels": {"tier": None}}})
    hand.change("ConfigMap", "config", {"data": {"extra": "theirs", "heartbeat.py": None}})
    hand.change("Deployment", "api-server", {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}})


def helm_was_here(hand: Hand) -> None:
    hand.apply("Namespace", "", {})
    hand.apply("ServiceAccount", "scheduler", {"automountServiceAccountToken": True})
    hand.apply("ConfigMap", "config", {"data": {"airflow.cfg": "[core]\n", "theirs": "kept"}})


def namespace_of_others(hand: Hand) -> None:
    hand.apply("Namespace", "", {})


def lost_jwt_secret(hand: Hand) -> None:
    hand.remove("Secret", "jwt-secret")


def own_fernet_key(hand: Hand) -> None:
    hand.apply("Namespace", "", {})
    hand.apply("Secret", "fernet-key", {"stringData": {"fernet-key": FERNET_KEY}}, manager="kubectl")


def own_account(hand: Hand) -> None:
    hand.apply("ServiceAccount", "of-mine", {}, manager="kubectl")


def deploy_key(hand: Hand) -> None:
    hand.apply("Namespace", "", {})
    hand.apply("Secret", "deploy-key", {"stringData": {"ssh-privatekey": "a key"}}, manager="kubectl")


def foreign_object(hand: Hand) -> None:
    hand.apply("ConfigMap", "of-somebody", {"data": {"a": "b"}}, manager="kubectl")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """From a state of the cluster to another description of the instance, or to its removal."""

    found: t.Callable[[Hand], None] | None = None
    """What others had made before anything."""
    start: Variables | None = dataclasses.field(default_factory=lambda: BASE)
    """What was converged before; None for nothing."""
    parts: tuple[str, ...] = ()
    """Which parts of the start a run that was cut short has made; all if empty."""
    edit: t.Callable[[Hand], None] | None = None
    """What somebody did then."""
    then: Variables = dataclasses.field(default_factory=lambda: BASE)
    consents: tuple[str, ...] = ()
    playbook: str = "site"
    touches: tuple[str, ...] = ()
    """Objects that must be among the changed ones, without the instance's name."""
    elsewhere: tuple[str, ...] = ()
    """Other namespaces in which objects change."""
    refused: str = ""
    """How the run is refused, as a pattern."""

    def variables(self) -> Variables:
        """The host's variables in the run."""
        return {**self.then, **dict.fromkeys(self.consents, True)}


PRUNE = ("airflow_prune",)
FORCE = ("airflow_force_conflicts",)
REPLACE = ("airflow_replace",)
ADOPT = ("airflow_adopt",)

CHANGES: dict[str, Change] = {
    # From nothing.
    "install": Change(start=None, touches=("Namespace/", "Deployment/scheduler", "Secret/fernet-key")),
    "install-local": Change(start=None, then=LOCAL, touches=("Deployment/triggerer",)),
    "install-airflow-2": Change(start=None, then=OLD, touches=("Secret/webserver-secret-key",)),
    "install-everything": Change(start=None, then=EVERYTHING, touches=("Ingress/ingress", "Deployment/pgbouncer")),
    "install-external": Change(start=None, then=EXTERNAL, touches=("Secret/metadata",)),
    "install-namespace-of-others": Change(
        found=namespace_of_others,
        start=None,
        then={**BASE, "airflow_rbac_namespace_managed": False},
        touches=("Deployment/scheduler",),
    ),
    "install-own-key": Change(
        found=own_fernet_key, start=None, touches=("Namespace/", "Secret/fernet-key", "Deployment/scheduler")
    ),
    "install-with-objects-of-their-own": Change(
        start=None, then=OWN, touches=("ConfigMap/own", "Service/own", "Deployment/scheduler")
    ),
    # What is not there yet: a namespace, a kind.
    "objects-elsewhere": Change(
        then={
            **BASE,
            "airflow_extra_manifests": [
                own("Namespace", "elsewhere"),
                own("ConfigMap", "own", namespace="elsewhere", data={"a": "1"}),
            ],
        },
        elsewhere=("elsewhere",),
        touches=("Namespace/elsewhere", "ConfigMap/own"),
    ),
    "a-kind-and-an-object-of-it": Change(
        then={**BASE, "airflow_extra_manifests": [DEFINITION, thing(a=1)]},
        touches=("CustomResourceDefinition/things.tests.dagops.example", "Thing/thing"),
    ),
    "objects-of-their-own": Change(start=OWN, then=OTHER_OWN, touches=("ConfigMap/own",)),
    "objects-of-their-own-gone": Change(start=OWN, consents=PRUNE, touches=("ConfigMap/own", "Service/own")),
    "overrides": Change(
        then={
            **BASE,
            "airflow_overrides": {"Deployment/*": {"spec": {"template": {"spec": {"dnsPolicy": "Default"}}}}},
        },
        touches=("Deployment/scheduler", "Deployment/triggerer"),
    ),
    # What shapes pods.
    "option-of-airflow": Change(
        then={**BASE, "airflow_core_config": {"core": {"parallelism": 64}}},
        touches=("ConfigMap/config", "Deployment/scheduler", "Deployment/triggerer"),
    ),
    "webserver-config": Change(
        then={**BASE, "airflow_core_webserver_config": "AUTH_TYPE = 1\n"}, touches=("ConfigMap/config",)
    ),
    "environment": Change(
        then={**BASE, "airflow_core_env": [{"name": "TZ", "value": "UTC"}]}, touches=("Deployment/scheduler",)
    ),
    "image": Change(
        then={**BASE, "airflow_image": {"repository": "docker.io/acme/airflow", "tag": "7"}},
        touches=("Deployment/scheduler", "ConfigMap/pod-template"),
    ),
    "version": Change(then={**BASE, "airflow_version": "3.3.3"}, touches=("Deployment/scheduler",)),
    "replicas": Change(then={**BASE, "airflow_core_scheduler": {"replicas": 2}}, touches=("Deployment/scheduler",)),
    "resources": Change(
        then={**BASE, "airflow_core_scheduler": {"resources": {"limits": {"memory": "4Gi"}}}},
        touches=("Deployment/scheduler",),
    ),
    "resources-of-tasks": Change(
        then={**BASE, "airflow_core_workers": {"resources": {"limits": {"memory": "4Gi"}}}},
        touches=("ConfigMap/pod-template", "Deployment/scheduler"),
    ),
    "labels": Change(
        then={**BASE, "airflow_labels": {"cost-centre": "4711"}},
        touches=("Namespace/", "Secret/metadata", "StatefulSet/postgresql"),
    ),
    "labels-gone": Change(start=EVERYTHING, then=BASE, touches=("Deployment/scheduler",)),
    "annotations": Change(
        then={**BASE, "airflow_annotations": {"example.com/owner": "data"}},
        touches=("Namespace/", "PersistentVolumeClaim/logs"),
    ),
    "pods-of-one-component": Change(
        then={**BASE, "airflow_core_dag_processor": {"labels": {"a": "b"}, "nodeSelector": {"pool": "airflow"}}},
        touches=("Deployment/dag-processor",),
    ),
    "placement": Change(
        then={**BASE, "airflow_placement": {"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["ldap"]}]}},
        touches=("Deployment/scheduler", "StatefulSet/postgresql", "ConfigMap/pod-template", "CronJob/log-cleanup"),
    ),
    "nodes-of-tasks": Change(
        then={
            **BASE,
            "airflow_task_nodes": {"labels": {"pool": "tasks"}, "taints": [{"key": "tasks", "effect": "NoSchedule"}]},
            "airflow_core_workers": {"podDisruptionBudget": {"enabled": True}},
        },
        touches=("ConfigMap/pod-template", "PodDisruptionBudget/task"),
    ),
    "database-cleanup": Change(
        then={**BASE, "airflow_database_cleanup": {"enabled": True, "timeZone": "Europe/Berlin"}},
        touches=("CronJob/db-cleanup", "ServiceAccount/db-cleanup"),
    ),
    "service-type": Change(
        then={**BASE, "airflow_core_api_server": {"service": {"type": "NodePort"}}}, touches=("Service/api-server",)
    ),
    # Parts that come and go.
    "ingress-on": Change(then=WITH_INGRESS, touches=("Ingress/ingress", "ConfigMap/config")),
    "ingress-off": Change(start=WITH_INGRESS, touches=("ConfigMap/config",)),
    "ingress-off-pruned": Change(start=WITH_INGRESS, consents=PRUNE, touches=("Ingress/ingress",)),
    "ingress-host": Change(
        start=WITH_INGRESS,
        then={**WITH_INGRESS, "airflow_core_base_url": "https://other.example.com"},
        touches=("Ingress/ingress", "ConfigMap/config"),
    ),
    "pgbouncer-on": Change(
        then=POOLED,
        touches=("Secret/pgbouncer-config", "Secret/metadata", "Deployment/pgbouncer", "Deployment/scheduler"),
    ),
    "pgbouncer-off": Change(start=POOLED, touches=("Secret/metadata", "Deployment/scheduler")),
    "pgbouncer-off-pruned": Change(
        start=POOLED, consents=PRUNE, touches=("Deployment/pgbouncer", "ServiceAccount/pgbouncer")
    ),
    "pgbouncer-size": Change(
        start=POOLED,
        then={**BASE, "airflow_database_pgbouncer": {"enabled": True, "poolSize": 20}},
        touches=("Secret/pgbouncer-config", "Deployment/pgbouncer"),
    ),
    "to-local-executor": Change(
        then={**BASE, **LOCAL}, consents=PRUNE, touches=("Role/pod-launcher", "ConfigMap/pod-template")
    ),
    "to-local-executor-without-consent": Change(
        then={**BASE, **LOCAL},
        touches=("Role/pod-launcher", "ConfigMap/pod-template", "ServiceAccount/worker", "Deployment/scheduler"),
    ),
    "install-celery": Change(
        start=None,
        then=CELERY,
        touches=("Secret/broker", "Secret/celery", "StatefulSet/redis", "Deployment/worker", "Deployment/scheduler"),
    ),
    "install-several-executors": Change(
        start=None,
        then=SEVERAL,
        touches=("Deployment/worker-heavy", "Deployment/flower", "CronJob/cleanup", "Secret/flower"),
    ),
    "install-celery-airflow-2": Change(
        start=None,
        then={**OLD, "airflow_core_executor": "CeleryKubernetesExecutor"},
        touches=("Deployment/worker", "ConfigMap/pod-template"),
    ),
    "kubernetes-to-celery": Change(
        then=CELERY,
        touches=("Deployment/worker", "StatefulSet/redis", "ConfigMap/pod-template", "Role/log-reader"),
    ),
    "celery-to-local": Change(
        start=SEVERAL,
        then={**BASE, **LOCAL},
        touches=(
            *("Deployment/worker", "Deployment/worker-heavy", "PodDisruptionBudget/worker", "Deployment/flower"),
            *("StatefulSet/redis", "Service/redis", "ServiceAccount/redis", "ServiceAccount/worker", "CronJob/cleanup"),
        ),
    ),
    "celery-password": Change(
        start=CELERY,
        then={**CELERY, "airflow_celery_broker_password": "another-one"},
        touches=("Secret/broker", "Secret/celery", "StatefulSet/redis", "Deployment/worker", "Deployment/scheduler"),
    ),
    # Workers of a set that is not declared any more may have been forgotten.
    "celery-set-gone": Change(start=SEVERAL, then={**SEVERAL, "airflow_celery_workers": {}}),
    "celery-set-gone-pruned": Change(
        start=SEVERAL,
        then={**SEVERAL, "airflow_celery_workers": {}},
        consents=PRUNE,
        touches=("Deployment/worker-heavy",),
    ),
    "celery-external-broker": Change(
        start=CELERY,
        then={**CELERY, "airflow_celery_broker": {"provider": "external", "host": "redis.example.com"}},
        # The address itself is there for pods once a pod has tried it, and here is none.
        touches=("Deployment/worker", "Deployment/scheduler"),
    ),
    "removal-of-celery": Change(
        start=SEVERAL, then=SEVERAL, playbook="uninstall", touches=("StatefulSet/redis", "Deployment/worker")
    ),
    "to-kubernetes-executor": Change(
        start={**BASE, **LOCAL}, touches=("Role/pod-launcher", "ConfigMap/pod-template", "Deployment/scheduler")
    ),
    "no-disruption-budget": Change(
        then={**BASE, "airflow_core_scheduler": {"podDisruptionBudget": {"enabled": False}}},
        consents=PRUNE,
        touches=("PodDisruptionBudget/scheduler",),
    ),
    "to-external-database": Change(then=EXTERNAL, touches=("Secret/metadata", "Deployment/scheduler")),
    "to-external-database-pruned": Change(then=EXTERNAL, consents=PRUNE, touches=("StatefulSet/postgresql",)),
    "to-embedded-database": Change(
        start=EXTERNAL, touches=("StatefulSet/postgresql", "Secret/metadata", "Deployment/scheduler")
    ),
    "log-volume-on": Change(
        start=LOCAL, then={**BASE, **LOCAL}, touches=("PersistentVolumeClaim/logs", "Deployment/scheduler")
    ),
    # A volume is never pruned.
    "log-volume-off": Change(
        then={"airflow_logging_loss_accepted": True}, consents=PRUNE, touches=("Deployment/scheduler",)
    ),
    "log-store": Change(
        then={**S3, "airflow_logging_level": "WARNING"},
        touches=("ConfigMap/config", "ConfigMap/pod-template", "Deployment/scheduler"),
    ),
    "log-store-pruned": Change(
        then=S3, consents=PRUNE, touches=("CronJob/log-cleanup", "ServiceAccount/log-cleanup", "Deployment/triggerer")
    ),
    "log-store-of-old": Change(
        start={**S3, "airflow_version": "2.11.2"}, then=OLD, touches=("CronJob/log-cleanup", "Deployment/webserver")
    ),
    "log-retention": Change(then={**BASE, "airflow_logging_retention_days": 7}, touches=("CronJob/log-cleanup",)),
    "canary-off": Change(
        then={**BASE, "airflow_verify_canary": False},
        consents=PRUNE,
        touches=("ConfigMap/canary", "Deployment/dag-processor"),
    ),
    # Ways that DAGs come by.
    "git-sync-on": Change(
        found=deploy_key,
        then=synced("git-sync-on"),
        touches=("ConfigMap/git-sync", "ConfigMap/config", "ConfigMap/pod-template", "Deployment/dag-processor"),
    ),
    "git-sync-off": Change(
        found=deploy_key,
        start=synced("git-sync-off"),
        consents=PRUNE,
        touches=("ConfigMap/git-sync", "ConfigMap/config", "Deployment/dag-processor"),
    ),
    "git-sync-host-key": Change(
        found=deploy_key,
        start=synced("git-sync-host-key"),
        then=synced("git-sync-host-key", "BBBB"),
        touches=("ConfigMap/git-sync", "Deployment/dag-processor"),
    ),
    "git-sync-on-airflow-2": Change(
        found=deploy_key,
        start=OLD,
        then={**synced("git-sync-on-airflow-2"), **OLD},
        touches=("ConfigMap/git-sync", "Deployment/dag-processor", "Deployment/triggerer"),
    ),
    "bundles-on": Change(
        then=BUNDLES, touches=("ConfigMap/config", "ConfigMap/pod-template", "Deployment/dag-processor")
    ),
    "bundles-off": Change(start=BUNDLES, touches=("ConfigMap/config", "Deployment/dag-processor")),
    "dags-volume-on": Change(
        then=DAGS_VOLUME, touches=("PersistentVolumeClaim/dags", "ConfigMap/pod-template", "Deployment/dag-processor")
    ),
    # A volume is never pruned.
    "dags-volume-off": Change(start=DAGS_VOLUME, consents=PRUNE, touches=("Deployment/dag-processor",)),
    "triggerer-off": Change(then=NO_TRIGGERER, touches=()),
    "triggerer-off-pruned": Change(
        then=NO_TRIGGERER, consents=PRUNE, touches=("Deployment/triggerer", "ServiceAccount/triggerer")
    ),
    "limits-on": Change(then=LIMITED, touches=("ResourceQuota/quota", "LimitRange/limits")),
    "limits-off": Change(start=LIMITED, consents=PRUNE, touches=("ResourceQuota/quota", "LimitRange/limits")),
    "service-accounts": Change(
        edit=own_account,
        then={
            **BASE,
            "airflow_rbac_service_accounts": {
                "scheduler": {"name": "service-accounts-of-mine"},
                "worker": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/worker"}},
            },
        },
        consents=PRUNE,
        touches=("ServiceAccount/scheduler", "ServiceAccount/worker", "RoleBinding/pod-launcher"),
    ),
    "pod-security": Change(then={**BASE, "airflow_rbac_pod_security": "baseline"}, touches=("Namespace/",)),
    "everything-at-once": Change(
        then=EVERYTHING, consents=PRUNE, touches=("Ingress/ingress", "Secret/metadata", "Deployment/scheduler")
    ),
    # Secrets.
    "given-password": Change(then={**BASE, "airflow_core_admin_password": "a new one"}, touches=("Secret/admin",)),
    "given-jwt-secret": Change(
        then={**BASE, "airflow_core_jwt_secret": LONG}, touches=("Secret/jwt-secret", "Deployment/api-server")
    ),
    # It is what the fingerprints of all the others are made with.
    "given-api-secret": Change(
        then={**BASE, "airflow_core_api_secret_key": LONG}, touches=("Secret/api-secret-key", "Deployment/api-server")
    ),
    "another-fernet-key": Change(
        then={**BASE, "airflow_core_fernet_key": FERNET_KEY},
        refused="airflow_core_fernet_key is not the key that this instance uses",
    ),
    "given-database-password": Change(
        start=EXTERNAL,
        then={**EXTERNAL, "airflow_database_password": "another of the database"},
        touches=("Secret/postgresql", "Secret/metadata", "Deployment/scheduler"),
    ),
    "database-host": Change(
        start=EXTERNAL,
        then={**EXTERNAL, "airflow_database_host": "other.example.com"},
        touches=("Secret/metadata", "Deployment/scheduler"),
    ),
    "lost-secret": Change(edit=lost_jwt_secret, touches=("Secret/jwt-secret", "Deployment/api-server")),
    # Versions.
    "upgrade-to-airflow-3": Change(
        start=OLD,
        touches=(
            *("Deployment/webserver", "Service/webserver", "ServiceAccount/webserver"),
            *("Deployment/api-server", "Secret/api-secret-key"),
        ),
    ),
    "back-to-airflow-2": Change(then=OLD, touches=("Deployment/webserver", "Deployment/api-server")),
    # Immutable fields.
    "size-of-the-database": Change(
        then={**BASE, "airflow_database_postgres": {"storage": {"size": "20Gi"}}},
        refused=r"StatefulSet/.*-postgresql: .*storage \(10Gi to 20Gi\) cannot be changed in place",
    ),
    "size-of-the-database-replaced": Change(
        then={**BASE, "airflow_database_postgres": {"storage": {"size": "20Gi"}}},
        consents=REPLACE,
        touches=("StatefulSet/postgresql",),
    ),
    "access-to-the-log-volume": Change(
        then={
            "airflow_logging_store": "volume",
            "airflow_logging_volume": {"size": "1Gi", "accessMode": "ReadWriteOnce"},
        },
        consents=REPLACE,
        refused="It holds data, so it is never replaced",
    ),
    # Others.
    "scaled-by-somebody": Change(edit=scaled_by_somebody, refused=r"spec\.replicas set by kubectl-scale"),
    "scaled-by-somebody-forced": Change(edit=scaled_by_somebody, consents=FORCE, touches=("Deployment/scheduler",)),
    "edited-by-hand": Change(
        edit=edited,
        touches=("Deployment/dag-processor", "ServiceAccount/triggerer", "Service/api-server", "ConfigMap/config"),
    ),
    "half-installed": Change(
        parts=("rbac", "secrets", "config"), touches=("StatefulSet/postgresql", "Deployment/scheduler")
    ),
    "half-upgraded": Change(
        start={**BASE, "airflow_core_config": {"core": {"parallelism": 64}}},
        edit=lambda hand: hand.remove("ConfigMap", "config"),
        then={**POOLED, "airflow_core_config": {"core": {"parallelism": 8}}},
        touches=("ConfigMap/config", "Deployment/scheduler", "Secret/metadata"),
    ),
    "adoption": Change(found=helm_was_here, start=None, refused=r"ServiceAccount/.* is there already, made by helm"),
    "adoption-by-consent": Change(
        found=helm_was_here,
        start=None,
        consents=ADOPT,
        touches=("ServiceAccount/scheduler", "ConfigMap/config", "Deployment/scheduler"),
    ),
    # The way back.
    "removal": Change(playbook="uninstall", touches=("Deployment/scheduler", "ConfigMap/config")),
    "removal-with-data": Change(
        playbook="uninstall",
        then={**BASE, "airflow_delete_data": True},
        touches=("Namespace/", "PersistentVolumeClaim/logs", "Secret/fernet-key", "StatefulSet/postgresql"),
    ),
    "removal-of-everything": Change(
        start=EVERYTHING,
        edit=foreign_object,
        playbook="uninstall",
        # Somebody has forgotten what the instance was.
        then=BASE,
        touches=("Ingress/ingress", "Deployment/pgbouncer", "ResourceQuota/quota"),
    ),
    "removal-of-a-half": Change(
        parts=("rbac", "secrets", "database"), playbook="uninstall", touches=("Role/log-reader",)
    ),
    "removal-with-data-of-others": Change(
        found=namespace_of_others,
        start={**BASE, "airflow_rbac_namespace_managed": False},
        edit=foreign_object,
        playbook="uninstall",
        then={**BASE, "airflow_delete_data": True},
        touches=("PersistentVolumeClaim/logs", "Secret/fernet-key"),
    ),
}
