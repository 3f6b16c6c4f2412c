"""What each log store brings into airflow.cfg and into each pod."""

from __future__ import annotations

import configparser
import copy
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.render import log_store, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, LOG_STORES

GOLDEN = Path(__file__).parents[3] / "golden_logs"
SECTIONS = ("logging", "opensearch", "opensearch_configs", "elasticsearch", "elasticsearch_configs")
LOCAL = {"airflow_core_executor": "LocalExecutor"}
OLD = {"airflow_version": "2.11.2"}

Object = dict[str, t.Any]

CASES: dict[str, Object] = {
    "volume": {},
    **LOG_STORES,
    "s3-local-executor": {**LOG_STORES["s3"], **LOCAL},
    "s3-2.11": {**LOG_STORES["s3"], **OLD},
    "gcs-2.11": {**LOG_STORES["gcs"], **OLD},
    "wasb-2.11": {**LOG_STORES["wasb"], **OLD},
    "elasticsearch-2.11": {**LOG_STORES["elasticsearch"], **OLD},
    "cloudwatch-2.11": {**LOG_STORES["cloudwatch"], **OLD},
    "s3-by-service-account": {"airflow_logging_store": "s3", "airflow_logging_s3": {"bucket": "logs"}},
    "s3-by-connection": {
        "airflow_logging_store": "s3",
        "airflow_logging_s3": {"bucket": "logs", "connectionId": "vault_logs"},
    },
    "wasb-by-service-account": {
        "airflow_logging_store": "wasb",
        "airflow_logging_wasb": {"container": "logs", "account": "companylogs"},
    },
    "opensearch-plain-to-stdout": {
        "airflow_logging_store": "opensearch",
        "airflow_logging_opensearch": {"url": "http://search", "write": "stdout"},
    },
}


def pods(items: list[Object]) -> dict[str, Object]:
    """The pod of each of Airflow's components."""
    found = {}
    for item in items:
        if (
            item["kind"] in ("Deployment", "Job")
            and item["spec"]["template"]["metadata"]["labels"]["tier"] == "airflow"
        ):
            found[item["metadata"]["labels"]["component"]] = item["spec"]["template"]["spec"]
        if item["kind"] == "ConfigMap" and names.POD_TEMPLATE_FILE in item["data"]:
            found["worker"] = json.loads(item["data"][names.POD_TEMPLATE_FILE])["spec"]
    return found


def config(items: list[Object]) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(next(item["data"]["airflow.cfg"] for item in items if "airflow.cfg" in item.get("data", {})))
    return parser


def rendered(variables: Object) -> list[Object]:
    base = {name: value for name, value in BASE.items() if name in ("airflow_instance", "airflow_logging_store")}
    values = load({**base, **variables})
    return [*render_all(values), migration_job(values, "print('x')")]


def told(variables: Object) -> Object:
    """What there is to see of a log store."""
    items = rendered(variables)
    parser = config(items)
    seen: Object = {
        "airflow.cfg": {name: dict(parser[name]) for name in SECTIONS if parser.has_section(name)}
        | ({"azure_remote_logging": dict(parser["azure_remote_logging"])} if "azure_remote_logging" in parser else {})
    }
    for component, pod in sorted(pods(items).items()):
        container = pod["containers"][0]
        env = [one for one in container["env"] if re.search("LOGS|SEARCH", one["name"])]
        mounts = [one for one in container["volumeMounts"] if "log" in f"{one['name']}{one['mountPath']}"]
        volumes = [one for one in pod["volumes"] if one["name"].startswith("log")]
        seen[component] = {"env": env, "volumeMounts": mounts, "volumes": volumes}
    return seen


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, update_golden: bool) -> None:
    path = GOLDEN / f"{case}.yml"
    # Through JSON, so that nothing in it is an alias of something else.
    found = yaml.safe_dump(json.loads(json.dumps(told(CASES[case]))), width=120, explicit_start=True)
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == found, "the render changed: run `pytest tests/unit --update-golden`"


