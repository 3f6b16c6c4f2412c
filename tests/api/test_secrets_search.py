"""No secret of a run is in anything that the run shows or leaves: whole playbooks, as far as they need no pods.

Both faces, at -vvv with differences: fresh, again, with changes, with mistakes, rendered and removed.
"""

from __future__ import annotations

import json
import pathlib
import secrets
import sys
import typing as t

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests import leaks
from tests.api.plays import PLUGINS, ROOT, Plays, classes

Hosts = dict[str, dict[str, t.Any]]


class Searched:
    """Runs of playbooks against an API server, all of whose traces are searched."""

    def __init__(self, plays: Plays, folder: pathlib.Path) -> None:
        self._runs = leaks.Runs(leaks.Search(), folder)
        self._plays = plays
        self._results = folder / "results.jsonl"

    @property
    def search(self) -> leaks.Search:
        return self._runs.search

    def playbook(self, hosts: Hosts, *arguments: str, playbook: str = "site", fails: bool = False) -> None:
        self.run(self._plays.command(hosts, *arguments, playbook=playbook), fails=fails)

    def run(self, command: list[str], *, fails: bool = False) -> None:
        connections = {"ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection")}
        self._results.unlink(missing_ok=True)
        self._runs.run([*command, "-vvv", "--diff"], self._plays.environment(self._results) | connections, fails=fails)
        self.search.text(f"results of {' '.join(command[3:])}", self._results.read_text(encoding="utf-8"))


@pytest.fixture
def searched(kubeconfig: str, cluster: Cluster, tmp_path: pathlib.Path) -> t.Iterator[Searched]:
    folder = tmp_path / "plays"
    folder.mkdir()
    made = Searched(Plays(kubeconfig=kubeconfig, folder=folder), tmp_path)
    user = yaml.safe_load(pathlib.Path(kubeconfig).read_text(encoding="utf-8"))["users"][0]["user"]
    for name in ("client-key-data", "token"):
        if name in user:
            made.search.secret(f"{name} of the kubeconfig", user[name])
    with classes(cluster):
        yield made


def own_secret(cluster: Cluster, namespace: str, name: str, kind: str = "Opaque", **data: str) -> None:
    """A Secret that a person keeps, which the run is told to use."""
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": kind,
            "stringData": {key.replace("_", "-"): value for key, value in data.items()},
        }
    )


def given(searched: Searched, name: str) -> dict[str, str]:
    """Variables that give every secret that can be given."""
    return {
        "airflow_core_fernet_key": searched.search.secret(f"Fernet key of {name}", fernet.generate()),
        "airflow_core_jwt_secret": searched.search.secret(f"JWT secret of {name}"),
        "airflow_core_api_secret_key": searched.search.secret(f"API secret of {name}"),
        "airflow_core_admin_password": searched.search.secret(f"password of the administrator of {name}"),
        "airflow_database_password": searched.search.secret(f"password of the database of {name}"),
    }


def instances(searched: Searched, cluster: Cluster, prefix: str) -> Hosts:
    """An instance for each way that secrets come to it; each has a namespace, with Secrets of a person's own."""
    base = {"airflow_logging_loss_accepted": True, "airflow_image_pull_secrets": ["registry"]}
    external = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
    pooled = {"airflow_database_pgbouncer": {"enabled": True}}
    hosts: Hosts = {
        "given": {**given(searched, "given"), **pooled},
        "bastion": {**given(searched, "bastion"), **external, **pooled, "ansible_connection": "bastion"},
        "two": {**given(searched, "two"), "airflow_version": "2.11.2"},
        "generated": pooled,
        "theirs": {**external, **pooled, "airflow_database_credentials": {"name": "credentials"}},
    }
    for host in hosts:
        namespace = f"{prefix}-{host}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        # Somebody else's, so that a run does not delete it, for which it would take controllers.
        cluster.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)
        registry = searched.search.secret("password of the registry")
        auths = {"auths": {"registry.example.com": {"username": "puller", "password": registry}}}
        own_secret(
            cluster, namespace, "registry", "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": json.dumps(auths)}
        )
        own_secret(cluster, namespace, "environment", TOKEN=searched.search.secret("extra variable"))
        own_secret(
            cluster,
            namespace,
            "credentials",
            username="airflow",
            password=searched.search.secret("password in a Secret"),
        )
        hosts[host] |= {
            **base,
            "airflow_instance": host,
            "airflow_namespace": namespace,
            "airflow_core_env_from": [{"secretRef": {"name": "environment"}}],
            "airflow_core_env": [
                {"name": "ONE", "valueFrom": {"secretKeyRef": {"name": "environment", "key": "TOKEN"}}}
            ],
        }
    return hosts


