"""The collection's playbooks on an API server without nodes: all their tasks but those that need running pods."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

PLUGINS = pathlib.Path(__file__).parent / "plugins"
ROOT = pathlib.Path(__file__).parents[2]
PREFIX = "dagops.airflow."

NEED_PODS = frozenset({"broker", "dag_run", "dag_source", "db_migration", "db_reader", "info", "log_store", "user"})

# What an administrator has made, and preflight looks for.
CLASSES: tuple[Object, ...] = (
    {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "default", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "example.com/nobody",
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx"},
        "spec": {"controller": "example.com/nobody"},
    },
)


Result = dict[str, t.Any]
Task = dict[str, t.Any]


def adapted(playbook: str) -> dict[str, t.Any]:
    """The play of a playbook with the tasks of its roles, for hosts that may name the parts that they want."""
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    found = []
    for entry in play["tasks"]:
        role = entry["ansible.builtin.import_role"]
        name = role["name"].removeprefix(PREFIX)
        file = ROOT / "roles" / name / "tasks" / f"{role.get('tasks_from', 'main')}.yml"
        found += [_adapted(task) for task in yaml.safe_load(file.read_text(encoding="utf-8")) if _possible(task)]
    return {**play, "hosts": "all", "tasks": found}


def parts(playbook: str) -> list[str]:
    """What a playbook's tasks are about, in their order: parts of an instance, or modules that have none."""
    return [_part(task) for task in adapted(playbook)["tasks"]]


def _part(task: Task) -> str:
    module = _module(task)
    return str((task[PREFIX + module] or {}).get("component", module))


def _module(task: Task) -> str:
    return next((key.removeprefix(PREFIX) for key in task if key.startswith(PREFIX)), "")


def _possible(task: Task) -> bool:
    module = _module(task)
    assert module, f"what does this task do to the cluster? {task}"
    return module not in NEED_PODS


def _adapted(task: Task) -> Task:
    module = _module(task)
    arguments = dict(task[PREFIX + module] or {})
    if module == "manifests" and arguments.get("state") != "absent":
        arguments |= {"wait": False}
    wanted = f"parts is not defined or '{_part(task)}' in parts"
    return {**task, PREFIX + module: arguments, "when": [*_list(task.get("when")), wanted]}


def _list(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@contextlib.contextmanager
def classes(cluster: Cluster) -> t.Iterator[None]:
    """Have what preflight looks for while plays run."""
    for obj in CLASSES:
        cluster.create(obj)
    yield
    for obj in CLASSES:
        cluster.delete(cluster.kind_of(obj), obj["metadata"]["name"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plays:
    """Runs of ansible-playbook against one API server."""

    kubeconfig: str
    folder: pathlib.Path

    def command(
        self, hosts: t.Mapping[str, t.Mapping[str, t.Any]], *arguments: str, playbook: str = "site"
    ) -> list[str]:
        """The command line that runs ``playbook`` for ``hosts``, given with their variables."""
        shared = {"ansible_connection": "local", "airflow_kubeconfig": self.kubeconfig}
        inventory = {"all": {"hosts": dict(hosts), "vars": shared}}
        number = len(list(self.folder.iterdir()))
        files = {"play": [adapted(playbook)], "inventory": inventory}
        paths = {name: self.folder / f"{number}-{name}.yml" for name in files}
        for name, content in files.items():
            paths[name].write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        start = [sys.executable, "-m", "ansible", "playbook", "-i", str(paths["inventory"]), str(paths["play"])]
        return [*start, "--forks=4", *arguments]

    def environment(self, results: pathlib.Path) -> dict[str, str]:
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "RESULTS_FILE": str(results),
        }

    def run(
        self, hosts: t.Mapping[str, t.Mapping[str, t.Any]], *arguments: str, playbook: str = "site"
    ) -> dict[str, list[Result]]:
        """The results of each host, in the order of the tasks; each has the task's name as ``task``."""
        results: dict[str, list[Result]] = {host: [] for host in hosts}
        if not hosts:
            return results
        command = self.command(hosts, *arguments, playbook=playbook)
        file = self.folder / f"{len(list(self.folder.iterdir()))}-results.jsonl"
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(file),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        # Where a task fails, its host has the result of it.
        assert done.returncode in (0, 2), done.stdout[-5000:] + done.stderr[-5000:]
        for line in file.read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            results[kept["host"]].append(kept["result"])
        return results
