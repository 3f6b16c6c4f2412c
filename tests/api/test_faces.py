"""Both faces of a noun do the same, through ansible-core itself: the action plugin here, the module on a bastion."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from tests.api.support import INSTANCE, Site, config_map, names, secret

PLUGINS = pathlib.Path(__file__).parent / "plugins"
ROOT = pathlib.Path(__file__).parents[2]


class Ansible:
    """Runs plays with one face."""

    def __init__(self, connection: str, folder: pathlib.Path, site: Site) -> None:
        self._connection = connection
        self.remote = connection != "local"
        self._folder = folder
        self._site = site
        self.output = ""

    def manifests(self, *objects: dict[str, t.Any], check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        """A task."""
        mine = {"instance": INSTANCE, "namespace": self._site.namespace, "objects": list(objects)}
        auth = {"kubeconfig": self._site.kubeconfig}
        return {"dagops.airflow.manifests": {**auth, **mine, **arguments}, "check_mode": check, "diff": True}

    def play(self, *tasks: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """The results of tasks, as ansible-core gives them to the rest of a play."""
        kept = [{**task, "register": f"result_{number}", "ignore_errors": True} for number, task in enumerate(tasks)]
        results = ", ".join(f"result_{number}" for number in range(len(tasks)))
        file = self._folder / "results.json"
        keep = {"copy": {"dest": str(file), "content": f"{{{{ [{results}] | to_json }}}}"}, "no_log": True}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [*kept, keep]}
        (self._folder / "play.json").write_text(json.dumps([play]))
        self._run("playbook", "-i", "localhost,", "-c", self._connection, str(self._folder / "play.json"), "-vvv")
        found: list[dict[str, t.Any]] = json.loads(file.read_text())
        return found

    def _run(self, *command: str) -> None:
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }
        whole = [sys.executable, "-m", "ansible", *command]
        done = subprocess.run(whole, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        self.output += done.stdout + done.stderr


@pytest.fixture(params=["local", "bastion"])
def ansible(request: pytest.FixtureRequest, tmp_path: pathlib.Path, site: Site) -> Ansible:
    return Ansible(request.param, tmp_path, site)


def test_twelve_steps(ansible: Ansible, site: Site) -> None:
    first = [config_map("web", a="1"), secret("web", password="hunter2-one")]
    second = [config_map("web", a="2"), secret("web", password="hunter2-two")]
    stages = (
        (first, {}, "created"),
        (second, {}, "updated"),
        (second, {"state": "absent", "delete_data": True}, "deleted"),
    )
    results = ansible.play(
        *(
            ansible.manifests(*objects, check=check, **arguments)
            for objects, arguments, _action in stages
            for check in (True, False, True, False)
        )
    )
    for number, (_objects, _arguments, action) in enumerate(stages):
        predicted, done, predicted_again, done_again = results[number * 4 : number * 4 + 4]
        assert predicted["changed"]
        assert done["changed"]
        assert sorted(names(done, action)) == ["ConfigMap/web", "Secret/web"]
        assert done["diff"] == predicted["diff"]
        assert not predicted_again["changed"]
        assert not done_again["changed"]
    assert site.get("Secret", "web") is None
    assert "hunter2" not in ansible.output + json.dumps(results)


def test_failures_are_sentences(ansible: Ansible) -> None:
    refused, misspelt = ansible.play(
        ansible.manifests({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Web"}}),
        ansible.manifests(prunee=True),
    )
    assert refused["failed"]
    assert "Nothing was changed." in refused["msg"]
    assert "prunee" in misspelt["msg"]
    assert "Traceback" not in ansible.output


def test_credentials_come_from_the_environment(ansible: Ansible, site: Site) -> None:
    task = ansible.manifests(config_map("web"), kubeconfig=None)
    (result,) = ansible.play({**task, "environment": {"K8S_AUTH_KUBECONFIG": site.kubeconfig}})
    assert result["changed"]


def test_a_folder_of_the_controller_reaches_both_faces(ansible: Ansible, tmp_path: pathlib.Path, site: Site) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "one.py").write_text("from airflow.sdk import dag\n")
    values = {
        "airflow_instance": INSTANCE,
        "airflow_namespace": site.namespace,
        "airflow_logging_store": "volume",
        "airflow_core_dags_volume": {"enabled": True},
    }
    task = {"kubeconfig": site.kubeconfig, "values": values}
    missing, read = ansible.play(
        {"dagops.airflow.dags_upload": {**task, "src": str(tmp_path / "nowhere")}},
        {"dagops.airflow.dags_upload": {**task, "src": str(folder)}},
    )
    assert f"src is {tmp_path}/nowhere, which does not exist." in missing["msg"]
    assert f"PersistentVolumeClaim/{site.namespace}/{INSTANCE}-dags" in read["msg"]
    assert "Run site.yml first" in read["msg"]
    # What is on the controller is not on a bastion.
    assert ("/dags.tar\n" in ansible.output) is ansible.remote
