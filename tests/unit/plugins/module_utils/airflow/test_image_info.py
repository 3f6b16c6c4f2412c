"""What is made of what an image tells of itself."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import image_info, info
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import contents
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import parsed
from ansible_collections.dagops.airflow.plugins.module_utils.render.trial import trial_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, RESTRICTED


def told(**changes: t.Any) -> dict[str, t.Any]:
    return {"version": "3.3.2", "dags": {"a": ["one"]}, "import_errors": {"a": {}}, **changes}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (told(), []),
        (told(version="3.2.0", dags={}, import_errors={}), ["is 3.3.2, but the image x:1 holds Airflow 3.2.0"]),
        (told(version=None, dags={}, import_errors={}), ["holds no package apache-airflow"]),
        (
            told(import_errors={"a": {"etl.py": "Traceback\n  x\nImportError: no pandas", "empty.py": ""}}),
            ["etl.py of the bundle a cannot be imported: ImportError: no pandas", "empty.py of the bundle a"],
        ),
        (told(dags={"a": ["one", "two"], "b": ["two"]}), ["the DAG two is there several times (a, b)"]),
    ],
)
def test_what_speaks_against_an_image_is_told(found: dict[str, t.Any], words: list[str]) -> None:
    problems = list(image_info.problems(found, "x:1", "3.3.2"))
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))


def test_what_dag_files_print_is_passed_over() -> None:
    assert image_info.last_line('hello\n{"not": "this"}\n\n{"version": "3.3.2"}\n') == {"version": "3.3.2"}
    assert image_info.last_line("") is None


def test_files_are_told_by_their_place_in_the_bundle() -> None:
    folder = pathlib.Path("/opt/airflow/dags")
    assert contents.shown(folder, "/opt/airflow/dags/etl/one.py") == "etl/one.py"
    assert contents.shown(folder, "/elsewhere/one.py") == "/elsewhere/one.py"


def test_an_image_is_tried_as_the_dag_processor_would_run_it_but_not_as_one_of_its_pods() -> None:
    override = {
        "Deployment/*": {"spec": {"template": {"spec": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}]}}}}
    }
    sidecar = {"containers": [{"name": "sidecar", "image": "busybox", "securityContext": RESTRICTED}]}
    values = load({**BASE, "airflow_overrides": override, "airflow_core_dag_processor": sidecar})
    template = trial_job(values, "print()", "3.3.2")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["args"] == ["python", "-c", "print()", "3.3.2"]
    assert not [key for key in container if key.endswith("Probe")]
    assert template["spec"]["serviceAccountName"] == "airflow-dag-processor"
    assert template["spec"]["hostAliases"]
    assert template["metadata"]["labels"]["component"] == "trial"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("docker.io/apache/airflow:3.3.2", ("docker.io/apache/airflow", "3.3.2", None)),
        ("localhost:5000/airflow", ("localhost:5000/airflow", None, None)),
        ("airflow:1@sha256:ab", ("airflow", "1", "sha256:ab")),
        ("airflow@sha256:ab", ("airflow", None, "sha256:ab")),
    ],
)
def test_references_are_taken_apart(reference: str, expected: tuple[str | None, ...]) -> None:
    image = parsed(reference)
    assert (image.repository, image.tag, image.digest) == expected


def pod(component: str, image: str, **metadata: str) -> dict[str, t.Any]:
    return {
        "metadata": {"labels": {"component": component}, **metadata},
        "spec": {"containers": [{"name": "sidecar", "image": "x"}, {"name": component, "image": image}]},
    }


@pytest.mark.parametrize(
    ("pods", "tag"),
    [
        ([pod("scheduler", "a/b:1"), pod("triggerer", "a/b:1"), pod("postgresql", "postgres:17")], "1"),
        ([pod("scheduler", "a/b:1"), pod("triggerer", "a/b:2")], None),
        ([pod("scheduler", "a/b:1"), pod("scheduler", "a/b:2", deletionTimestamp="2026-01-01T00:00:00Z")], "1"),
        ([pod("postgresql", "postgres:17")], None),
    ],
)
def test_the_image_that_runs_is_told_where_there_is_but_one(pods: list[dict[str, t.Any]], tag: str | None) -> None:
    found = info.running_image(pods)
    assert (found and found["tag"]) == tag
