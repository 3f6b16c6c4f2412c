"""Ids of DAGs that are there several times are found in the files, and nothing else is taken for one."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_ids
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import dag_ids as payload
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE

GIT = {"url": "https://git.example.com/a.git", "ref": "main"}
ONE = 'from airflow.sdk import DAG\nDAG("one")\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('DAG("one")', {"one"}),
        ('with models.DAG(dag_id="one", schedule=None): pass', {"one"}),
        ("@dag\ndef one(): pass", {"one"}),
        ("@dag()\ndef one(): pass", {"one"}),
        ('@airflow.sdk.dag("two")\ndef one(): pass', {"two"}),
        ('@dag(dag_id="two", schedule=None)\nasync def one(): pass', {"two"}),
        ("DAG(NAME)", set()),
        ("@dag(dag_id=NAME)\ndef one(): pass", set()),
        ('TriggerDagRunOperator(trigger_dag_id="one")', set()),
        ("def f(:", set()),
    ],
)
def test_ids_are_those_that_a_file_gives_in_so_many_words(source: str, expected: set[str]) -> None:
    assert payload.defined(source) == expected


@pytest.fixture
def folders(tmp_path: pathlib.Path) -> dict[str, str]:
    made = {name: tmp_path / name for name in ("a", "b")}
    for folder in made.values():
        (folder / "sub").mkdir(parents=True)
    return {name: str(folder) for name, folder in made.items()}


def write(folder: str, path: str, text: str = ONE) -> None:
    pathlib.Path(folder, path).write_text(text)


def found(folders: dict[str, str], owners: dict[str, payload.Place], syntax: str = "glob") -> t.Any:
    return payload.duplicates(folders, owners, syntax)


def test_an_id_in_two_bundles_is_found_whichever_has_it_now(folders: dict[str, str]) -> None:
    for folder, path in zip(folders.values(), ("x.py", "sub/y.py"), strict=True):
        write(folder, path)
    both = {"one": [("a", "x.py"), ("b", "sub/y.py")]}
    assert found(folders, {"one": ("a", "x.py")}) == both
    assert found(folders, {"one": ("b", "sub/y.py")}) == both


def test_an_id_in_two_files_of_a_bundle_is_found(folders: dict[str, str]) -> None:
    write(folders["a"], "x.py")
    write(folders["a"], "sub/x.py")
    assert found(folders, {"one": ("a", "x.py")}) == {"one": [("a", "sub/x.py"), ("a", "x.py")]}


def test_a_dag_that_has_moved_is_there_once(folders: dict[str, str]) -> None:
    write(folders["b"], "x.py")
    assert found(folders, {"one": ("a", "x.py")}) == {}


def test_a_file_that_names_a_dag_is_none(folders: dict[str, str]) -> None:
    write(folders["a"], "x.py")
    write(folders["b"], "x.py", 'TriggerDagRunOperator(trigger_dag_id="one")\nDAG("two")\n')
    assert found(folders, {"one": ("a", "x.py"), "two": ("b", "x.py")}) == {}


@pytest.mark.parametrize(
    ("syntax", "place", "pattern"),
    [
        ("glob", "", "sub/"),
        ("glob", "", "/sub/*.py"),
        ("glob", "sub", "x.py  # not yet"),
        ("regexp", "", "^sub/"),
    ],
)
def test_what_airflow_passes_over_is_passed_over(
    folders: dict[str, str], syntax: str, place: str, pattern: str
) -> None:
    write(folders["a"], "x.py")
    write(folders["b"], "sub/x.py")
    owners = {"one": ("a", "x.py")}
    assert found(folders, owners, syntax)
    write(folders["b"], f"{place}/.airflowignore".lstrip("/"), f"{pattern}\n")
    assert found(folders, owners, syntax) == {}


def test_the_files_of_each_bundle_are_where_airflow_has_them() -> None:
    variables = {
        **BASE,
        "airflow_git_sync_repositories": {"synced": {**GIT, "subPath": "dags"}},
        "airflow_core_dag_bundles": {
            "fetched": {**GIT, "subPath": "dags"},
            "local": {"kind": "local", "url": "/srv/dags"},
            "lake": {"kind": "s3", "url": "s3://lake"},
        },
    }
    storage = "/tmp/airflow/dag_bundles"
    assert dag_ids.question(load(variables))["folders"] == {
        "synced": "/opt/airflow/git/synced/current/dags",
        "fetched": f"{storage}/fetched/tracking_repo/dags",
        "local": "/srv/dags",
        "lake": f"{storage}/lake",
        "dagops-canary": "/opt/airflow/canary",
    }


def test_a_persons_own_bundles_may_be_text() -> None:
    options = {"dag_bundle_config_list": '[{"name": "x", "classpath": "y"}]', "dag_bundle_storage_path": "/bundles"}
    question = dag_ids.question(load({**BASE, "airflow_core_config": {"dag_processor": options}}))
    assert question["folders"] == {"x": "/bundles/x"}


def test_airflow_2_has_one_folder() -> None:
    question = dag_ids.question(load({**BASE, "airflow_version": "2.11.2"}))
    assert question["folders"] == {"dags-folder": "/opt/airflow/dags"}
    assert "left(fileloc, length('/opt/airflow/dags/')) = '/opt/airflow/dags/'" in question["query"]
    assert question["syntax"] == "regexp"