def changed(searched: Searched, hosts: Hosts) -> Hosts:
    """The same instances with other secrets, as far as these can change."""
    others = {
        "airflow_core_jwt_secret": searched.search.secret("another JWT secret"),
        "airflow_core_api_secret_key": searched.search.secret("another API secret"),
        "airflow_core_admin_password": searched.search.secret("another password of the administrator"),
        "airflow_core_config": {"core": {"parallelism": 7}},
    }
    return {host: {**variables, **others} for host, variables in hosts.items()}


def mistaken(searched: Searched, host: dict[str, t.Any]) -> Hosts:
    """Secrets that are wrong, and secrets in wrong places: messages must not say them."""
    wrong: Hosts = {
        "fernet": {"airflow_core_fernet_key": secrets.token_urlsafe(32)},
        "lost": {"airflow_core_fernet_key": fernet.generate()},
        "short": {"airflow_core_jwt_secret": secrets.token_hex(12)},
        "number": {"airflow_core_jwt_secret": secrets.randbits(120) + 2**120},
        "mapping": {"airflow_core_admin_password": {"password": secrets.token_hex(12)}},
        "embedded": {"airflow_database_password": secrets.token_hex(12)},
        "setting": {"airflow_core_config": {"core": {"fernet_key": secrets.token_hex(12)}}},
        "option": {"airflow_core_admin": {"password": secrets.token_hex(12)}},
        "reference": {"airflow_database_credentials": {"name": "x", "password": secrets.token_hex(12)}},
        "misspelt": {"airflow_core_jwt_secrett": secrets.token_hex(12)},
    }
    hosts = {}
    for name, variables in wrong.items():
        (value,) = variables.values()
        while isinstance(value, dict):
            value = list(value.values())[-1]
        searched.search.secret(f"wrong secret of {name}", str(value))
        hosts[name] = {**host, **variables}
        hosts[f"{name}-bastion"] = {**host, **variables, "ansible_connection": "bastion"}
    return hosts


def test_nothing_that_a_run_shows_or_leaves_holds_a_secret(
    searched: Searched, cluster: Cluster, new_namespace: str, tmp_path: pathlib.Path
) -> None:
    hosts = instances(searched, cluster, new_namespace)
    others = changed(searched, hosts)

    def read(when: str) -> None:
        for variables in hosts.values():
            leaks.read_namespace(searched.search, cluster, variables["airflow_namespace"], when)

    searched.playbook(hosts, "--check")
    searched.playbook(hosts)
    read("after the first run")
    searched.playbook(hosts)
    searched.playbook(others, "--check")
    searched.playbook(others)
    read("after a change")
    searched.playbook(mistaken(searched, hosts["given"]), fails=True)

    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"airflow": {"hosts": others}}), encoding="utf-8")
    render = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(ROOT / "playbooks/render.yml")]
    render += ["-c", "local", "-e", f"render_dest={tmp_path / 'rendered'}"]
    searched.run(render)
    searched.search.files("rendered", tmp_path / "rendered")

    searched.playbook(others, "--check", "-e", "airflow_delete_data=true", playbook="uninstall")
    searched.playbook(others, "-e", "airflow_delete_data=true", playbook="uninstall")
    read("after all was removed")

    assert len(searched.search.secrets) > 60
    searched.search.check()


def test_what_opens_the_way_to_the_cluster_is_not_told(searched: Searched, tmp_path: pathlib.Path) -> None:
    """Credentials for the API server and for a proxy, none of which is right."""
    address = "https://127.0.0.1:1"
    proxied = f"http://somebody:{searched.search.secret('password of the proxy', secrets.token_hex(12))}@127.0.0.1:1"
    ways = (
        {"api_key": searched.search.secret("token")},
        {"username": "somebody", "password": searched.search.secret("password")},
        {"api_key": searched.search.secret("another token"), "proxy": proxied},
    )
    # All at once, since each task tries for a while.
    hosts = {
        f"{connection}-{number}": {
            "airflow_instance": "x",
            "airflow_logging_loss_accepted": True,
            "ansible_connection": connection,
            **{f"way_{name}": value for name, value in way.items()},
        }
        for connection in ("local", "bastion")
        for number, way in enumerate(ways)
    }
    options = {name: f"{{{{ way_{name} | default(omit) }}}}" for name in sorted({name for way in ways for name in way})}
    play: Object = {
        "hosts": "all",
        "gather_facts": False,
        "strategy": "free",
        "tasks": [
            {f"dagops.airflow.{noun}": {"validate_certs": False, "host": address, **options}, "ignore_errors": True}
            for noun in ("secrets", "preflight", "info")
        ],
    }
    files = {"play.yml": [play], "inventory.yml": {"all": {"hosts": hosts}}}
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(tmp_path / "inventory.yml")]
    searched.run([*command, str(tmp_path / "play.yml"), f"--forks={len(hosts)}"])
    searched.search.check()
