"""No secret of a running Airflow is in anything that playbooks and modules show, or leave in the cluster.

The same search as in tests/api, with all that takes pods: migration, users, rotation, DAG runs, status; and in what the
pods and processes of the node themselves show.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import typing as t

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from tests import leaks
from tests.e2e.conftest import CLUSTER, VARIABLES

NAME = "searched"


def small(cpu: str, memory: str) -> dict[str, t.Any]:
    """Little enough that a roll finds room beside what else runs; and none of the DAGs of other tests."""
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}}


SMALL = {
    "airflow_core_api_server": small("50m", "512Mi"),
    "airflow_core_dag_processor": small("50m", "384Mi"),
    "airflow_core_scheduler": small("50m", "512Mi"),
}


@pytest.fixture
def cluster() -> t.Iterator[Cluster]:
    connected = connect(CLUSTER)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}}
    connected.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)
    yield connected
    connected.delete(kinds.named("Namespace"), NAME)


def own_secret(cluster: Cluster, name: str, kind: str = "Opaque", **data: str) -> None:
    """A Secret that a person keeps, which the instance is told to use."""
    meta = {"name": name, "namespace": NAME}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "stringData": data})


class Searched:
    """An instance whose playbooks and tasks are run at -vvv, with differences."""

    def __init__(self, cluster: Cluster, folder: pathlib.Path) -> None:
        self.search = leaks.Search()
        self._cluster = cluster
        self._folder = folder
        self._runs = leaks.Runs(self.search, folder)
        self._inventory = folder / "inventory.yml"

    def describe(self, **variables: t.Any) -> None:
        """What the inventory says of the instance."""
        host = {
            **VARIABLES,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "airflow_kubeconfig": CLUSTER["kubeconfig"],
            "airflow_context": CLUSTER["context"],
            "airflow_image_pull_secrets": ["registry"],
            "airflow_core_env_from": [{"secretRef": {"name": "environment"}}],
            **SMALL,
            **variables,
        }
        inventory = {"airflow": {"hosts": {NAME: host}}}
        self._inventory.write_text(yaml.safe_dump(inventory), encoding="utf-8")

    def playbook(self, playbook: pathlib.Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(self._inventory), str(playbook)]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(leaks.ROOT / "ansible.cfg")}
        self._runs.run([*command, "-vvv", "--diff", *arguments], environment)

    def collection(self, playbook: str, *arguments: str) -> None:
        self.playbook(leaks.ROOT / "playbooks" / f"{playbook}.yml", *arguments)

    def tasks(self, *tasks: dict[str, t.Any]) -> None:
        """Tasks by their module's name, each in check mode first, in a play of their own."""
        reach = {name: CLUSTER[name] for name in ("kubeconfig", "context")}
        play = {
            "hosts": "airflow",
            "gather_facts": False,
            "module_defaults": {"group/dagops.airflow.airflow": reach},
            "tasks": [
                {"check_mode": check, **{f"dagops.airflow.{noun}": options for noun, options in task.items()}}
                for task in tasks
                for check in (True, False)
            ],
        }
        file = self._folder / "tasks.yml"
        file.write_text(yaml.safe_dump([play]), encoding="utf-8")
        self.playbook(file)

    def read(self, when: str) -> None:
        """All objects of the namespace, and the logs of its pods."""
        leaks.read_namespace(self.search, self._cluster, NAME, when)
        for pod in self._cluster.list(kinds.named("Pod"), NAME):
            name = pod["metadata"]["name"]
            for container in pod["spec"]["containers"]:
                self.search.text(f"log of {name} {when}", self._log(name, container["name"]))

    def _log(self, pod: str, container: str) -> str:
        try:
            return self._cluster.logs(NAME, pod, container, 10_000)
        except Failure as failure:
            # It has not started, or is gone by now.
            return failure.message


@pytest.mark.full
def test_nothing_that_runs_show_or_leave_holds_a_secret(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    searched = Searched(cluster, tmp_path)
    secret = searched.search.secret
    registry = {"username": "puller", "password": secret("password of the registry")}
    auths = json.dumps({"auths": {"registry.example.com": registry}})
    own_secret(cluster, "registry", "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": auths})
    own_secret(cluster, "environment", TOKEN=secret("extra variable"))
    given = {
        "airflow_core_fernet_key": secret("Fernet key", fernet.generate()),
        "airflow_core_jwt_secret": secret("JWT secret"),
        "airflow_core_api_secret_key": secret("API secret"),
        "airflow_core_admin_password": secret("password of the administrator"),
        "airflow_database_password": secret("password of the database"),
    }
    users = [
        {"username": name, "email": f"{name}@example.com", "first_name": "A", "last_name": "B", "roles": ["Op"]}
        for name in ("zoe", "bob")
    ]

    searched.describe(**given)
    searched.collection("site", "--check")
    searched.collection("site")
    searched.read("after the first run")
    searched.collection("site")
    searched.collection("status")
    searched.search.check()

    searched.tasks(
        *(
            {
                "user": {
                    "users": [{**user, "password": secret(f"{when} password of {user['username']}")} for user in users]
                }
            }
            for when in ("first", "second")
        )
    )

    # With the key left out, so that it can be rotated.
    del given["airflow_core_fernet_key"]
    given["airflow_core_admin_password"] = secret("another password of the administrator")
    given["airflow_core_jwt_secret"] = secret("another JWT secret")
    searched.describe(**given, airflow_core_config={"core": {"parallelism": 7}})
    searched.collection("site", "--check")
    searched.collection("site")
    searched.tasks({"fernet_key": {"state": "rotated"}})
    searched.read("after changes")
    searched.search.check()
    searched.collection("render", "-e", f"render_dest={tmp_path / 'rendered'}")
    searched.search.files("rendered", tmp_path / "rendered")

    for mode in (["--check"], []):
        searched.collection("uninstall", *mode, "-e", "airflow_delete_data=true")
    searched.read("after all was removed")

    assert len(searched.search.secrets) >= 20
    searched.search.check()
