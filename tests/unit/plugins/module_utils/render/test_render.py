"""Rendered objects keep the rules of good Kubernetes citizenship, whatever the values."""

from __future__ import annotations

import configparser
import copy
import json
import re
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.manifests.files import file_name
from ansible_collections.dagops.airflow.plugins.module_utils.render import config, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import image, path_of
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import RENDERERS, render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.trial import trial_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import VALUE_VARIABLES, load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values
from tests.unit.cases import BASE, CASES, LOG_STORES, MULTI_TEAM, OF_DAGS, SSH

GOLDEN = Path(__file__).parents[3] / "golden"
Object = dict[str, t.Any]


class IndentedDumper(yaml.SafeDumper):
    """YAML as the linters want it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        return super().increase_indent(flow, False)


WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
# Secrets that the `secrets` module makes, and those that a case names as its owner's.
SECRETS = {
    "fernet-key",
    "jwt-secret",
    "api-secret-key",
    "webserver-secret-key",
    "metadata",
    "postgresql",
    "pgbouncer-config",
    "admin",
    "broker",
    "celery",
}


def objects(case: str) -> list[Object]:
    values = load(CASES[case])
    return [*render_all(values), migration_job(values, "print('x')")]


def of_kind(items: list[Object], *kinds: str) -> list[Object]:
    return [item for item in items if item["kind"] in kinds]


def templates(items: list[Object]) -> list[tuple[str, Object]]:
    """Every pod (template), the executor's included, with a name to show."""
    found = [(item["metadata"]["name"], item["spec"]["template"]) for item in of_kind(items, *WORKLOADS)]
    for item in of_kind(items, "CronJob"):
        found.append((item["metadata"]["name"], item["spec"]["jobTemplate"]["spec"]["template"]))
    for item in of_kind(items, "ConfigMap"):
        if names.POD_TEMPLATE_FILE in item["data"]:
            found.append((item["metadata"]["name"], json.loads(item["data"][names.POD_TEMPLATE_FILE])))
    return found