def test_golden_has_nothing_else() -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_no_pod_holds_an_identity_that_needs_none(case: str) -> None:
    """A task's pod may read the store; the migration and, but for CloudWatch, the DAG processor never do."""
    seen = told(CASES[case])
    assert not seen["migrate"]["env"]
    streams = case == "cloudwatch"
    assert bool(seen["dag-processor"]["env"]) == streams
    local = "local" in case or "2.11" in case
    keys = [volume for volume in seen["scheduler"]["volumes"] if volume["name"] == log_store.KEY_VOLUME]
    assert bool(seen["scheduler"]["env"] or keys) == local


@pytest.mark.parametrize("case", CASES)
def test_a_variable_is_there_before_it_is_put_into_another(case: str) -> None:
    """The kubelet leaves ``$(NAME)`` as it stands where NAME comes later."""
    for pod in pods(rendered(CASES[case])).values():
        known: set[str] = set()
        for variable in pod["containers"][0]["env"]:
            assert set(re.findall(r"\$\((\w+)\)", variable.get("value", ""))) <= known
            known.add(variable["name"])


@pytest.mark.parametrize("case", CASES)
def test_connections_are_json(case: str) -> None:
    for pod in pods(rendered(CASES[case])).values():
        for variable in pod["containers"][0]["env"]:
            if variable["name"] == log_store.CONNECTION_VARIABLE:
                assert json.loads(variable["value"])["conn_type"] in ("aws", "wasb")


def test_what_a_person_sets_wins() -> None:
    own = {"name": log_store.CONNECTION_VARIABLE, "value": "aws://"}
    worker = pods(rendered({**LOG_STORES["s3"], "airflow_core_env": [own]}))["worker"]
    assert [one for one in worker["containers"][0]["env"] if one["name"] == own["name"]] == [own]


def test_levels_and_json() -> None:
    variables = {
        "airflow_logging_level": "WARNING",
        "airflow_logging_levels": {"sqlalchemy.engine": "INFO", "botocore": "ERROR"},
        "airflow_logging_json": True,
    }
    logging = config(rendered(variables))["logging"]
    assert logging["logging_level"] == "WARNING"
    assert logging["namespace_levels"] == "botocore=ERROR sqlalchemy.engine=INFO"
    assert logging["json_logs"] == "True"


@pytest.mark.parametrize("variables", [{}, LOG_STORES["s3"], LOG_STORES["opensearch"]], ids=["volume", "s3", "os"])
def test_log_config_py_is_where_airflow_looks_for_it(variables: Object) -> None:
    """In all of its pods: each of them reads the configuration as it starts."""
    content = "LOGGING_CONFIG = {}\n"
    items = rendered({**copy.deepcopy(variables), "airflow_logging_config_file": content})
    assert config(items)["logging"]["logging_config_class"] == "log_config.LOGGING_CONFIG"
    assert next(item for item in items if "airflow.cfg" in item.get("data", {}))["data"]["log_config.py"] == content
    for pod in pods(items).values():
        mounts = {one["mountPath"]: one.get("subPath") for one in pod["containers"][0]["volumeMounts"]}
        assert mounts["/opt/airflow/config/log_config.py"] == "log_config.py"


def test_a_claim_of_theirs_is_cleaned_too() -> None:
    items = rendered({"airflow_logging_volume": {"existingClaim": "mine"}})
    job = next(item for item in items if item["kind"] == "CronJob")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "logs", "persistentVolumeClaim": {"claimName": "mine"}}]
    assert pod["containers"][0]["args"] == [names.LOGS_FOLDER, "30"]


def test_nothing_is_cleaned_that_stays_for_ever() -> None:
    kinds = {item["kind"] for item in rendered({"airflow_logging_retention_days": 0})}
    assert "CronJob" not in kinds
    assert "PersistentVolumeClaim" in kinds


def test_the_cleaner_runs_where_the_scheduler_runs() -> None:
    where = {"nodeSelector": {"pool": "airflow"}, "tolerations": [{"operator": "Exists"}]}
    items = rendered({"airflow_core_scheduler": where})
    job = next(item for item in items if item["kind"] == "CronJob")
    assert where.items() <= job["spec"]["jobTemplate"]["spec"]["template"]["spec"].items()
