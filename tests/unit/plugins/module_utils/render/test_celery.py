"""Executors: which objects each of them has, what Celery's workers are given, and what is left of an executor."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import broker, config, features, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.celery_workers import SET_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import ping
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.scripts import source as source_of
from ansible_collections.dagops.airflow.plugins.module_utils.spec import executors
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError, camel
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import CeleryWorkers, Pods
from tests.unit.cases import BASE, CASES

Object = dict[str, t.Any]

CELERY = {**BASE, "airflow_core_executor": "CeleryExecutor"}


def objects(variables: Object) -> dict[str, Object]:
    instance = variables["airflow_instance"]
    return {
        f"{item['kind']}/{item['metadata']['name'].removeprefix(instance).removeprefix('-')}": item
        for item in render_all(load(variables))
    }


def main(item: Object) -> Object:
    container: Object = item["spec"]["template"]["spec"]["containers"][0]
    return container


def environment(item: Object) -> dict[str, Object]:
    return {variable["name"]: variable for variable in main(item)["env"]}


def celery(**options: t.Any) -> dict[str, Object]:
    return objects({**CELERY, **{f"airflow_celery_{name}": value for name, value in options.items()}})


# --- which executors ---


@pytest.mark.parametrize(
    ("text", "version", "where"),
    [
        ("LocalExecutor", "3.3.2", "local"),
        ("CeleryExecutor", "3.3.2", "celery"),
        ("KubernetesExecutor", "2.11.2", "kubernetes"),
        ("CeleryExecutor, KubernetesExecutor", "3.3.2", "celery kubernetes"),
        ("LocalExecutor,CeleryExecutor", "2.11.2", "local celery"),
        ("CeleryKubernetesExecutor", "2.11.2", "celery kubernetes"),
        ("LocalKubernetesExecutor", "2.11.2", "local kubernetes"),
        ("acme.executors.Edge", "3.3.2", ""),
        ("edge:acme.executors.CeleryExecutor,LocalExecutor", "3.3.2", "local"),
        ("mine:CeleryExecutor", "3.3.2", "celery"),
        ("airflow.providers.celery.executors.celery_executor.CeleryExecutor", "2.11.2", "celery"),
    ],
)
def test_what_an_executor_runs(text: str, version: str, where: str) -> None:
    values = load({**BASE, "airflow_core_executor": text, "airflow_version": version})
    found = {"local": values.runs_local, "celery": values.runs_celery, "kubernetes": values.runs_kubernetes}
    assert {name for name, runs in found.items() if runs} == set(where.split())
    assert config.settings(values)["core"]["executor"] == text


def test_an_alias_is_apart_from_the_name() -> None:
    first, second = executors.listed("fast:acme.Executor , LocalExecutor")
    assert (first.alias, first.name) == ("fast", "acme.Executor")
    assert (second.alias, second.name) == ("", "LocalExecutor")


def test_each_executor_has_what_it_needs_and_no_more() -> None:
    local = objects({**BASE, "airflow_core_executor": "LocalExecutor"}).keys()
    kubernetes, of_celery = objects(BASE).keys(), celery().keys()
    both = objects({**CELERY, "airflow_core_executor": "CeleryExecutor,KubernetesExecutor"}).keys()
    assert kubernetes - local == {
        "ConfigMap/pod-template",
        "Role/log-reader",
        "Role/pod-launcher",
        "RoleBinding/log-reader",
        "RoleBinding/pod-launcher",
        "ServiceAccount/worker",
    }
    assert of_celery - local == {
        "Deployment/worker",
        "PodDisruptionBudget/worker",
        "Service/redis",
        "Service/redis-hl",
        "ServiceAccount/redis",
        "ServiceAccount/worker",
        "StatefulSet/redis",
    }
    assert both == kubernetes | of_celery


def test_several_executors_share_a_scheduler() -> None:
    scheduler = objects(CASES["several-executors"])["Deployment/scheduler"]
    assert {"AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__RESULT_BACKEND"} <= environment(scheduler).keys()
    mounted = {mount["mountPath"] for mount in main(scheduler)["volumeMounts"]}
    assert {names.POD_TEMPLATE_FOLDER, f"{names.CANARY_FOLDER}/{names.CANARY_FILE}"} <= mounted
    assert [port["containerPort"] for port in main(scheduler)["ports"]] == [8793]


def test_a_task_of_airflow_2_reads_dags_that_name_any_of_several_executors() -> None:
    several = {**BASE, "airflow_version": "2.11.2", "airflow_core_executor": "CeleryExecutor,KubernetesExecutor"}
    template = json.loads(objects(several)["ConfigMap/pod-template"]["data"][names.POD_TEMPLATE_FILE])
    assert "AIRFLOW__CORE__EXECUTOR" not in {one["name"] for one in template["spec"]["containers"][0]["env"]}


# --- what is left of an executor ---


@pytest.mark.parametrize("case", CASES)
def test_what_is_there_for_an_executor_says_so(case: str) -> None:
    values = load(CASES[case])
    marked = {item["metadata"]["labels"].get(features.FEATURE) for item in render_all(values)} - {None}
    assert not marked & features.unused(values)
    for item in render_all(values):
        if item["kind"] in ("PersistentVolumeClaim", "Namespace"):
            assert features.FEATURE not in item["metadata"]["labels"]


@pytest.mark.parametrize("other", ["CeleryExecutor", "KubernetesExecutor", "CeleryExecutor,KubernetesExecutor"])
@pytest.mark.parametrize("new", ["LocalExecutor", "CeleryExecutor", "KubernetesExecutor"])
def test_another_executor_leaves_nothing_of_the_old_one(other: str, new: str) -> None:
    old = objects({**BASE, "airflow_core_executor": other})
    values = load({**BASE, "airflow_core_executor": new})
    gone = old.keys() - objects({**BASE, "airflow_core_executor": new}).keys()
    of_feature = {name: item["metadata"]["labels"].get(features.FEATURE) for name, item in old.items()}
    assert {name for name, feature in of_feature.items() if feature in features.unused(values)} == gone


def test_permissions_that_tasks_were_given_are_no_executors() -> None:
    variables = {**BASE, "airflow_core_executor": "LocalExecutor", "airflow_rbac_tasks_launch_pods": True}
    assert features.FEATURE not in objects(variables)["Role/task-launcher"]["metadata"]["labels"]


# --- workers ---


def test_a_worker_of_airflow_3_holds_what_it_needs() -> None:
    read = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for variable in environment(celery()["Deployment/worker"]).values()
        if "valueFrom" in variable
    }
    assert read == {"airflow-celery", "airflow-api-secret-key"}


def test_a_worker_of_airflow_2_speaks_to_the_database() -> None:
    found = environment(objects(CASES["airflow-2.11-celery"])["Deployment/worker"])
    assert {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__FERNET_KEY"} <= found.keys()


@pytest.mark.parametrize("workload", ["Deployment/worker", "Deployment/flower"])
def test_the_celery_command_of_airflow_2_finds_a_file_that_it_could_not_write(workload: str) -> None:
    variables = {**CASES["airflow-2.11-celery"], "airflow_celery_flower": {"enabled": True}}
    container = main(objects(variables)[workload])
    assert "/opt/airflow/webserver_config.py" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_a_worker_takes_the_tasks_of_its_queues() -> None:
    heavy = {"queues": ["heavy", "gpu"], "concurrency": 2, "autoscale": {"min": 1, "max": 4}}
    items = celery(workers={"default": {}, "heavy": heavy})
    assert main(items["Deployment/worker"])["args"][2:] == [
        *("celery", "worker", "--queues", "default", "--concurrency", "8")
    ]
    assert main(items["Deployment/worker-heavy"])["args"][2:] == [
        *("celery", "worker", "--queues", "heavy,gpu", "--concurrency", "2", "--autoscale", "4,1")
    ]


def test_sets_and_pods_of_tasks_leave_each_other_alone() -> None:
    items = objects(CASES["several-executors"])
    template = json.loads(items["ConfigMap/pod-template"]["data"][names.POD_TEMPLATE_FILE])
    sets = [items["StatefulSet/worker"], items["Deployment/worker-heavy"]]
    for one in sets:
        selector = one["spec"]["selector"]["matchLabels"].items()
        assert selector <= one["spec"]["template"]["metadata"]["labels"].items()
        others = [other["spec"]["template"] for other in sets if other is not one]
        assert not any(selector <= other["metadata"]["labels"].items() for other in [template, *others])
    assert [one["metadata"]["labels"][SET_LABEL] for one in sets] == ["default", "heavy"]


def test_a_worker_that_stops_lets_its_tasks_end() -> None:
    worker = celery()["Deployment/worker"]
    # dumb-init would send the signal to the tasks, too.
    assert environment(worker)["DUMB_INIT_SETSID"]["value"] == "0"
    assert worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 600
    longer = celery(workers={"default": {"terminationGracePeriodSeconds": 7200}})["Deployment/worker"]
    assert longer["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7200


def test_logs_on_a_volume_are_found_by_a_name_that_stays() -> None:
    items = objects(CASES["several-executors"])
    worker, service = items["StatefulSet/worker"], items["Service/worker"]
    assert service["spec"]["clusterIP"] == "None"
    assert worker["spec"]["serviceName"] == service["metadata"]["name"]
    assert environment(worker)["AIRFLOW__CORE__HOSTNAME_CALLABLE"]["value"] == "airflow.utils.net.getfqdn"
    assert [claim["metadata"]["name"] for claim in worker["spec"]["volumeClaimTemplates"]] == ["logs"]
    assert "logs" not in {volume["name"] for volume in worker["spec"]["template"]["spec"]["volumes"]}
    assert "AIRFLOW__CORE__HOSTNAME_CALLABLE" not in environment(items["Deployment/worker-heavy"])


def test_the_kubelet_is_more_patient_than_the_ping() -> None:
    container = main(celery()["Deployment/worker"])
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["timeoutSeconds"] > ping.BROKER_SECONDS > ping.ANSWER_SECONDS
    assert container["livenessProbe"]["periodSeconds"] >= 60


def pinged(url: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script as the kubelet runs it, without Celery: whatever it cannot ask does not answer."""
    return subprocess.run(
        [sys.executable, "-I", "-c", source_of(ping), *arguments],
        env={"AIRFLOW__CELERY__BROKER_URL": url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_broker_that_does_not_answer_restarts_nothing() -> None:
    done = pinged("redis://127.0.0.1:1/0")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "the broker does not answer")
    assert pinged("redis://127.0.0.1:1/0", "--started").returncode == 1


def test_a_broker_that_carries_no_answers_is_not_asked() -> None:
    done = pinged("sqs://", "--started")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., str]:
    """Makes Airflow's home with the configuration of an instance whose broker is a person's own."""

    def made(**sections: Object) -> str:
        broker_of_mine = {"provider": "external", "urlSecret": {"name": "mine", "key": "address"}}
        variables = {**CELERY, "airflow_celery_broker": broker_of_mine, "airflow_core_config": sections}
        (tmp_path / "airflow.cfg").write_text(config.airflow_cfg(load(variables)), encoding="utf-8")
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
        return str(tmp_path)

    return made


