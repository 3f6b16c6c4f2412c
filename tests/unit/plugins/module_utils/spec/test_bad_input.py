"""Bad input of every kind: each is refused with the path of the variable, why, and without a secret."""

from __future__ import annotations

import dataclasses
import re
import types
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import FEATURE, HOME
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.celery_workers import SET_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.teams import TEAM_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.spec import dag_rules, forms, kubernetes, rules
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import VALUE_VARIABLES, load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError, camel, hints
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import SECTIONS
from tests.unit.cases import BASE, CASES, RESTRICTED

SECRET = "hunter2-is-no-password"
"""What must never be shown."""

EXTERNAL = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
MYSQL = {**EXTERNAL, "airflow_database_kind": "mysql"}
INGRESS = {"airflow_ingress_enabled": True, "airflow_core_base_url": "https://airflow.example.com"}
OLD = {"airflow_version": "2.11.2"}
LOCAL = {"airflow_core_executor": "LocalExecutor", "airflow_logging_store": "none"}
SHARED = {"airflow_logging_store": "volume", "airflow_logging_volume": {"accessMode": "ReadWriteOnce"}}

SERVERS = {"nameservers": ["10.0.0.53"], "searches": ["cluster.local"]}
NAMELESS = {"airflow_placement": {"dnsPolicy": "None", "dnsConfig": SERVERS}}


def scheduler(**options: t.Any) -> dict[str, t.Any]:
    return {"airflow_core_scheduler": options}


def beside(kind: str = "containers", **security: t.Any) -> dict[str, t.Any]:
    """A scheduler with a container of the person's own."""
    return scheduler(**{kind: [{"name": "a", "image": "b", "securityContext": security}]})


def config(section: str, **options: t.Any) -> dict[str, t.Any]:
    return {"airflow_core_config": {section: options}}


def limit(kind: str = "Container", **bounds: t.Any) -> dict[str, t.Any]:
    return {"airflow_rbac_limit_range": [{"type": kind, **bounds}]}


Bad = tuple[dict[str, t.Any], str, str]