def containers(template: Object) -> list[Object]:
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def references(value: t.Any) -> t.Iterator[tuple[str, str]]:
    """Kind and name of every ConfigMap, Secret and claim that a pod refers to."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("configMapKeyRef", "configMapRef", "configMap") and "name" in item:
                yield "ConfigMap", item["name"]
            elif key in ("secretKeyRef", "secretRef"):
                yield "Secret", item["name"]
            elif key == "secret" and {"secretName", "name"} & set(item):
                yield "Secret", item.get("secretName") or item["name"]
            elif key == "persistentVolumeClaim":
                yield "PersistentVolumeClaim", item["claimName"]
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, update_golden: bool) -> None:
    folder = GOLDEN / case
    home = load(CASES[case]).namespace
    files = {
        file_name(item, home).removesuffix("yaml") + "yml": yaml.dump(
            item, Dumper=IndentedDumper, explicit_start=True, width=110
        )
        for item in objects(case)
    }
    if update_golden:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    assert {path.name: path.read_text() for path in folder.iterdir()} == files, (
        "the render changed: run `pytest tests/unit --update-golden`, and read `git diff tests/unit/golden`"
    )


@pytest.mark.parametrize("case", CASES)
def test_rendering_is_pure(case: str) -> None:
    values = load(CASES[case])
    before = copy.deepcopy(values)
    first = json.dumps(render_all(values))
    assert json.dumps(render_all(values)) == first
    assert values == before
    turned = load(dict(reversed(list(copy.deepcopy(CASES[case]).items()))))
    assert json.dumps(render_all(turned)) == first


@pytest.mark.parametrize("case", CASES)
def test_names_are_unique_and_labels_are_valid(case: str) -> None:
    items = objects(case)
    keys = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in items]
    assert len(keys) == len(set(keys))
    for item in items:
        assert item["metadata"]["labels"]["app.kubernetes.io/instance"] == CASES[case]["airflow_instance"]
        for value in item["metadata"]["labels"].values():
            assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", value)
            assert len(value) <= 63


def test_the_longest_name_fits() -> None:
    for item in [
        *render_all(load({**BASE, "airflow_instance": "a" * 40})),
        migration_job(load({**BASE, "airflow_instance": "a" * 40}), ""),
        trial_job(load({**BASE, "airflow_instance": "a" * 40}), ""),
    ]:
        assert len(item["metadata"]["name"]) <= 63


@pytest.mark.parametrize("case", CASES)
def test_references_resolve(case: str) -> None:
    items = objects(case)
    rendered = {(item["kind"], item["metadata"]["name"]) for item in items}
    instance = CASES[case]["airflow_instance"]
    given = {("ConfigMap", "shared"), ("PersistentVolumeClaim", "my-logs"), ("PersistentVolumeClaim", "my-dags")}
    given |= {("ConfigMap", "corporate-ca"), *(("Secret", name) for name in OF_DAGS)}
    given |= {("Secret", "my-results")}
    made = {("Secret", f"{instance}-{name}") for name in SECRETS}
    for name, template in templates(items):
        assert set(references(template["spec"])) <= rendered | given | made, name
        account = template["spec"]["serviceAccountName"]
        assert ("ServiceAccount", account) in rendered or account == "my-scheduler", name
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
        claims = {
            claim["metadata"]["name"]
            for item in of_kind(items, "StatefulSet")
            for claim in item["spec"]["volumeClaimTemplates"]
            if item["metadata"]["name"] == name
        }
        mounted = {mount["name"] for container in containers(template) for mount in container.get("volumeMounts", [])}
        assert mounted == volumes | claims, name


@pytest.mark.parametrize("case", CASES)
def test_selectors_select(case: str) -> None:
    items = objects(case)
    pods = [template for item in of_kind(items, *WORKLOADS) for template in [item["spec"]["template"]]]
    for item in of_kind(items, "Deployment", "StatefulSet"):
        wanted = item["spec"]["selector"]["matchLabels"].items()
        assert wanted <= item["spec"]["template"]["metadata"]["labels"].items()
        assert sum(wanted <= pod["metadata"]["labels"].items() for pod in pods) == 1
    for item in of_kind(items, "PodDisruptionBudget"):
        wanted = item["spec"]["selector"]["matchLabels"].items()
        assert sum(wanted <= pod["metadata"]["labels"].items() for pod in pods) == 1
        assert item["spec"]["maxUnavailable"] >= 1
    for item in of_kind(items, "Service"):
        selected = [pod for pod in pods if item["spec"]["selector"].items() <= pod["metadata"]["labels"].items()]
        assert len(selected) == 1
        ports = {port["name"] for container in containers(selected[0]) for port in container.get("ports", [])}
        assert {port["targetPort"] for port in item["spec"]["ports"]} <= ports


@pytest.mark.parametrize("case", CASES)
def test_pods_are_hardened_and_bounded(case: str) -> None:
    for name, template in templates(objects(case)):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert "automountServiceAccountToken" in spec, name
        for container in containers(template):
            if container["name"] == "sidecar":
                continue
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            for bound in ("requests", "limits"):
                assert {"cpu", "memory"} <= container["resources"][bound].keys(), name


@pytest.mark.parametrize("case", CASES)
def test_what_runs_all_the_time_is_probed(case: str) -> None:
    for item in of_kind(objects(case), "Deployment", "StatefulSet"):
        main = item["spec"]["template"]["spec"]["containers"][0]
        assert "livenessProbe" in main, item["metadata"]["name"]
        assert "readinessProbe" in main or "startupProbe" in main, item["metadata"]["name"]


@pytest.mark.parametrize("case", CASES)
def test_what_probes_and_hooks_run_is_mounted(case: str) -> None:
    for name, template in templates(objects(case)):
        for container in containers(template):
            mounted = {mount["mountPath"] for mount in container.get("volumeMounts", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                command = container.get(probe, {}).get("exec", {}).get("command", [])
                assert {word for word in command if word.startswith(names.AIRFLOW_HOME)} <= mounted, name


@pytest.mark.parametrize("case", CASES)
def test_tokens_only_where_permissions_are(case: str) -> None:
    items = objects(case)
    holders = {subject["name"] for item in of_kind(items, "RoleBinding") for subject in item["subjects"]}
    for name, template in templates(items):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] == (spec["serviceAccountName"] in holders), name


def secrets_of(case: str, wanted: str) -> set[str]:
    instance = CASES[case]["airflow_instance"]
    template = dict(templates(objects(case)))[f"{instance}-{wanted}"]
    return {name for kind, name in references(template["spec"]) if kind == "Secret"}


def test_task_pods_of_airflow_3_hold_no_secret() -> None:
    assert secrets_of("kubernetes-executor", "pod-template") == set()
    assert secrets_of("everything", "pod-template") == set()


def test_the_jwt_secret_is_where_tokens_are_made_or_checked() -> None:
    for component in ("api-server", "scheduler"):
        assert "airflow-jwt-secret" in secrets_of("kubernetes-executor", component)
    for component in ("dag-processor", "triggerer"):
        assert "airflow-jwt-secret" not in secrets_of("kubernetes-executor", component)


@pytest.mark.parametrize("case", CASES)
def test_airflow_cfg_reads_back(case: str) -> None:
    values = load(CASES[case])
    parser = configparser.ConfigParser()
    parser.read_string(config.airflow_cfg(values))
    assert parser["core"]["executor"] == values.core.executor
    for section, options in values.core.config.items():
        for key, value in options.items():
            assert parser[section][key] == str(value)


def test_the_execution_address_follows_the_path_and_port() -> None:
    settings = config.settings(load(CASES["everything"]))
    assert settings["core"]["execution_api_server_url"] == "http://airflow-api-server.data.svc:80/data/execution/"


@pytest.mark.parametrize(
    ("repository", "path"),
    [
        ("docker.io/apache/airflow", "apache/airflow"),
        ("apache/airflow", "apache/airflow"),
        ("localhost/airflow", "airflow"),
        ("registry:5000/a/b/c", "a/b/c"),
        ("airflow", "airflow"),
    ],
)
def test_path_of_a_repository(repository: str, path: str) -> None:
    assert path_of(repository) == path


def test_every_image_comes_from_the_sites_registry() -> None:
    for name, template in templates(objects("everything")):
        for container in containers(template):
            if container["name"] != "sidecar":
                assert container["image"].startswith("registry.example.com/mirror/"), name


def test_a_digest_is_kept() -> None:
    values = load(CASES["everything"])
    wanted = image(values, values.instance.image, "3.3.2")
    assert wanted == "registry.example.com/mirror/acme/airflow:3.3.2@sha256:" + "0" * 64


# Knobs of one role that reach objects of it; each is turned, and something must change.
KNOBS: dict[str, t.Any] = {
    "airflow_namespace": "other",
    "airflow_version": "3.3.1",
    "airflow_image": {"pullPolicy": "Always"},
    "airflow_image_registry": "r.example.com",
    "airflow_image_pull_secrets": ["x"],
    "airflow_labels": {"a": "b"},
    "airflow_annotations": {"a": "b"},
    "airflow_placement": {"schedulerName": "x"},
    "airflow_task_nodes": {"labels": {"a": "b"}},
    "airflow_vertical_autoscaling": {"enabled": True},
    "airflow_overrides": {"ServiceAccount/airflow-worker": {"metadata": {"annotations": {"a": "b"}}}},
    "airflow_json_patches": {"ConfigMap/airflow-config": [{"op": "add", "path": "/data/a", "value": "b"}]},
    "airflow_extra_manifests": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}],
    "airflow_rbac_namespace_managed": False,
    "airflow_rbac_pod_security": "baseline",
    "airflow_rbac_service_accounts": {"worker": {"name": "x"}},
    "airflow_rbac_tasks_launch_pods": True,
    "airflow_rbac_teams": {"ml": {"namespace": "ml"}},
    "airflow_policy_labels": {"team": {}},
    "airflow_policy_registries": ["r.example.com"],
    "airflow_rbac_quota": {"pods": "1"},
    "airflow_rbac_limit_range": [{"type": "Pod"}],
    "airflow_database_name": "x",
    "airflow_database_postgres": {"storage": {"size": "1Gi"}},
    "airflow_database_pgbouncer": {"enabled": True},
    "airflow_database_cleanup": {"enabled": True},
    "airflow_database_max_connections": 50,
    "airflow_core_executor": "LocalExecutor",
    "airflow_core_config": {"core": {"parallelism": 1}},
    "airflow_autoscaling_triggerer": {},
    "airflow_autoscaling_api_server": {},
    "airflow_core_env": [{"name": "A", "value": "b"}],
    "airflow_core_env_from": [{"secretRef": {"name": "x"}}],
    "airflow_core_base_url": "http://x.example.com/a",
    "airflow_core_webserver_config": "X = 1\n",
    "airflow_core_api_server": {"workers": 3},
    "airflow_core_scheduler": {"replicas": 3},
    "airflow_core_dag_processor": {"replicas": 3},
    "airflow_core_dag_bundles": {"a": {"kind": "local", "url": "/srv/dags"}},
    "airflow_core_dags_volume": {"enabled": True},
    "airflow_core_triggerer": {"capacity": 3},
    "airflow_core_workers": {"labels": {"a": "b"}},
    "airflow_core_kubernetes_executor": {"deletePods": False},
    "airflow_logging_volume": {"size": "1Gi"},
    "airflow_logging_retention_days": 7,
    "airflow_logging_level": "DEBUG",
    "airflow_logging_fab_level": "DEBUG",
    "airflow_logging_levels": {"sqlalchemy.engine": "INFO"},
    "airflow_logging_json": True,
    "airflow_logging_config_file": "LOGGING_CONFIG = {}\n",
    "airflow_git_sync_repositories": {"ml": SSH},
    "airflow_verify_canary": False,
}
# Those of what is there only with a repository.
GIT_SYNC_KNOBS: dict[str, t.Any] = {
    "airflow_git_sync_image": {"tag": "v4.6.0"},
    "airflow_git_sync_period": "1m",
    "airflow_git_sync_timeout": "1m",
    "airflow_git_sync_max_failures": 7,
    "airflow_git_sync_init_max_failures": 7,
    "airflow_git_sync_refresh_interval": 7,
    "airflow_git_sync_http_port": 9000,
    "airflow_git_sync_metrics": False,
    "airflow_git_sync_resources": {"limits": {"cpu": "1"}},
}
# Variables that shape secrets, rules or the play's course, and no object by themselves.
NO_OBJECT = {
    "airflow_instance",
    "airflow_image_digests_required",
    "airflow_database_provider",
    "airflow_database_kind",
    "airflow_database_host",
    "airflow_database_port",
    "airflow_database_user",
    "airflow_database_credentials",
    "airflow_database_sslmode",
    "airflow_core_admin",
    "airflow_celery_broker",
    "airflow_celery_redis",
    "airflow_celery_result_backend",
    "airflow_celery_workers",
    "airflow_celery_flower",
    "airflow_autoscaling_workers",
    "airflow_autoscaling_workers_hpa",
    "airflow_autoscaling_database",
    "airflow_logging_loss_accepted",
    "airflow_logging_shipper",
    "airflow_ingress_enabled",
    "airflow_ingress_class_name",
    "airflow_ingress_annotations",
    "airflow_ingress_tls_secret",
    "airflow_verify_timeout",
    *GIT_SYNC_KNOBS,
}


@pytest.mark.parametrize("knob", KNOBS)
def test_every_knob_turns_something(knob: str) -> None:
    assert render_all(load({**BASE, knob: KNOBS[knob]})) != render_all(load(BASE))


@pytest.mark.parametrize("store", LOG_STORES)
def test_every_log_store_turns_something(store: str) -> None:
    """With the store of the base, its block is refused."""
    assert render_all(load({**BASE, **LOG_STORES[store]})) != render_all(load(BASE))


POLICY_KNOBS: dict[str, t.Any] = {
    "airflow_policy_action": "Warn",
    "airflow_policy_team_label": "squad",
    "airflow_policy_placements": {"ml": {"nodeLabels": {"pool": "ml"}}},
}


@pytest.mark.parametrize("knob", POLICY_KNOBS)
def test_every_knob_of_policies_turns_something(knob: str) -> None:
    base = {
        **BASE,
        "airflow_policy_registries": ["r.example.com"],
        "airflow_policy_placements": {"bi": {"nodeLabels": {"pool": "bi"}}},
    }
    assert render_all(load({**base, knob: POLICY_KNOBS[knob]})) != render_all(load(base))


def test_consent_to_all_namespaces_turns_something() -> None:
    base = {**BASE, **LOG_STORES["s3"]}
    assert render_all(load({**base, "airflow_rbac_all_namespaces": True})) != render_all(load(base))


def test_teams_of_airflow_turn_something() -> None:
    """Under an auth manager that knows some."""
    without = {**MULTI_TEAM, "airflow_core_multi_team": False}
    assert render_all(load({**BASE, **MULTI_TEAM})) != render_all(load({**BASE, **without}))


def test_every_variable_is_a_knob_or_known_not_to_be() -> None:
    stores = {name for variables in LOG_STORES.values() for name in variables}
    of_their_own = {"airflow_rbac_all_namespaces", "airflow_rbac_tasks_read_xcom", "airflow_core_multi_team"}
    assert set(VALUE_VARIABLES) == {*KNOBS, *POLICY_KNOBS, *of_their_own} | NO_OBJECT | stores


CELERY_KNOBS: dict[str, t.Any] = {
    "broker": {"provider": "external", "host": "x"},
    "redis": {"storage": {"size": "2Gi"}},
    "result_backend": {"urlSecret": {"name": "x"}},
    "workers": {"default": {"concurrency": 2}},
    "flower": {"enabled": True},
}


@pytest.mark.parametrize("knob", CELERY_KNOBS)
def test_every_knob_of_celery_turns_something(knob: str) -> None:
    base = {**BASE, "airflow_core_executor": "CeleryExecutor"}
    assert render_all(load({**base, f"airflow_celery_{knob}": CELERY_KNOBS[knob]})) != render_all(load(base))


@pytest.mark.parametrize("knob", ["workers", "workers_hpa"])
def test_every_knob_of_autoscaled_workers_turns_something(knob: str) -> None:
    base = {**BASE, "airflow_core_executor": "CeleryExecutor"}
    assert render_all(load({**base, f"airflow_autoscaling_{knob}": {"default": {}}})) != render_all(load(base))


@pytest.mark.parametrize("knob", ["class_name", "annotations", "tls_secret"])
def test_every_knob_of_the_ingress_turns_something(knob: str) -> None:
    base = {**BASE, "airflow_ingress_enabled": True, "airflow_core_base_url": "https://x.example.com"}
    value = {"a": "b"} if knob == "annotations" else "x"
    assert render_all(load({**base, f"airflow_ingress_{knob}": value})) != render_all(load(base))


@pytest.mark.parametrize("knob", GIT_SYNC_KNOBS)
def test_every_knob_of_git_sync_turns_something(knob: str) -> None:
    base = {**BASE, "airflow_git_sync_repositories": {"ml": SSH}}
    assert render_all(load({**base, knob: GIT_SYNC_KNOBS[knob]})) != render_all(load(base))


def test_parts_render_alone_as_they_do_together() -> None:
    values: Values = load(BASE)
    assert [item for part in RENDERERS for item in render(values, part)] == render_all(values)