def test_a_worker_that_takes_no_questions_is_not_asked(home: t.Callable[..., str]) -> None:
    for options in (
        {"worker_enable_remote_control": False},
        {"extra_celery_config": {"worker_enable_remote_control": False}},
    ):
        done = pinged("redis://127.0.0.1:1/0", "--started", AIRFLOW_HOME=home(celery=options))
        assert (done.returncode, done.stdout) == (0, "")


def test_a_worker_is_asked_by_the_way_that_it_is_told(
    home: t.Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home()
    assert ping.configuration("amqp://") == {"broker_transport_options": {}, "worker_enable_remote_control": True}
    home(
        celery={"extra_celery_config": {"control_exchange": "100%"}},
        celery_broker_transport_options={
            "master_name": "main",
            "global_keyprefix": "{one}",
            "sentinel_kwargs": {"db": 1},
            "socket_timeout": 2.5,
            "max_retries": 3,
            "socket_keepalive": True,
        },
    )
    monkeypatch.setenv("AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SENTINEL_KWARGS", '{"password": "100%"}')
    assert ping.configuration("sentinel://") == {
        "broker_transport_options": {
            "master_name": "main",
            "global_keyprefix": "{one}",
            "sentinel_kwargs": {"password": "100%"},
            "socket_timeout": 2.5,
            "max_retries": 3,
            "socket_keepalive": True,
        },
        "worker_enable_remote_control": True,
        "control_exchange": "100%",
    }


@pytest.mark.parametrize(("url", "prefix"), [("amqps://", ""), ("rediss://", "ssl_"), ("sentinel://", "ssl_")])
def test_options_of_tls_win_over_those_of_celery(home: t.Callable[..., str], url: str, prefix: str) -> None:
    extra = {"broker_use_ssl": {"ca_certs": "/other"}}
    home(celery={"extra_celery_config": extra})
    assert ping.configuration(url)["broker_use_ssl"] == extra["broker_use_ssl"]
    home(celery={"ssl_active": True, "ssl_cacert": "/ca", "extra_celery_config": extra})
    assert ping.configuration(url)["broker_use_ssl"] == {f"{prefix}cert_reqs": 2, f"{prefix}ca_certs": "/ca"}


def test_what_a_set_takes_is_documented() -> None:
    text = (pathlib.Path(__file__).parents[5] / "docs/executors.md").read_text(encoding="utf-8")
    of_pods = {field.name for field in dataclasses.fields(Pods)}
    own = {field.name for field in dataclasses.fields(CeleryWorkers)} - of_pods | {"termination_grace_period_seconds"}
    assert [name for name in own if f"| `{camel(name)}` |" not in text] == []


# --- broker and Flower ---


def test_the_password_of_redis_is_no_argument() -> None:
    container = main(celery()["StatefulSet/redis"])
    assert container["command"] == ["sh", "-c", broker.START]
    assert "args" not in container
    assert 'requirepass "$REDISCLI_AUTH"' in broker.START
    source = container["env"][0]["valueFrom"]["secretKeyRef"]
    assert (container["env"][0]["name"], source) == ("REDISCLI_AUTH", {"name": "airflow-broker", "key": "password"})


def test_an_external_broker_has_no_redis() -> None:
    items = celery(broker={"provider": "external", "urlSecret": {"name": "mine", "key": "address"}})
    assert not any("redis" in name for name in items)
    source = environment(items["Deployment/worker"])["AIRFLOW__CELERY__BROKER_URL"]["valueFrom"]["secretKeyRef"]
    assert source == {"name": "mine", "key": "address"}


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("redis", {}),
        ("rediss", {"extra_celery_config": {"broker_use_ssl": config.BROKER_TLS["rediss"]}}),
        ("amqp", {}),
        ("amqps", {"extra_celery_config": {"broker_use_ssl": config.BROKER_TLS["amqps"]}}),
        ("sqs", {"worker_enable_remote_control": False}),
    ],
)
def test_options_follow_the_broker(scheme: str, options: Object) -> None:
    external = {"provider": "external", "scheme": scheme, "host": "x.example.com"}
    settings = config.settings(load({**CELERY, "airflow_celery_broker": external}))
    shared = {"operation_timeout": 10, "result_backend_sqlalchemy_engine_options": {"pool_pre_ping": True}}
    assert settings["celery"] == {**shared, **options}
    assert ("celery_broker_transport_options" in settings) == (not scheme.startswith("amqp"))


