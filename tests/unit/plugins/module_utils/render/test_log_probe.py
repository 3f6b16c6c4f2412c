"""The Job that tries the log store, and what its script makes of errors."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import log_probe, log_store, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_logs
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.scripts import source
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import LOG_STORES

ONE: dict[str, t.Any] = {"airflow_instance": "airflow"}
LOCAL = {"airflow_core_executor": "LocalExecutor"}
PROBED = sorted(probe_logs.STORES)


def spec_of(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    job = log_probe.named_job(load({**ONE, **variables}))
    return t.cast("dict[str, t.Any]", job["spec"]["template"]["spec"])


@pytest.mark.parametrize("store", PROBED)
def test_it_has_what_a_task_has(store: str) -> None:
    values = load({**ONE, **LOG_STORES[store]})
    pod = spec_of(LOG_STORES[store])
    template = next(item for item in render_all(values) if item["metadata"]["name"] == "airflow-pod-template")
    worker = json.loads(template["data"][names.POD_TEMPLATE_FILE])["spec"]
    assert pod["serviceAccountName"] == worker["serviceAccountName"] == "airflow-worker"
    mine, theirs = (one["containers"][0] for one in (pod, worker))
    assert mine["image"] == theirs["image"]
    assert all(variable in mine["env"] for variable in log_store.env(values, "worker"))
    secrets = [volume for volume in worker["volumes"] if "secret" in volume]
    assert [volume for volume in pod["volumes"] if "secret" in volume] == secrets
    # The instance's ConfigMap is that of before, or not there yet.
    assert not any(one["name"] == "config" for one in [*pod["volumes"], *mine["volumeMounts"]])


def test_tasks_of_a_local_executor_are_the_schedulers() -> None:
    assert spec_of({**LOG_STORES["s3"], **LOCAL})["serviceAccountName"] == "airflow-scheduler"


@pytest.mark.parametrize("variables", [{}, LOCAL])
def test_no_service_and_no_budget_counts_its_pod(variables: dict[str, t.Any]) -> None:
    job = log_probe.named_job(load({**ONE, **LOG_STORES["s3"], **variables}))
    assert job["spec"]["template"]["metadata"]["labels"]["component"] == log_probe.COMPONENT


def test_it_does_without_dags() -> None:
    """Their claim may not be there yet, and a repository that cannot be read is no fault of the log store."""
    volume = {"airflow_core_dags_volume": {"enabled": True}}
    synced = {"airflow_git_sync_repositories": {"team": {"url": "https://git.example.com/team.git"}}}
    plain = spec_of(LOG_STORES["s3"])
    assert spec_of({**LOG_STORES["s3"], **volume}) == spec_of({**LOG_STORES["s3"], **synced}) == plain
    assert not plain.get("initContainers")


def test_overrides_reach_it() -> None:
    values = load(
        {**ONE, **LOG_STORES["s3"], "airflow_overrides": {"Job/airflow-log-probe": {"spec": {"backoffLimit": 1}}}}
    )
    assert render_all(values)
    assert log_probe.named_job(values)["spec"]["backoffLimit"] == 1


def test_a_new_value_of_anything_that_says_where_and_who_is_another_store() -> None:
    base = {**ONE, **LOG_STORES["s3"]}
    block = t.cast("dict[str, t.Any]", base["airflow_logging_s3"])
    role = {"worker": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}}
    variants = [
        base,
        {**base, "airflow_logging_s3": {**block, "bucket": "other"}},
        {**base, "airflow_logging_s3": {**block, "credentials": {"name": "other"}}},
        {**base, "airflow_logging_s3": {**block, "ca": {"name": "other"}}},
        {**base, "airflow_rbac_service_accounts": role},
        {**base, **LOCAL},
    ]
    assert len({log_probe.fingerprint(load(one)) for one in variants}) == len(variants)
    assert log_probe.fingerprint(load({**base, "airflow_version": "3.3.1"})) == log_probe.fingerprint(load(base))


class Answer(Exception):
    """As botocore raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


class EndpointConnectionError(Exception):
    """As botocore calls it."""


class HttpResponseError(Exception):
    """As Azure's clients raise it."""

    def __init__(self, status: int) -> None:
        super().__init__("It is not allowed.\nRequestId:1\nContent: <?xml?>")
        self.status_code = status
        self.response = object()


class ResourceNotFoundError(HttpResponseError):
    """A more special one."""


class ConnectionTimeout(EndpointConnectionError):
    """A more special one."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Answer("NoSuchBucket"), "there is no such bucket (An error occurred (NoSuchBucket))"),
        (Answer("AccessDenied"), "the identity may not do that (An error occurred (AccessDenied))"),
        (Answer("Strange"), "Answer: An error occurred (Strange)"),
        (EndpointConnectionError("x"), "the server cannot be reached (x)"),
        (ConnectionTimeout("a\n b"), "the server cannot be reached (a b)"),
        (HttpResponseError(403), "the identity may not do that (It is not allowed.)"),
        (HttpResponseError(500), "HttpResponseError: It is not allowed."),
        (ResourceNotFoundError(404), "there is no such container (It is not allowed.)"),
        (ValueError("x"), "ValueError: x"),
    ],
)
def test_errors_are_told_in_one_sentence(error: Exception, words: str) -> None:
    assert probe_logs.words(error) == words


@pytest.mark.parametrize("store", PROBED)
def test_an_image_without_the_provider_is_told(store: str, tmp_path: Path) -> None:
    """This very environment has no Airflow, and so none of its providers."""
    told = tmp_path / "told"
    # What reads Airflow's options fails first where there is no Airflow at all.
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "airflow" / "configuration.py").write_text(
        "class conf:\n    get = staticmethod(lambda section, name, fallback=None: '')\n", encoding="utf-8"
    )
    script = source(probe_logs)
    subprocess.run(
        [sys.executable, "-c", script, store],
        env={"PYTHONPATH": str(tmp_path), "TERMINATION_LOG": str(told)},
        check=True,
        capture_output=True,
    )
    found = json.loads(told.read_text(encoding="utf-8"))
    package = f"apache-airflow-providers-{probe_logs.PACKAGES[store]}"
    assert found["probe"] == store
    assert found["problem"].startswith(f"the image has no {package} (")