NAMES: list[Bad] = [
    ({"airflow_instance": name}, "airflow_instance", words)
    for name, words in (
        (True, "as it does on, yes and true"),
        (False, "as it does off, no and false"),
        (1.5, "as the number 1.5: write it in quotes"),
        (123, '"123", which is not lower-case letters'),
        ("1e3", "which is not lower-case"),
        ("-a", "which is not lower-case"),
        ("a-", "which is not lower-case"),
        ("9lives", "which is not lower-case"),
        ("Analytics", "which is not lower-case"),
        ("a_b", "which is not lower-case"),
        ("a.b", "which is not lower-case"),
        ("a b", "which is not lower-case"),
        ("größe", "which is not lower-case"),
        ("аirflow", "which is not lower-case"),  # noqa: RUF001 - a Cyrillic letter, as it comes by copy and paste
        ("airflow\n", "airflow\\n"),
        ("a" * 41, "at most 40"),
        ("a" * 300, "at most 40"),
        (["a"], "must be text, not a list"),
        ({"a": 1}, "must be text, not a mapping"),
    )
]
NAMESPACES: list[Bad] = [
    ({"airflow_namespace": name}, "airflow_namespace", words)
    for name, words in (
        (True, "boolean true"),
        ("Data", "at most 63"),
        ("a" * 64, "at most 63"),
        ("-data", "at most 63"),
        ("data\n", "data\\n"),
        ("kube-system", "Kubernetes' own"),
        ("default", "choose another one, or set airflow_rbac_namespace_managed to false"),
    )
]
IMAGES: list[Bad] = [
    ({"airflow_version": "2.10.5"}, "airflow_version", "oldest Airflow that can be run is 2.11"),
    ({"airflow_version": "1.10.15"}, "airflow_version", "oldest"),
    ({"airflow_version": "4.0.0"}, "airflow_version", "newest Airflow that is known is 3.x"),
    ({"airflow_version": 3.3}, "airflow_version", "the number 3.3: write it in quotes"),
    ({"airflow_version": "3.3"}, "airflow_version", "a whole version such as 3.3.2"),
    ({"airflow_version": "v3.3.2"}, "airflow_version", "a whole version"),
    ({"airflow_version": "3.3.2-python3.12"}, "airflow_version", "goes into airflow_image.tag"),
    ({"airflow_version": "3.٣.2"}, "airflow_version", "a whole version"),
    ({"airflow_image": "docker.io/apache/airflow:3.3.2"}, "airflow_image", "must be a mapping of options, not text"),
    ({"airflow_image": {"repository": "apache/airflow:3.3.2"}}, "airflow_image.repository", "without https://, tag"),
    ({"airflow_image": {"repository": "https://ghcr.io/a"}}, "airflow_image.repository", "without https://"),
    ({"airflow_image": {"repository": "Apache/Airflow"}}, "airflow_image.repository", "lower-case"),
    ({"airflow_image": {"repository": "a/b@sha256:" + "0" * 64}}, "airflow_image.repository", "tag or digest"),
    ({"airflow_image": {"tag": "3.3.2@sha256:" + "0" * 64}}, "airflow_image.tag", "a digest goes into digest"),
    ({"airflow_image": {"tag": "a b"}}, "airflow_image.tag", "a tag"),
    ({"airflow_image": {"tag": "x" * 129}}, "airflow_image.tag", "at most 128"),
    ({"airflow_image": {"tag": "2.11.2"}}, "airflow_image.tag", "set airflow_version to 2.11.2"),
    ({"airflow_image": {"tag": "slim-3.1.0-python3.12"}}, "airflow_image.tag", "set airflow_version to 3.1.0"),
    ({"airflow_database_postgres": {"image": {"tag": 1.1}}}, "airflow_database_postgres.image.tag", "the number 1.1"),
    ({"airflow_image": {"digest": "sha256:abc"}}, "airflow_image.digest", "64 hexadecimal digits"),
    ({"airflow_image": {"digest": "0" * 64}}, "airflow_image.digest", "sha256:"),
    ({"airflow_image": {"pullPolicy": "always"}}, "airflow_image.pullPolicy", "did you mean 'Always'?"),
    ({"airflow_image": {"pull_policy": "Always"}}, "airflow_image.pull_policy", "did you mean 'pullPolicy'?"),
    ({"airflow_image_digests_required": True}, "airflow_database_postgres.image.digest", "is required"),
    ({"airflow_image_registry": "https://mirror"}, "airflow_image_registry", "without https://"),
    ({"airflow_image_registry": "mirror/"}, "airflow_image_registry", "without a slash at its end"),
    ({"airflow_image_registry": "a b"}, "airflow_image_registry", "a registry and path"),
    ({"airflow_image_registry": f"https://me:{SECRET}@mirror"}, "airflow_image_registry", "(hidden)@mirror"),
    ({"airflow_image_pull_secrets": ["pull", "My Secret"]}, "airflow_image_pull_secrets[1]", "the name of an object"),
    ({"airflow_image_pull_secrets": [None]}, "airflow_image_pull_secrets[0]", "must be text, not null"),
    ({"airflow_image_pull_secrets": [""]}, "airflow_image_pull_secrets[0]", "the name of an object"),
    ({"airflow_image_pull_secrets": [{"name": "pull"}]}, "airflow_image_pull_secrets[0]", "not a mapping"),
]
DATABASES: list[Bad] = [
    ({"airflow_database_provider": "external"}, "airflow_database_host", "is required"),
    ({"airflow_database_host": "x"}, "airflow_database_host", "provider is 'embedded'"),
    ({"airflow_database_port": 5433}, "airflow_database_port", "the embedded database has 5432"),
    ({"airflow_database_sslmode": "verify-full"}, "airflow_database_sslmode", "has no certificate"),
    ({"airflow_database_sslmode": False}, "airflow_database_sslmode", "is false, which is none of disable"),
    ({"airflow_database_sslmode": "verify_full"}, "airflow_database_sslmode", "did you mean 'verify-full'?"),
    ({"airflow_database_credentials": {"name": "x"}}, "airflow_database_credentials", "for an external database"),
    ({**EXTERNAL, "airflow_database_port": 0}, "airflow_database_port", "at least 1"),
    ({**EXTERNAL, "airflow_database_port": 65536}, "airflow_database_port", "at most 65535"),
    ({**EXTERNAL, "airflow_database_port": "5432/tcp"}, "airflow_database_port", "a whole number"),
    ({**EXTERNAL, "airflow_database_port": "5_432"}, "airflow_database_port", "a whole number"),
    ({**EXTERNAL, "airflow_database_host": "db:5432"}, "airflow_database_host", "without scheme, port and path"),
    ({**EXTERNAL, "airflow_database_host": "a b"}, "airflow_database_host", "a host name"),
    (
        {**EXTERNAL, "airflow_database_host": f"postgresql://me:{SECRET}@db/airflow"},
        "airflow_database_host",
        "without scheme",
    ),
    ({"airflow_database_kind": "mysql"}, "airflow_database_kind", "set airflow_database_provider to 'external'"),
    ({"airflow_database_kind": "mariadb"}, "airflow_database_kind", "none of postgresql, mysql"),
    ({**MYSQL, "airflow_database_pgbouncer": {"enabled": True}}, "airflow_database_pgbouncer", "does not speak"),
    ({**MYSQL, "airflow_database_sslmode": "verify-ca"}, "airflow_database_sslmode", "disable, prefer, require, "),
    ({**MYSQL, "airflow_database_sslmode": "require"}, "airflow_database_sslmode", "sql_alchemy_connect_args_async"),
    ({**EXTERNAL, "airflow_database_name": "a b"}, "airflow_database_name", "without spaces"),
    ({**EXTERNAL, "airflow_database_name": "a" * 64}, "airflow_database_name", "at most 63"),
    ({**EXTERNAL, "airflow_database_user": "a:b"}, "airflow_database_user", "without spaces and colons"),
    ({**EXTERNAL, "airflow_database_credentials": {}}, "airflow_database_credentials.name", "is required"),
    ({**EXTERNAL, "airflow_database_credentials": "mine"}, "airflow_database_credentials", "not text"),
    (
        {**EXTERNAL, "airflow_database_credentials": {"name": "x", "password": SECRET}},
        "airflow_database_credentials.password",
        "did you mean 'passwordKey'?",
    ),
    (
        {**EXTERNAL, "airflow_database_credentials": {"name": "x", "passwordKey": "a/b"}},
        "airflow_database_credentials.passwordKey",
        "a key of a Secret",
    ),
    (
        {"airflow_database_pgbouncer": {"enabled": True, "poolSize": 600}},
        "airflow_database_pgbouncer.poolSize",
        "more than airflow_database_pgbouncer.maxClientConnections, 500",
    ),
    ({"airflow_database_pgbouncer": {"enabled": "maybe"}}, "airflow_database_pgbouncer.enabled", "true or false"),
    ({"airflow_database_pgbouncer": {"enabled": True, "replicas": 0}}, "airflow_database_pgbouncer.replicas", "is 0"),
    ({"airflow_database_pgbouncer": {"pool_size": 3}}, "airflow_database_pgbouncer.pool_size", "'poolSize'"),
    (
        {"airflow_database_postgres": {"storage": {"size": "10GB"}}},
        "airflow_database_postgres.storage.size",
        '"10GB", which is not an amount',
    ),
    (
        {"airflow_database_postgres": {"storage": {"size": "1.5.0Gi"}}},
        "airflow_database_postgres.storage.size",
        "amount",
    ),
    ({"airflow_database_postgres": {"storage": {"size": -1}}}, "airflow_database_postgres.storage.size", "amount"),
    (
        {"airflow_database_postgres": {"storage": {"storageClass": "x"}}},
        "airflow_database_postgres.storage.storageClass",
        "did you mean 'storageClassName'?",
    ),
]
AMOUNTS: list[Bad] = [
    (scheduler(resources={"requests": {"memory": "2GB"}}), "airflow_core_scheduler.resources.requests.memory", "'2Gi'"),
    (scheduler(resources={"requests": {"memory": "1.5.0"}}), "airflow_core_scheduler.resources.requests.memory", "Gi"),
    (scheduler(resources={"limits": {"memory": "512m"}}), "airflow_core_scheduler.resources.limits.memory", "kibibyte"),
    (scheduler(resources={"limits": {"memory": 512}}), "airflow_core_scheduler.resources.limits.memory", "kibibyte"),
    (scheduler(resources={"limits": {"cpu": "1Gi"}}), "airflow_core_scheduler.resources.limits.cpu", "in cores"),
    (scheduler(resources={"limits": {"cpu": True}}), "airflow_core_scheduler.resources.limits.cpu", "is true"),
    (scheduler(resources={"limits": {"cpus": 2}}), "airflow_core_scheduler.resources.limits.cpus", "'cpu'"),
    (scheduler(resources={"limit": {"cpu": 2}}), "airflow_core_scheduler.resources.limit", "'limits'"),
    (scheduler(resources={"limits": 3}), "airflow_core_scheduler.resources.limits", "must be a mapping"),
    (
        scheduler(resources={"requests": {"memory": "4Gi"}}),
        "airflow_core_scheduler.resources.requests.memory",
        'more than airflow_core_scheduler.resources.limits.memory, "2Gi"',
    ),
    (scheduler(resources={"requests": {"cpu": 3}}), "airflow_core_scheduler.resources.requests.cpu", "raise the limit"),
    ({"airflow_rbac_quota": {"requests.cpus": "4"}}, "airflow_rbac_quota[", "did you mean 'requests.cpu'?"),
    ({"airflow_rbac_quota": {"pods": "many"}}, "airflow_rbac_quota.pods", "an amount"),
    ({"airflow_rbac_quota": {"memory": "8"}}, "airflow_rbac_quota.memory", "kibibyte"),
    ({"airflow_rbac_quota": ["pods"]}, "airflow_rbac_quota", "must be a mapping"),
    ({"airflow_rbac_limit_range": [{"max": {"cpu": "1"}}]}, "airflow_rbac_limit_range[0].type", "is required"),
    ({"airflow_rbac_limit_range": [{"type": "container"}]}, "airflow_rbac_limit_range[0].type", "'Container'"),
    (
        {"airflow_rbac_limit_range": [{"type": "Pod", "max": {"memory": "1GB"}}]},
        "airflow_rbac_limit_range[0].max.memory",
        "'1Gi'",
    ),
    (
        limit(min={"cpu": "2"}, max={"cpu": "1500m"}),
        "airflow_rbac_limit_range[0].min.cpu",
        'is "2", which is more than airflow_rbac_limit_range[0].max.cpu, "1500m": lower it, or raise the other',
    ),
    (limit(default={"memory": "2Gi"}, max={"memory": "1Gi"}), "airflow_rbac_limit_range[0].default.memory", "1Gi"),
    (limit(default={"cpu": "1"}, defaultRequest={"cpu": "2"}), "airflow_rbac_limit_range[0].defaultRequest.cpu", "1"),
    (limit("Pod", default={"cpu": "1"}), "airflow_rbac_limit_range[0].default", "is for containers"),
    (limit("Pod", defaultRequest={"cpu": "1"}), "airflow_rbac_limit_range[0].defaultRequest", "the type Container"),
    (limit("PersistentVolumeClaim", default={"storage": "1Gi"}), "airflow_rbac_limit_range[0]", "neither min.storage"),
    (
        {"airflow_rbac_limit_range": [{"type": "Container"}, {"type": "Pod"}, {"type": "Container"}]},
        "airflow_rbac_limit_range",
        'has 2 items with the type "Container"',
    ),
]
METADATA: list[Bad] = [
    ({"airflow_labels": {"a b": "x"}}, 'airflow_labels["a b"]', "write it like cost-centre"),
    ({"airflow_labels": {"a/b/c": "x"}}, "airflow_labels.a/b/c", "a name that Kubernetes refuses"),
    ({"airflow_labels": {"team": "R&D"}}, "airflow_labels.team", "not the value of a label"),
    ({"airflow_labels": {"team": "a" * 64}}, "airflow_labels.team", "at most 63"),
    ({"airflow_labels": {"team": None}}, "airflow_labels.team", "must be text, not null"),
    ({"airflow_labels": {"live": True}}, "airflow_labels.live", "boolean true"),
    ({"airflow_labels": {True: "x"}}, "airflow_labels", "write it in quotes, 'True'"),
    ({"airflow_labels": {"component": "mine"}}, "airflow_labels.component", "the collection sets itself"),
    (scheduler(labels={"release": "mine"}), "airflow_core_scheduler.labels.release", "the collection sets itself"),
    (scheduler(nodeSelector={"pool": "a b"}), "airflow_core_scheduler.nodeSelector.pool", "not the value of a label"),
    ({"airflow_annotations": {"a b": "x"}}, 'airflow_annotations["a b"]', "a name that Kubernetes refuses"),
    ({"airflow_annotations": {"a": "x" * 300_000}}, "airflow_annotations", "256 KiB"),
]
ENV: list[Bad] = [
    ({"airflow_core_env": {"PASSWORD": SECRET}}, "airflow_core_env", "must be a list, not a mapping"),
    ({"airflow_core_env": f"PASSWORD={SECRET}"}, "airflow_core_env", "must be a list, not text"),
    ({"airflow_core_env": [f"PASSWORD={SECRET}"]}, "airflow_core_env[0]", "must be a mapping, not text"),
    ({"airflow_core_env": [{"value": "x"}]}, "airflow_core_env[0].name", "is required"),
    ({"airflow_core_env": [{"name": "1A", "value": "x"}]}, "airflow_core_env[0].name", "not from a digit"),
    ({"airflow_core_env": [{"name": "A B", "value": "x"}]}, "airflow_core_env[0].name", "environment variable"),
    ({"airflow_core_env": [{"name": "A", "value": 8080}]}, "airflow_core_env[0].value", "write it in quotes"),
    ({"airflow_core_env": [{"name": "A", "value": True}]}, "airflow_core_env[0].value", "write it in quotes"),
    ({"airflow_core_env": [{"name": "A", "vaule": "x"}]}, "airflow_core_env[0].vaule", "did you mean 'value'?"),
    (
        {"airflow_core_env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}]},
        "airflow_core_env[0]",
        "both value and valueFrom",
    ),
    ({"airflow_core_env": [{"name": "A", "valueFrom": {}}]}, "airflow_core_env[0].valueFrom", "exactly one of"),
    (
        {"airflow_core_env": [{"name": "A", "valueFrom": {"secretKeyref": {"name": "x"}}}]},
        "airflow_core_env[0].valueFrom.secretKeyref",
        "did you mean 'secretKeyRef'?",
    ),
    (
        {"airflow_core_env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        "airflow_core_env",
        'has 2 items with the name "A"',
    ),
    ({"airflow_core_env": [{"name": "SMTP_PASSWORD", "value": SECRET}]}, "airflow_core_env[0].value", "secretKeyRef"),
    ({"airflow_core_env": [{"name": "GITHUB_TOKEN", "value": SECRET}]}, "airflow_core_env[0].value", "show a secret"),
    (
        {"airflow_core_env": [{"name": "AIRFLOW_CONN_DB", "value": f"postgres://me:{SECRET}@db"}]},
        "airflow_core_env[0].value",
        "show a secret",
    ),
    (
        {"airflow_core_env": [{"name": "AIRFLOW_CONN_DB", "value": f'{{"password": "{SECRET}"}}'}]},
        "airflow_core_env[0].value",
        "show a secret",
    ),
    (
        {"airflow_core_env": [{"name": "AIRFLOW__CORE__FERNET_KEY", "valueFrom": {"secretKeyRef": {"name": "x"}}}]},
        "airflow_core_env",
        "use airflow_core_fernet_key",
    ),
    (
        {"airflow_database_postgres": {"env": [{"name": "POSTGRES_DB", "value": "x"}]}},
        "airflow_database_postgres.env",
        "use airflow_database_name",
    ),
    ({"airflow_core_env_from": [{}]}, "airflow_core_env_from[0]", "exactly one of configMapRef, secretRef"),
    ({"airflow_core_env_from": [{"secretRef": {}}]}, "airflow_core_env_from[0].secretRef.name", "is required"),
    (
        {"airflow_core_env_from": [{"secretRef": {"name": "A B"}}]},
        "airflow_core_env_from[0].secretRef.name",
        "the name of an object",
    ),
    ({"airflow_core_env_from": ["shared"]}, "airflow_core_env_from[0]", "must be a mapping"),
]
PODS: list[Bad] = [
    (scheduler(replicas=0), "airflow_core_scheduler.replicas", "is 0"),
    (scheduler(replicas=-1), "airflow_core_scheduler.replicas", "at least 0"),
    (scheduler(replicas=2**31), "airflow_core_scheduler.replicas", "at most 2147483647"),
    (scheduler(replicas=1.5), "airflow_core_scheduler.replicas", "a whole number"),
    (scheduler(replicas="zwei"), "airflow_core_scheduler.replicas", 'not "zwei"'),
    (scheduler(replicas="٣"), "airflow_core_scheduler.replicas", "a whole number"),
    (scheduler(replicas=float("inf")), "airflow_core_scheduler.replicas", "a whole number"),
    ({"airflow_core_api_server": {"replicas": 0}}, "airflow_core_api_server.replicas", "does not work without"),
    ({"airflow_core_triggerer": {"replicas": 0}}, "airflow_core_triggerer.replicas", "set enabled to false"),
    (
        scheduler(podDisruptionBudget={"maxUnavailable": 0}),
        "airflow_core_scheduler.podDisruptionBudget.maxUnavailable",
        "at least 1",
    ),
    (
        scheduler(podDisruptionBudget={"minAvailable": 1}),
        "airflow_core_scheduler.podDisruptionBudget.minAvailable",
        "is 1 of 1 replicas, so a drain",
    ),
    (
        scheduler(replicas=2, podDisruptionBudget={"minAvailable": 2}),
        "airflow_core_scheduler.podDisruptionBudget.minAvailable",
        "is 2 of 2 replicas, so a drain",
    ),
    (
        {"airflow_placement": {"nodeSelektor": {"a": "b"}}},
        "airflow_placement.nodeSelektor",
        "'nodeSelector'",
    ),
    (
        {"airflow_placement": {"hostAliases": [{"ip": "ldap", "hostnames": ["a"]}]}},
        "airflow_placement.hostAliases[0].ip",
        "no IP address",
    ),
    ({"airflow_placement": {"hostAliases": [{"ip": "::1"}]}}, "airflow_placement.hostAliases[0].hostnames", "required"),
    ({"airflow_placement": {"dnsPolicy": "Cluster"}}, "airflow_placement.dnsPolicy", "'ClusterFirst'"),
    ({"airflow_placement": {"dnsPolicy": "None"}}, "airflow_placement.dnsPolicy", "without a name server"),
    (scheduler(dnsPolicy="None"), "airflow_core_scheduler.dnsPolicy", "airflow_core_scheduler.dnsConfig.nameservers"),
    # The component's configuration stands in place of that of the instance.
    (
        {**NAMELESS, **scheduler(dnsConfig={"searches": ["a.b"]})},
        "airflow_placement.dnsPolicy",
        "name some by airflow_core_scheduler.dnsConfig.nameservers",
    ),
    ({"airflow_task_nodes": {"taints": [{"key": "a"}]}}, "airflow_task_nodes.taints[0].effect", "is required"),
    (
        {"airflow_task_nodes": {"taints": [{"key": "a", "effect": "NoRun"}]}},
        "airflow_task_nodes.taints[0].effect",
        "none of NoSchedule",
    ),
    (
        {"airflow_core_executor": "LocalExecutor", "airflow_task_nodes": {"labels": {"pool": "tasks"}}},
        "airflow_task_nodes",
        "no pods of tasks alone",
    ),
    (scheduler(volumes=[{"name": "a"}]), "airflow_core_scheduler.volumes[0]", "and it has none"),
    (
        scheduler(volumes=[{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]),
        "airflow_core_scheduler.volumes[0]",
        "emptyDir, hostPath",
    ),
    (scheduler(volumes=[{"emptyDir": {}}]), "airflow_core_scheduler.volumes[0].name", "is required"),
    (scheduler(volumes=[{"name": "A", "emptyDir": {}}]), "airflow_core_scheduler.volumes[0].name", "lower-case"),
    (scheduler(volumes=[{"name": "a", "emptydir": {}}]), "airflow_core_scheduler.volumes[0].emptydir", "'emptyDir'"),
    (scheduler(volumes=[{"name": "a", "emptyDir": {}}] * 2), "airflow_core_scheduler.volumes", "has 2 items"),
    (scheduler(volumes=[{"name": "logs", "emptyDir": {}}]), "airflow_core_scheduler.volumes", "has 'logs'"),
    (
        scheduler(volumeMounts=[{"name": "dta", "mountPath": "/x"}], volumes=[{"name": "data", "emptyDir": {}}]),
        "airflow_core_scheduler.volumeMounts",
        "did you mean 'data'?",
    ),
    (
        scheduler(volumeMounts=[{"name": "tmp", "mountPath": "x"}]),
        "airflow_core_scheduler.volumeMounts[0].mountPath",
        "an absolute path",
    ),
    (scheduler(volumeMounts=[{"name": "tmp"}]), "airflow_core_scheduler.volumeMounts[0].mountPath", "is required"),
    (
        scheduler(volumeMounts=[{"name": "tmp", "mountPath": "/x"}, {"name": "logs", "mountPath": "/x"}]),
        "airflow_core_scheduler.volumeMounts",
        "2 items with the mountPath",
    ),
    (scheduler(containers=[{"name": "a"}]), "airflow_core_scheduler.containers[0].image", "is required"),
    (scheduler(containers=[{"image": "a"}]), "airflow_core_scheduler.containers[0].name", "is required"),
    (
        scheduler(containers=[{"name": "scheduler", "image": "a"}]),
        "airflow_core_scheduler.containers[0].name",
        "as another container of the pod",
    ),
    (
        scheduler(initContainers=[{"name": "a", "image": "b", "volumeMounts": [{"name": "x", "mountPath": "/x"}]}]),
        "airflow_core_scheduler.initContainers[0].volumeMounts",
        "mounts the volume 'x'",
    ),
    (
        scheduler(containers=[{"name": "a", "image": "b", "env": [{"name": "API_TOKEN", "value": SECRET}]}]),
        "airflow_core_scheduler.containers[0].env[0].value",
        "show a secret",
    ),
    (
        scheduler(containers=[{"name": "a", "image": "b", "ports": [{"containerPort": "80"}]}]),
        "airflow_core_scheduler.containers[0].ports",
        "must be a whole number",
    ),
    (scheduler(tolerations=[{"operator": "exists"}]), "airflow_core_scheduler.tolerations[0].operator", "'Exists'"),
    (
        scheduler(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
        "airflow_core_scheduler.tolerations[0].value",
        "no meaning",
    ),
    (scheduler(tolerations=[{"value": "b"}]), "airflow_core_scheduler.tolerations[0].key", "is required"),
    (
        scheduler(tolerations=[{"key": "a", "effect": "NoSchedul"}]),
        "airflow_core_scheduler.tolerations[0].effect",
        "'NoSchedule'",
    ),
    (
        scheduler(topologySpreadConstraints=[{"maxSkew": 1}]),
        "airflow_core_scheduler.topologySpreadConstraints[0].topologyKey",
        "is required",
    ),
    (scheduler(affinity={"nodeAfinity": {}}), "airflow_core_scheduler.affinity.nodeAfinity", "'nodeAffinity'"),
    (
        scheduler(securityContext={"runAsUser": "0"}),
        "airflow_core_scheduler.securityContext.runAsUser",
        "a whole number",
    ),
    (
        scheduler(securityContext={"runAsNonRoot": False}),
        "airflow_core_scheduler.securityContext.runAsNonRoot",
        "forbids",
    ),
    (
        scheduler(containerSecurityContext={"privileged": True}),
        "airflow_core_scheduler.containerSecurityContext.privileged",
        "airflow_rbac_pod_security 'restricted' forbids",
    ),
    (
        scheduler(volumes=[{"name": "a", "hostPath": {"path": "/"}}]),
        "airflow_core_scheduler.volumes",
        "airflow_rbac_pod_security 'restricted' forbids",
    ),
    (
        scheduler(volumes=[{"name": "a", "nfs": {"server": "b", "path": "/"}}]),
        "airflow_core_scheduler.volumes has the nfs 'a'",
        "airflow_rbac_pod_security 'restricted' forbids",
    ),
    (
        scheduler(containers=[{"name": "a", "image": "b"}]),
        "airflow_core_scheduler.containers[0].securityContext",
        "lacks allowPrivilegeEscalation: false and capabilities.drop: [ALL], without which airflow_rbac_pod_security",
    ),
    (
        beside("initContainers", capabilities={"drop": ["ALL"]}),
        "airflow_core_scheduler.initContainers[0].securityContext",
        "lacks allowPrivilegeEscalation: false, without",
    ),
    (
        beside(allowPrivilegeEscalation=False, capabilities={"drop": ["NET_RAW"]}),
        "airflow_core_scheduler.containers[0].securityContext",
        "lacks capabilities.drop: [ALL], without",
    ),
    (
        beside(allowPrivilegeEscalation=False, capabilities={"drop": ["ALL"], "add": ["CHOWN", "NET_BIND_SERVICE"]}),
        "airflow_core_scheduler.containers[0].securityContext.capabilities.add",
        "has CHOWN, which airflow_rbac_pod_security 'restricted' forbids",
    ),
    (
        {
            "airflow_rbac_pod_security": "baseline",
            **scheduler(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        },
        "airflow_core_scheduler.securityContext.seccompProfile.type",
        "is 'Unconfined', which airflow_rbac_pod_security 'baseline' forbids",
    ),
    (scheduler(priorityClassName="Very High"), "airflow_core_scheduler.priorityClassName", "the name of an object"),
    (
        scheduler(terminationGracePeriodSeconds="5m"),
        "airflow_core_scheduler.terminationGracePeriodSeconds",
        'a whole number, not "5m"',
    ),
    ({**SHARED, **scheduler(replicas=2)}, "airflow_logging_volume.accessMode", "airflow_core_scheduler.replicas is 2"),
    (
        {**LOCAL, **SHARED, **scheduler(replicas=3)},
        "airflow_logging_volume.accessMode",
        "take ReadWriteMany",
    ),
    (
        {"airflow_logging_store": "volume", "airflow_logging_volume": {"accessMode": "RWX"}},
        "airflow_logging_volume.accessMode",
        "none of",
    ),
    ({"airflow_logging_store": "none"}, "airflow_logging_store", "lost with their pods"),
    ({"airflow_rbac_service_accounts": {"webserver": {}}}, "airflow_rbac_service_accounts.webserver", "'api-server'"),
    ({"airflow_rbac_service_accounts": {"worker": None}}, "airflow_rbac_service_accounts.worker", "not null"),
    ({"airflow_rbac_pod_security": "Restricted"}, "airflow_rbac_pod_security", "did you mean 'restricted'?"),
    (
        {"airflow_core_api_server": {"service": {"port": 99999}}},
        "airflow_core_api_server.service.port",
        "at most 65535",
    ),
    (
        {"airflow_core_api_server": {"service": {"type": "Nodeport"}}},
        "airflow_core_api_server.service.type",
        "'NodePort'",
    ),
    ({"airflow_core_admin": {"username": "a b"}}, "airflow_core_admin.username", "without spaces"),
    ({"airflow_core_admin": {"email": "nobody"}}, "airflow_core_admin.email", "an e-mail address"),
    ({"airflow_core_admin": {"password": SECRET}}, "airflow_core_admin.password", "is not an option"),
    ({"airflow_verify_timeout": "5 minutes"}, "airflow_verify_timeout", "a whole number"),
    ({"airflow_verify_timeout": 0}, "airflow_verify_timeout", "at least 1"),
]
CELERY = {"airflow_core_executor": "CeleryExecutor"}


def executor(text: t.Any, version: str = "3.3.2") -> dict[str, t.Any]:
    return {"airflow_core_executor": text, "airflow_version": version}


def broker(**options: t.Any) -> dict[str, t.Any]:
    return {**CELERY, "airflow_celery_broker": options}


def workers(name: str = "default", **options: t.Any) -> dict[str, t.Any]:
    return {**CELERY, "airflow_celery_workers": {"default": {}, name: options}}


EXECUTORS: list[Bad] = [
    (executor("KubernetsExecutor"), "airflow_core_executor", "did you mean 'KubernetesExecutor'?"),
    (executor("CeleryExecutor,Kubernetes"), "airflow_core_executor", "Kubernetes is none of"),
    (executor("CeleryExecutor,,LocalExecutor"), "airflow_core_executor", "an empty name"),
    (executor("CeleryExecutor,"), "airflow_core_executor", "an empty name"),
    (executor("LocalExecutor,LocalExecutor"), "airflow_core_executor", "LocalExecutor 2 times: each once"),
    (executor("a:x.One,a:x.Two"), "airflow_core_executor", "the alias 'a' 2 times"),
    (executor("SequentialExecutor"), "airflow_core_executor", "one task at a time"),
    (executor("team=LocalExecutor"), "airflow_core_executor", "cannot be the name of a class"),
    (executor("my-package.Executor"), "airflow_core_executor", "like my_package.MyExecutor"),
    (executor(["LocalExecutor"]), "airflow_core_executor", "must be text, not a list"),
    (executor("CeleryKubernetesExecutor"), "airflow_core_executor", "write 'CeleryExecutor,KubernetesExecutor'"),
    (executor("LocalKubernetesExecutor"), "airflow_core_executor", "Airflow 3.3.2 has no LocalKubernetesExecutor"),
    (executor("CeleryKubernetesExecutor,LocalExecutor", "2.11.2"), "airflow_core_executor", "two executors already"),
    (executor("mine:LocalExecutor", "2.11.2"), "airflow_core_executor", "leave 'mine:' out"),
    ({"airflow_celery_workers": {"default": {}}}, "airflow_celery_workers", "which has no Celery workers"),
    ({**LOCAL, "airflow_celery_flower": {"enabled": True}}, "airflow_celery_flower", "which has no Celery workers"),
    (
        {**LOCAL, "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True}}},
        "airflow_core_kubernetes_executor.cleanup",
        "add KubernetesExecutor to it, or leave the cleanup out",
    ),
    (broker(host="x"), "airflow_celery_broker.host", "set the provider to 'external'"),
    (broker(urlSecret={"name": "x"}), "airflow_celery_broker.urlSecret", "set the provider to 'external'"),
    (broker(provider="external"), "airflow_celery_broker.host", "is required"),
    (broker(provider="external", host="redis://x"), "airflow_celery_broker.host", "without scheme"),
    (broker(provider="external", host="x", urlSecret={"name": "x"}), "airflow_celery_broker.host", "whole address"),
    (broker(provider="external", host="x", database="a"), "airflow_celery_broker.database", "numbers its databases"),
    (
        broker(provider="external", host="x", user="a", credentials={"name": "x"}),
        "airflow_celery_broker.user",
        "leave one of the two out",
    ),
    (workers(queues=[]), "airflow_celery_workers.default.queues", "is empty"),
    (workers(queues=["default", "a,b"]), "airflow_celery_workers.default.queues[1]", "the name of a queue"),
    (workers(queues=["default", "default"]), "airflow_celery_workers.default.queues", "once is enough"),
    (workers(queues=["heavy"]), "airflow_celery_workers", "no set that takes the queue 'default'"),
    (workers(autoscale={"min": 4, "max": 2}), "airflow_celery_workers.default.autoscale.min", "exchange them"),
    (workers(autoscale={"min": 4}), "airflow_celery_workers.default.autoscale.max", "is required"),
    (workers(concurrency=0), "airflow_celery_workers.default.concurrency", "at least 1"),
    (workers(persistence={"enabled": True}), "airflow_celery_workers.default.persistence", "keeps the same logs"),
    (workers("Heavy"), "airflow_celery_workers.Heavy", "no name of a set"),
    (workers("x" * 60), "airflow_celery_workers.", "too long a name"),
    (workers(env=[{"name": "DUMB_INIT_SETSID", "value": "1"}]), "airflow_celery_workers.default.env", "sets itself"),
    (
        workers(volumes=[{"name": "logs", "emptyDir": {}}]),
        "airflow_celery_workers.default.volumes",
        "choose another name",
    ),
    ({**CELERY, "airflow_logging_store": "none"}, "airflow_logging_store", "with each worker that goes"),
    (
        {**SHARED, **workers(replicas=2)},
        "airflow_logging_volume.accessMode",
        "airflow_celery_workers.default.replicas is 2",
    ),
    (
        {"airflow_core_kubernetes_executor": {"cleanup": {"schedule": "hourly"}}},
        "airflow_core_kubernetes_executor.cleanup.schedule",
        "a schedule of five fields",
    ),
    (config("celery", broker_url="redis://me:x@y"), "airflow_core_config.celery.broker_url", "airflow_celery_broker"),
    (config("celery", worker_concurrency=2), "airflow_core_config.celery.worker_concurrency", "airflow_celery_workers"),
]
CONFIG: list[Bad] = [
    (config("database", sql_alchemy_conn=SECRET), "airflow_core_config.database.sql_alchemy_conn", "database_password"),
    (config("core", fernet_key=SECRET), "airflow_core_config.core.fernet_key", "use airflow_core_fernet_key"),
    (config("webserver", secret_key=SECRET), "airflow_core_config.webserver.secret_key", "core_api_secret_key"),
    (config("smtp", smtp_password=SECRET), "airflow_core_config.smtp.smtp_password", "AIRFLOW__SMTP__SMTP_PASSWORD"),
    (
        config("celery", broker_url=f"redis://:{SECRET}@redis:6379/0"),
        "airflow_core_config.celery.broker_url",
        "use airflow_celery_broker instead",
    ),
    (config("core", executor="CeleryExecutor"), "airflow_core_config.core.executor", "use airflow_core_executor"),
    (config("core", hostname_callable="socket.getfqdn"), "airflow_core_config.core.hostname_callable", "leave it out"),
    (config("api", base_url="https://x"), "airflow_core_config.api.base_url", "use airflow_core_base_url"),
    (config("api", workers=8), "airflow_core_config.api.workers", "use airflow_core_api_server.workers"),
    (config("triggerer", capacity=5), "airflow_core_config.triggerer.capacity", "use airflow_core_triggerer.capacity"),
    (
        {**OLD, **config("webserver", workers=8)},
        "airflow_core_config.webserver.workers",
        "use airflow_core_api_server.workers",
    ),
    (
        {**OLD, **config("triggerer", default_capacity=5)},
        "airflow_core_config.triggerer.default_capacity",
        "use airflow_core_triggerer.capacity",
    ),
    (config("core", parallelism=0), "airflow_core_config.core.parallelism", "no scheduler of Airflow 3.3.2 starts"),
    (config("core", parallelism="-1"), "airflow_core_config.core.parallelism", "set it to 1 or more"),
    (config("schedular", x=1), "airflow_core_config.schedular", "did you mean 'scheduler'?"),
    (config("core]\n[api", x=1), "airflow_core_config[", "no name of a section"),
    ({"airflow_core_config": {"core": {"a b": 1}}}, 'airflow_core_config.core["a b"]', "no name of an option"),
    ({"airflow_core_config": {"core": SECRET}}, "airflow_core_config.core", "a mapping of options, not text"),
    ({"airflow_core_config": {"core": ["x"]}}, "airflow_core_config.core", "not a list"),
    ({"airflow_core_config": "[core]\nparallelism = 3"}, "airflow_core_config", "a mapping of options, not text"),
    (
        config("scheduler", dag_dir_list_interval=30),
        "airflow_core_config.scheduler.dag_dir_list_interval",
        "Airflow 3 calls it dag_processor.refresh_interval",
    ),
    (config("webserver", x_frame_enabled=True), "airflow_core_config.webserver.x_frame_enabled", "Airflow 3 has none"),
    (
        {**OLD, **config("api", expose_config=True)},
        "airflow_core_config.api.expose_config",
        "Airflow 2 calls it webserver.expose_config",
    ),
    (
        {**OLD, **config("dag_processor", refresh_interval=5)},
        "airflow_core_config.dag_processor.refresh_interval",
        "has no section dag_processor",
    ),
    ({"airflow_core_webserver_config": ["x"]}, "airflow_core_webserver_config", "must be text, not a list"),
    (
        {"airflow_core_webserver_config": f'import os\nAUTH_LDAP_BIND_PASSWORD = "{SECRET}"\n'},
        "airflow_core_webserver_config",
        "(AUTH_LDAP_BIND_PASSWORD, line 2)",
    ),
]
ADDRESSES: list[Bad] = [
    ({"airflow_core_base_url": url}, "airflow_core_base_url", words)
    for url, words in (
        ("airflow.example.com", "does not begin with https://"),
        ("ftp://airflow.example.com", "does not begin with https://"),
        ("https://", "no valid host"),
        ("https:///path", "no valid host"),
        ("https://a_b c/", "no valid host"),
        ("https://x.example.com?a=b", "more than a path"),
        ("https://x.example.com/a#b", "more than a path"),
        ("https://x.example.com:99999", "whose host or port cannot be"),
        ("https://[::1", "whose host or port cannot be"),
        (f"https://me:{SECRET}@x.example.com", "holds a user or password"),
        ("https://x.example.com//a", "whose path cannot be"),
        ("https://x.example.com/../a", "whose path cannot be"),
        (True, "boolean true"),
    )
] + [
    ({"airflow_ingress_enabled": True}, "airflow_core_base_url", "is required"),
    ({**INGRESS, "airflow_core_base_url": "https://192.0.2.1"}, "airflow_core_base_url", "must be a name"),
    ({**INGRESS, "airflow_core_base_url": "https://a_b.example.com"}, "airflow_core_base_url", "must be a name"),
    (
        {**INGRESS, "airflow_core_base_url": "http://x.example.com", "airflow_ingress_tls_secret": "tls"},
        "airflow_ingress_tls_secret",
        "begins with http://",
    ),
    ({**INGRESS, "airflow_ingress_tls_secret": "a/b"}, "airflow_ingress_tls_secret", "the name of an object"),
    ({**INGRESS, "airflow_ingress_class_name": "Nginx"}, "airflow_ingress_class_name", "the name of an object"),
    ({**INGRESS, "airflow_ingress_annotations": {"a": 1.5}}, "airflow_ingress_annotations.a", "the number 1.5"),
]
UNKNOWN: list[Bad] = [
    ({"airflow_core_schedular": {}}, "airflow_core_schedular", "did you mean 'airflow_core_scheduler'?"),
    ({"airflow_core_executer": "x"}, "airflow_core_executer", "did you mean 'airflow_core_executor'?"),
    ({"airflow_verison": "3.3.2"}, "airflow_verison", "did you mean 'airflow_version'?"),
    ({"airflow_database_pasword": SECRET}, "airflow_database_pasword", "did you mean 'airflow_database_password'?"),
    ({"airflow_ingress_host": "x"}, "airflow_ingress_host", "is not a variable of this collection"),
    (scheduler(Replicas=1), "airflow_core_scheduler.Replicas", "did you mean 'replicas'?"),
    (scheduler(pod_labels={}), "airflow_core_scheduler.pod_labels", "is not an option"),
    (scheduler(**{"a\nb": 1}), 'airflow_core_scheduler["a\\nb"]', "is not an option"),
    ({"airflow_core_workers": {"replicas": 3}}, "airflow_core_workers.replicas", "is not an option"),
    ({"airflow_core_triggerer": {"enable": True}}, "airflow_core_triggerer.enable", "did you mean 'enabled'?"),
]

GROUPS = {
    "name": NAMES,
    "namespace": NAMESPACES,
    "image": IMAGES,
    "database": DATABASES,
    "amount": AMOUNTS,
    "metadata": METADATA,
    "env": ENV,
    "pod": PODS,
    "executor": EXECUTORS,
    "config": CONFIG,
    "address": ADDRESSES,
    "unknown": UNKNOWN,
}
TABLE = [
    pytest.param(*bad, id=f"{group}-{number}") for group, bads in GROUPS.items() for number, bad in enumerate(bads)
]


def refusal(variables: dict[str, t.Any]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load({**BASE, **variables})
    assert caught.value.message
    return list(caught.value.problems)


@pytest.mark.parametrize(("variables", "path", "words"), TABLE)
def test_bad_input_is_refused_by_its_path(variables: dict[str, t.Any], path: str, words: str) -> None:
    problems = refusal(variables)
    fitting = [problem for problem in problems if problem.startswith(path) and words in problem]
    assert fitting, problems
    assert all("\n" not in problem and SECRET not in problem and len(problem) < 600 for problem in problems), problems


def test_the_table_is_long() -> None:
    assert len(TABLE) >= 120


SCHEDULES = ("airflow_database_cleanup.schedule", "airflow_core_kubernetes_executor.cleanup.schedule")


def scheduled(path: str, schedule: str) -> dict[str, t.Any]:
    variable, *keys = path.split(".")
    value: t.Any = schedule
    for key in reversed(keys):
        value = {key: value}
    return {variable: value}


@pytest.mark.parametrize("path", SCHEDULES)
@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("60 * * * *", '"60" is none of the minutes: write 0 to 59, a range or a step of these, or *'),
        ("0 24 * * *", '"24" is none of the hours: write 0 to 23'),
        ("0 0 0 * *", '"0" is none of the days of a month: write 1 to 31'),
        ("0 0 1 13 *", '"13" is none of the months: write 1 to 12 or JAN to DEC'),
        ("0 0 * MON *", '"MON" is none of the months'),
        ("0 0 * * 7", '"7" is none of the days of a week: write 0 to 6 or SUN to SAT'),
        ("0 0 * * FRI-MON", '"FRI-MON" is none of the days of a week'),
        ("30-10 * * * *", '"30-10" is none of the minutes'),
        ("0-60 * * * *", '"0-60" is none'),
        ("1-2-3 * * * *", '"1-2-3" is none'),
        ("-5 * * * *", '"-5" is none'),
        ("*/0 * * * *", '"*/0" is none'),
        ("*/5/5 * * * *", '"*/5/5" is none'),
        ("*/ * * * *", '"*/" is none'),
        ("0, * * * *", '"" is none'),
        ("a b c d e", '"c" is none of the days of a month'),
        ("9999999999999999999999 * * * *", "is none of the minutes"),
    ],
)
def test_a_schedule_that_kubernetes_refuses_is_told(path: str, schedule: str, words: str) -> None:
    problems = refusal(scheduled(path, schedule))
    assert any(problem.startswith(f"{path} is ") and words in problem for problem in problems), problems


@pytest.mark.parametrize("zone", ["Local", "local"])
def test_the_time_zone_of_the_control_plane_is_not_named(zone: str) -> None:
    (problem,) = refusal({"airflow_database_cleanup": {"timeZone": zone}})
    assert problem.startswith(f'airflow_database_cleanup.timeZone is "{zone}", which is not the name of a time zone')


# --- what must not be refused ---


@pytest.mark.parametrize("path", SCHEDULES)
@pytest.mark.parametrize(
    "schedule",
    [
        *("@daily", "* * * * ?", "*/15 * * * *", "5/15 0-23/2 1,15 * *", "0 0 1 JAN-mar,12 *", "59 23 31 12 6"),
        *("0 6 * * mon-FRI", "00 02 * * SUN", "*/90 * * * *"),
    ],
)
def test_a_schedule_that_kubernetes_takes_is_taken(path: str, schedule: str) -> None:
    load({**BASE, **scheduled(path, schedule)})


@pytest.mark.parametrize("zone", ["Etc/GMT", "America/Argentina/Buenos_Aires", "UTC", "Localia/Local"])
def test_a_time_zone_is_taken(zone: str) -> None:
    load({**BASE, "airflow_database_cleanup": {"timeZone": zone}})


@pytest.mark.parametrize("name", ["on", "off", "yes", "null", "true", "e1", "a", "a" * 40, "a-1-b"])
def test_odd_names_work_and_what_is_made_of_them_fits(name: str) -> None:
    for case in CASES.values():
        values = load({**case, "airflow_instance": name, "airflow_overrides": {}, "airflow_json_patches": {}})
        for item in render_all(values):
            # Pods of a StatefulSet have its name and a hash of ten characters in a label.
            room = 11 if item["kind"] == "StatefulSet" else 0
            assert len(item["metadata"]["name"]) + room <= 63
            assert all(len(text) <= 63 for text in item["metadata"]["labels"].values())


@pytest.mark.parametrize(
    ("variables", "read"),
    [
        ({"airflow_verify_canary": "true"}, lambda values: values.verify.canary is True),
        ({"airflow_verify_canary": "False"}, lambda values: values.verify.canary is False),
        ({"airflow_verify_canary": "no"}, lambda values: values.verify.canary is False),
        ({"airflow_verify_canary": 0}, lambda values: values.verify.canary is False),
        ({"airflow_verify_canary": ""}, lambda values: values.verify.canary is True),
        ({"airflow_verify_timeout": "3"}, lambda values: values.verify.timeout == 3),
        ({"airflow_verify_timeout": " 3 "}, lambda values: values.verify.timeout == 3),
        ({"airflow_verify_timeout": 3.0}, lambda values: values.verify.timeout == 3),
        ({"airflow_verify_timeout": ""}, lambda values: values.verify.timeout == 300),
        (scheduler(replicas="2"), lambda values: values.core.scheduler.replicas == 2),
        ({"airflow_core_scheduler": '{"replicas": "2"}'}, lambda values: values.core.scheduler.replicas == 2),
        ({"airflow_core_base_url": ""}, lambda values: values.core.base_url is None),
        ({"airflow_core_env": "[]"}, lambda values: values.core.env == []),
        ({"airflow_database_port": "5432"}, lambda values: values.database.port == 5432),
        ({"airflow_database_host": ""}, lambda values: values.database.host is None),
        ({"airflow_image": {"tag": 15}}, lambda values: values.instance.image.tag == "15"),
    ],
)
def test_the_strings_of_a_survey_work(variables: dict[str, t.Any], read: t.Callable[[t.Any], bool]) -> None:
    assert read(load({**BASE, **variables}))


@pytest.mark.parametrize(
    "variables",
    [
        {"airflow_core_env": [{"name": "AIRFLOW__SMTP__SMTP_PASSWORD_SECRET", "value": "smtp/password"}]},
        {"airflow_core_env": [{"name": "URL", "value": "postgres://me:$(PASSWORD)@db"}]},
        {"airflow_core_env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "x", "key": "token"}}}]},
        {"airflow_core_env": [{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/token"}]},
        {"airflow_core_env": [{"name": "EMPTY", "value": ""}]},
        config("secrets", backend="company.Backend"),
        config("my_company", colour="red"),
        config("scheduler", parsing_cleanup_interval=30),
        {"airflow_core_webserver_config": 'import os\nX_PASSWORD = os.environ["X"]\nX_TOKEN = ""\n'},
        {"airflow_image": {"repository": "localhost:5000/airflow", "tag": "2024-01"}},
        {"airflow_image": {"repository": "docker.io/acme/airflow", "tag": "1.2.3"}},
        {"airflow_image": {"tag": "slim-3.3.2-python3.12"}},
        {"airflow_version": "3.4.0rc1"},
        {"airflow_image_registry": "registry.example.com:5000/mirror/public"},
        {**EXTERNAL, "airflow_database_host": "2001:db8::1"},
        {**EXTERNAL, "airflow_database_host": "db_1.example.com."[:-1]},
        {"airflow_core_base_url": "http://localhost:8080"},
        {"airflow_core_base_url": "https://[2001:db8::1]:8443/airflow/"},
        {"airflow_rbac_quota": {"requests.nvidia.com/gpu": 2, "count/jobs.batch": "10", "requests.cpu": "1500m"}},
        {"airflow_rbac_service_accounts": {"worker": {}}},
        limit(min={"cpu": "1"}, defaultRequest={"cpu": 1}, default={"cpu": "1000m"}, max={"cpu": "1"}),
        limit("PersistentVolumeClaim", min={"storage": "1Gi"}),
        {"airflow_namespace": "default", "airflow_rbac_namespace_managed": False},
        {"airflow_rbac_teams": {"data": {"namespace": "default"}}},
        scheduler(resources={"limits": {"nvidia.com/gpu": 1, "cpu": 0.5, "memory": "1e9"}}),
        scheduler(labels={"example.com/empty": ""}),
        {**SHARED, **scheduler(replicas=2, nodeSelector={"kubernetes.io/hostname": "one"})},
        {"airflow_rbac_pod_security": "privileged", **scheduler(containerSecurityContext={"privileged": True})},
        beside(**RESTRICTED, seccompProfile={"type": "Localhost", "localhostProfile": "a"}),
        beside(allowPrivilegeEscalation=False, capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        {"airflow_rbac_pod_security": "baseline", **beside()},
        {"airflow_rbac_namespace_managed": False, **beside()},
        {
            "airflow_rbac_pod_security": "baseline",
            **scheduler(volumes=[{"name": "a", "nfs": {"server": "b", "path": "/"}}]),
        },
    ],
)
def test_what_is_unusual_and_right_is_taken(variables: dict[str, t.Any]) -> None:
    render_all(load({**BASE, **variables}))


# --- every option of every dataclass ---


@dataclasses.dataclass(frozen=True)
class Option:
    """An option, and how variables are written that give it a value."""

    path: str
    kind: t.Any
    field: dataclasses.Field[t.Any]

    def variables(self, value: t.Any) -> dict[str, t.Any]:
        first, *others = self.path.split(".")
        for key in reversed(others):
            value = {key: value}
        return {first: value}


def options_of(cls: t.Any, path: str) -> t.Iterator[Option]:
    for field in dataclasses.fields(cls):
        below = f"{path}{field.name}" if path.endswith("_") else f"{path}.{camel(field.name)}"
        kind = hints(cls)[field.name]
        yield Option(below, kind, field)
        inner = [one for one in (kind, *t.get_args(kind)) if dataclasses.is_dataclass(one)]
        for one in inner if t.get_origin(kind) is not dict else ():
            yield from options_of(one, below)


OPTIONS = [option for section in SECTIONS.values() for option in options_of(section, section.PREFIX)]  # type: ignore[attr-defined]
DATACLASSES = [option for option in OPTIONS if dataclasses.is_dataclass(option.kind)]
NUMBERS = [option for option in OPTIONS if option.field.metadata["minimum"] is not None]


def bare(kind: t.Any) -> t.Any:
    """A type without None."""
    if t.get_origin(kind) in (t.Union, types.UnionType):
        return next(one for one in t.get_args(kind) if one is not type(None))
    return kind


TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text.strip()[:1] not in ("", "{", "["))
NESTED = st.lists(st.integers(), max_size=2) | st.dictionaries(TEXTS, st.integers(), max_size=2)


def wrong(kind: t.Any) -> st.SearchStrategy[t.Any]:
    """Values of another type."""
    kind = bare(kind)
    if kind is str:
        return st.booleans() | st.floats(allow_nan=False) | NESTED
    if kind is int:
        return st.booleans() | st.floats(0.1, 0.9) | TEXTS.filter(lambda text: not re.search(r"\d", text)) | NESTED
    if kind is bool:
        return st.integers(2) | st.floats() | st.just("perhaps") | NESTED
    if t.get_origin(kind) is t.Literal:
        return st.booleans() | st.integers() | TEXTS.map(lambda text: text + "!") | NESTED
    if t.get_origin(kind) is list:
        return st.booleans() | st.integers() | TEXTS | st.dictionaries(TEXTS, st.integers(), max_size=2)
    return st.booleans() | st.integers() | TEXTS | st.lists(st.integers(), max_size=2)


def assert_refused(variables: dict[str, t.Any], path: str) -> list[str]:
    problems = refusal({**variables})
    assert any(problem.startswith(path) for problem in problems), problems
    assert not any("\n" in problem for problem in problems), problems
    return problems


def test_every_variable_is_among_the_options() -> None:
    assert set(VALUE_VARIABLES) == {option.path for option in OPTIONS if "." not in option.path}
    assert len(OPTIONS) > 200


@settings(max_examples=6)
@given(st.data())
@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.path)
def test_a_value_of_another_type_is_refused(option: Option, data: st.DataObject) -> None:
    assert_refused(option.variables(data.draw(wrong(option.kind))), option.path)


@settings(max_examples=6)
@given(st.data())
@pytest.mark.parametrize("option", DATACLASSES, ids=lambda option: option.path)
def test_a_misspelt_option_is_refused_with_what_was_meant(option: Option, data: st.DataObject) -> None:
    known = [camel(field.name) for field in dataclasses.fields(option.kind)]
    meant = data.draw(st.sampled_from(known))
    place = data.draw(st.integers(1, len(meant) - 1))
    misspelt = data.draw(
        st.sampled_from(
            [meant[:place] + meant[place + 1 :], meant[:place] + meant[place - 1] + meant[place:], f"{meant}s"]
        )
    )
    if misspelt not in known:
        problems = assert_refused(option.variables({misspelt: 1}), f"{option.path}.{misspelt}")
        assert any("did you mean '" in problem for problem in problems), problems


@given(st.sampled_from(sorted(VALUE_VARIABLES)), st.data())
def test_a_misspelt_variable_of_a_role_is_refused(variable: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(len("airflow_core_"), max(len(variable) - 1, len("airflow_core_"))))
    misspelt = variable[:place] + variable[place - 1 : place] + variable[place:]
    if misspelt not in VALUE_VARIABLES:
        problems = assert_refused({misspelt: "x"}, misspelt)
        assert any("did you mean 'airflow_" in problem for problem in problems), problems


@settings(max_examples=6)
@given(st.data())
@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.path)
def test_a_number_out_of_range_is_refused(option: Option, data: st.DataObject) -> None:
    lowest, highest = option.field.metadata["minimum"], option.field.metadata["maximum"] or 2**31 - 1
    value = data.draw(st.integers(max_value=lowest - 1) | st.integers(min_value=highest + 1))
    given_as = str(value) if data.draw(st.booleans()) and abs(value) < 10**15 else value
    assert_refused(option.variables(given_as), option.path)


@settings(max_examples=6)
@given(st.data())
@pytest.mark.parametrize(
    "option", [one for one in OPTIONS if one.field.metadata["form"]], ids=lambda option: option.path
)
def test_a_text_of_another_form_is_refused(option: Option, data: st.DataObject) -> None:
    form = option.field.metadata["form"]
    text = data.draw(st.text(min_size=1, max_size=80).filter(lambda text: not re.fullmatch(form.pattern, text)))
    if t.get_origin(option.kind) is list:
        assert_refused(option.variables([text]), f"{option.path}[0]")
    else:
        problems = assert_refused(option.variables(text), option.path)
        assert any(form.words in problem for problem in problems)


@settings(max_examples=6)
@given(st.data())
@pytest.mark.parametrize(
    "option", [one for one in OPTIONS if bare(one.kind) == list[t.Any]], ids=lambda option: option.path
)
def test_pieces_of_objects_that_are_none_are_refused(option: Option, data: st.DataObject) -> None:
    item = data.draw(
        st.none() | st.booleans() | st.integers() | TEXTS | st.dictionaries(TEXTS, st.integers(), min_size=1)
    )
    assert_refused(option.variables([item]), option.path)


@given(
    st.sampled_from([option for option in OPTIONS if "secret" not in option.path]),
    st.recursive(
        st.just(SECRET),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
        max_leaves=4,
    ).filter(lambda value: not isinstance(value, str)),
)
def test_what_is_written_below_an_option_is_never_shown(option: Option, value: t.Any) -> None:
    """A person may have put a secret into the wrong place."""
    told = ""
    try:
        load({**BASE, **option.variables(value)})
    except SpecError as error:
        told = error.message
    assert SECRET not in told or bare(option.kind) in (dict[str, str], list[str]), told


# --- facts that stand twice ---


def test_name_servers_of_the_instance_are_those_of_its_components() -> None:
    load({**BASE, "airflow_placement": {"dnsConfig": SERVERS}, **scheduler(dnsPolicy="None")})
    load({**BASE, **NAMELESS, **scheduler(dnsConfig={"nameservers": ["10.0.0.54"], "searches": ["a.b"]})})


RESOLVER_OF_NODE = {"airflow_placement": {"dnsPolicy": "Default"}}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            RESOLVER_OF_NODE,
            "airflow_placement.dnsPolicy is 'Default', by which pods find no Service of the instance, whose addresses "
            "end in .svc: take ClusterFirst, or name the cluster's domain (mostly cluster.local) by "
            "airflow_placement.dnsConfig.searches",
        ),
        (
            {"airflow_placement": {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.53"]}}},
            "airflow_placement.dnsPolicy is 'None', by which pods find no Service",
        ),
        (scheduler(dnsPolicy="Default"), "airflow_core_scheduler.dnsPolicy is 'Default', by which pods find no"),
        (
            {**RESOLVER_OF_NODE, **scheduler(dnsConfig={"options": [{"name": "ndots", "value": "2"}]})},
            "airflow_core_scheduler.dnsConfig.searches",
        ),
        ({**RESOLVER_OF_NODE, **EXTERNAL}, "airflow_placement.dnsPolicy is 'Default'"),
        ({**EXTERNAL, **LOCAL, **scheduler(dnsPolicy="Default")}, "airflow_core_scheduler.dnsPolicy is 'Default'"),
        (
            {**EXTERNAL, **CELERY, "airflow_celery_flower": {"enabled": True, "dnsPolicy": "Default"}},
            "airflow_celery_flower.dnsPolicy is 'Default'",
        ),
        (
            {**EXTERNAL, "airflow_database_pgbouncer": {"enabled": True}, **scheduler(dnsPolicy="Default")},
            "airflow_core_scheduler.dnsPolicy is 'Default'",
        ),
        ({"airflow_placement": {"dnsPolicy": "ClusterFirstWithHostNet"}}, None),
        ({"airflow_placement": {"dnsPolicy": "Default", "dnsConfig": {"searches": ["example.internal"]}}}, None),
        # Nobody inside is asked: the database is elsewhere, and no task runs there.
        ({**EXTERNAL, **scheduler(dnsPolicy="Default")}, None),
        ({**EXTERNAL, "airflow_database_pgbouncer": {"enabled": True, "dnsPolicy": "Default"}}, None),
        ({"airflow_database_postgres": {"dnsPolicy": "Default"}}, None),
        ({**EXTERNAL, **OLD, **RESOLVER_OF_NODE}, None),
    ],
)
def test_pods_find_what_the_instance_has_in_the_cluster(variables: dict[str, t.Any], words: str | None) -> None:
    if words is None:
        load({**BASE, **variables})
        return
    problems = refusal(variables)
    assert any(words in problem for problem in problems), problems


def test_reserved_labels_are_those_that_objects_have() -> None:
    values = load(BASE)
    ours = {*names.labels(values, "x"), names.ROLE_LABEL, FEATURE, HOME, SET_LABEL, TEAM_LABEL}
    assert ours == kubernetes.RESERVED_LABELS


@pytest.mark.parametrize("case", CASES)
def test_volumes_and_variables_of_the_collection_are_known(case: str) -> None:
    values = load(CASES[case])
    paths = {
        "postgresql": "airflow_database_postgres",
        "pgbouncer": "airflow_database_pgbouncer",
        "redis": "airflow_celery_redis",
    }
    for item in render_all(values):
        pod = item.get("spec", {}).get("template", {}).get("spec")
        if not pod or item["kind"] not in ("Deployment", "StatefulSet"):
            continue
        path = paths.get(item["metadata"]["labels"]["component"])
        known = rules.OWN_VOLUMES[path] if path else rules.AIRFLOW_VOLUMES | dag_rules.volumes(values)
        theirs = {volume["name"] for _path, _main, shape in rules.pods(values) for volume in shape.volumes}
        made = {volume["name"] for volume in pod["volumes"]} | {
            claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])
        }
        assert made - theirs <= known
        secret = {
            one["name"] for one in pod["containers"][0].get("env", []) if "secretKeyRef" in one.get("valueFrom", {})
        }
        assert secret <= set(rules.OWN_ENV[path] if path else {*rules.AIRFLOW_ENV, *dag_rules.variables(values)})


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("1500m", 1.5), ("2Ki", 2048), ("1e3", 1000), ("2E", 2e18), ("0.5Gi", 2**29), (3, 3), (0.5, 0.5)],
)
def test_amounts(text: t.Any, number: float) -> None:
    found = forms.amount(text)
    assert found is not None
    assert float(found) == number


@pytest.mark.parametrize("text", ["", "Gi", "1GB", "1.5.0", "-1", "1 Gi", True, "1ee3", "٣"])
def test_no_amounts(text: t.Any) -> None:
    assert forms.amount(text) is None