def test_flower_is_asked_below_its_path_and_holds_no_database() -> None:
    flower = celery(flower={"enabled": True, "urlPrefix": "ops/flower"})["Deployment/flower"]
    assert main(flower)["livenessProbe"]["httpGet"]["path"] == "/ops/flower/healthcheck"
    assert environment(flower).keys() == {
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__CELERY__FLOWER_BASIC_AUTH",
        "CONNECTION_CHECK_MAX_COUNT",
    }


# --- pods of tasks ---


def test_a_template_of_ones_own_is_laid_over() -> None:
    items = objects(CASES["several-executors"])
    template = json.loads(items["ConfigMap/pod-template"]["data"][names.POD_TEMPLATE_FILE])
    assert template["spec"]["hostUsers"] is False
    container = template["spec"]["containers"][0]
    assert (container["name"], container["workingDir"]) == ("base", "/tmp")
    assert container["image"] == "docker.io/apache/airflow:3.3.2"


def test_a_template_that_cannot_be_is_refused_by_its_path() -> None:
    patch = {"airflow_core_kubernetes_executor": {"podTemplate": {"spec": {"hostUsers": "no"}}}}
    with pytest.raises(SpecError, match=r"airflow_core_kubernetes_executor\.podTemplate\.spec\.hostUsers"):
        render_all(load({**BASE, **patch}))


def test_pods_are_made_at_once_where_it_is_asked_for() -> None:
    assert "async_pod_creation" not in config.settings(load(BASE))["kubernetes_executor"]
    settings = config.settings(load(CASES["several-executors"]))["kubernetes_executor"]
    assert (settings["async_pod_creation"], settings["pod_creation_max_concurrency"]) == (True, 4)


def test_what_cleans_up_may_delete_pods_and_no_more() -> None:
    items = objects(CASES["several-executors"])
    job = items["CronJob/cleanup"]["spec"]
    spec = job["jobTemplate"]["spec"]["template"]["spec"]
    assert (job["schedule"], job["concurrencyPolicy"], spec["restartPolicy"]) == ("*/15 * * * *", "Forbid", "Never")
    assert spec["containers"][0]["args"][3:] == ["10", "many"]
    assert items["Role/pod-cleaner"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"]}
    ]
    assert items["RoleBinding/pod-cleaner"]["subjects"][0]["name"] == spec["serviceAccountName"] == "many-cleanup"
