"""What only a node can find out: images, volumes, CPU and databases that are not as declared, told in one sentence.

All instances are hosts of one start of playbooks/site.yml, in namespaces of their own (bad-*).
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import typing as t

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from tests.e2e.conftest import CLUSTER, ROOT, VARIABLES
from tests.e2e.support import ansible

Variables = dict[str, t.Any]

RESULTS = ROOT / "tests" / "api" / "plugins" / "callback"
PASSWORD = "only-for-tests-5f2c"
SMALL = {"requests": {"cpu": "20m", "memory": "128Mi"}}
DATABASE = {**VARIABLES["airflow_database_postgres"], "resources": SMALL}
ELSEWHERE: Variables = {
    "airflow_database_provider": "external",
    "airflow_database_host": "bad-version-postgresql.bad-version.svc",
    "airflow_database_password": PASSWORD,
    "airflow_database_sslmode": "disable",
}
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "bad-nobody"},
    "provisioner": "example.com/nobody",
}

BAD: dict[str, tuple[Variables, list[str]]] = {
    # Its database serves the others, too.
    "bad-version": (
        {"airflow_version": "3.2.0", "airflow_image": {"repository": "localhost/airflow", "tag": "3.3.2"}},
        ["airflow_version is 3.2.0, but the image localhost/airflow:3.3.2 holds Airflow 3.3.2", "was not touched"],
    ),
    "bad-image": (
        {**ELSEWHERE, "airflow_image": {"repository": "localhost/nowhere", "tag": "1"}},
        ["Job/bad-image/bad-image-migrate-", "localhost/nowhere:1", "pull"],
    ),
    "bad-password": (
        {**ELSEWHERE, "airflow_database_password": "another-one"},
        ["could not be migrated", "password authentication failed"],
    ),
    "bad-database": (
        {**ELSEWHERE, "airflow_database_name": "nowhere"},
        ["could not be migrated", 'database "nowhere" does not exist'],
    ),
    "bad-volume": (
        {"airflow_database_postgres": {**DATABASE, "storage": {"size": "1Gi", "storageClassName": "bad-nobody"}}},
        ["bad-volume-postgresql", "PersistentVolumeClaim"],
    ),
    "bad-cpu": (
        {
            "airflow_database_postgres": {
                **DATABASE,
                "resources": {"requests": {"cpu": "500"}, "limits": {"cpu": "500"}},
            }
        },
        ["bad-cpu-postgresql", "cpu"],
    ),
}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return connect(dict(CLUSTER))


@pytest.fixture(scope="module")
def told(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, t.Any]]:
    """The failed result of each instance; under ``output`` all that was printed."""
    folder = tmp_path_factory.mktemp("bad")
    shared = {
        "ansible_connection": "local",
        "airflow_kubeconfig": CLUSTER["kubeconfig"],
        "airflow_context": CLUSTER["context"],
        "airflow_core_executor": "LocalExecutor",
        "airflow_image": VARIABLES["airflow_image"],
        "airflow_database_postgres": DATABASE,
        "airflow_database_password": PASSWORD,
        "airflow_overrides": VARIABLES["airflow_overrides"],
        "airflow_wait_timeout": 150,
    }
    hosts = {host: variables for host, (variables, _words) in BAD.items()}
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"airflow": {"hosts": hosts, "vars": shared}}), encoding="utf-8")
    cluster.create(CLASS)
    yield {**run(inventory, folder / "results.jsonl")}
    ansible(ROOT, inventory, "uninstall.yml", "airflow", "airflow_delete_data=true")
    cluster.delete(kinds.named("StorageClass"), "bad-nobody")
    assert not [name for name in BAD if cluster.get(kinds.named("Namespace"), name)]


def run(inventory: pathlib.Path, results: pathlib.Path) -> dict[str, t.Any]:
    done = subprocess.run(
        ["ansible-playbook", str(ROOT / "playbooks" / "site.yml"), "-i", str(inventory), "-vvv", f"--forks={len(BAD)}"],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(RESULTS),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "RESULTS_FILE": str(results),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout[-3000:] + done.stderr[-2000:]
    kept = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    failed = {one["host"]: one["result"] for one in kept if one["result"].get("failed")}
    return {**failed, "output": done.stdout + done.stderr}


@pytest.mark.parametrize("host", BAD)
def test_what_is_wrong_is_said(host: str, told: dict[str, t.Any]) -> None:
    message = told[host]["msg"]
    missing = [words for words in BAD[host][1] if words not in message]
    assert not missing, message


def test_nothing_is_a_traceback_of_ours_and_no_password_is_told(told: dict[str, t.Any]) -> None:
    """What a container of Airflow's image prints is quoted, and may be one of its own."""
    ours = [line for line in told["output"].splitlines() if "dagops/airflow/plugins" in line and 'File "' in line]
    assert not ours
    assert PASSWORD not in told["output"]


def test_no_traceback_stands_for_a_sentence(told: dict[str, t.Any]) -> None:
    assert not [host for host in BAD if "Traceback" in told[host]["msg"] or 'File "' in told[host]["msg"]]
