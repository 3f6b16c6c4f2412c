"""Runs of the collection's playbooks for an instance of their own, which may be killed anywhere."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import time
import typing as t

import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from tests.e2e.conftest import CLUSTER, ROOT, VARIABLES
from tests.e2e.support import Instance
from tests.recap import Recap

SMALL = {"requests": {"cpu": "50m", "memory": "256Mi"}}

Variables = dict[str, t.Any]

DECLARED = ("Deployment", "StatefulSet", "ConfigMap", "Secret")
"""Kinds of objects of which none may change where a run is refused."""

# Two cores are shared with whatever else runs.
BASE: Variables = {
    **{name: VARIABLES[name] for name in ("airflow_image", "airflow_logging_store", "airflow_logging_volume")},
    "airflow_database_postgres": {**VARIABLES["airflow_database_postgres"], "resources": SMALL},
    **{
        f"airflow_core_{component}": {"resources": SMALL}
        for component in ("api_server", "dag_processor", "scheduler", "workers")
    },
    "airflow_core_triggerer": {"enabled": False},
    "airflow_overrides": {
        "Job/*-migrate": {"spec": {"template": {"spec": {"containers": [{"name": "migrate", "resources": SMALL}]}}}}
    },
}
ROWS = (
    "SELECT conn_id, host, login, password FROM connection",
    "SELECT key, val FROM variable",
    "SELECT dag_id, run_id, state FROM dag_run",
    "SELECT username, email, password FROM ab_user",
)


class Point(t.NamedTuple):
    """Where a run is killed: so many seconds after a task has begun, by the end of its name."""

    task: str
    delay: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """An instance that runs of ansible-playbook bring somewhere, or are kept from it."""

    instance: Instance
    folder: pathlib.Path

    def run(self, variables: Variables, playbook: str = "site", *arguments: str, kill: Point | None = None) -> Recap:
        """Run a playbook; at the point of ``kill`` its whole process group is killed."""
        shared = {
            "ansible_connection": "local",
            "airflow_kubeconfig": CLUSTER["kubeconfig"],
            "airflow_context": CLUSTER["context"],
        }
        number = len(list(self.folder.iterdir()))
        inventory, log = (self.folder / f"{number}-{name}" for name in ("hosts.yml", "log"))
        hosts = {self.instance.name: {**shared, **variables}}
        inventory.write_text(yaml.safe_dump({"airflow": {"hosts": hosts}}), encoding="utf-8")
        command = ["ansible-playbook", str(ROOT / "playbooks" / f"{playbook}.yml"), "-i", str(inventory)]
        command += arguments
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                # Otherwise Ansible names a task when it ends, since it may have been skipped.
                env={**os.environ, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                if kill:
                    await_point(process, log, kill)
                else:
                    process.wait()
            finally:
                # Also where the tests themselves are stopped: nothing goes on behind them.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        return Recap(code=code, output=log.read_text(encoding="utf-8"))

    def killed(self, variables: Variables, point: Point) -> str:
        """Run the playbook up to a point; where that was, in words."""
        recap = self.run(variables, kill=point)
        where = f"killed {point.delay} s after the start of {point.task}"
        assert recap.code == -signal.SIGKILL, f"{where}: it had ended. {recap.output[-3000:]}"
        return where

    def converge(self, variables: Variables) -> Recap:
        """A run that must succeed."""
        recap = self.run(variables)
        assert recap.code == 0, recap.output[-5000:]
        return recap

    def remove(self, variables: Variables = BASE) -> None:
        """Have nothing left, of an earlier run of the tests neither."""
        if not self.instance.cluster.get(kinds.named("Namespace"), self.instance.name):
            return
        recap = self.run({**variables, "airflow_delete_data": True}, "uninstall")
        assert recap.code == 0, recap.output[-5000:]

    def seen(self) -> dict[str, str]:
        """All objects of the instance that a run could change, and its pods, with their versions."""
        found = {}
        for kind in DECLARED:
            for item in self.instance.cluster.list(kinds.named(kind), self.instance.name):
                meta = item["metadata"]
                # A Secret that a Job had for itself goes a moment after it.
                if not meta.get("ownerReferences"):
                    # A status changes by itself; what is declared counts.
                    found[f"{kind}/{meta['name']}"] = str(meta.get("generation") or meta["resourceVersion"])
        return {**found, **{f"Pod/{name}": uid for name, uid in self.instance.running().items()}}

    def probes(self) -> list[str]:
        """Jobs that try something."""
        jobs = self.instance.cluster.list(kinds.named("Job"), self.instance.name)
        return [name for job in jobs if "-probe-" in (name := job["metadata"]["name"])]

    def refuses(self, variables: Variables) -> str:
        """What a run says that must end with an error, and must leave the instance as it is."""
        before = self.seen()
        done = self.run(variables)
        assert done.code == 2, done.output[-5000:]
        assert "Traceback" not in done.output
        assert self.seen() == before
        assert self.probes() == []
        return done.output

    def secrets(self) -> dict[str, str]:
        """Every value of every Secret that keeps something; addresses are derived, and follow the description."""
        kept = {
            item["metadata"]["name"]: item.get("data") or {}
            for item in self.instance.cluster.list(kinds.named("Secret"), self.instance.name)
            if not item["metadata"]["name"].endswith("-metadata")
        }
        return {f"{name}/{key}": value for name, data in kept.items() for key, value in data.items()}

    def rows(self) -> set[str]:
        return {row for statement in ROWS for row in self.instance.sql(statement).splitlines()}

    def makes_good(self, variables: Variables, where: str, rows: t.Collection[str] = ()) -> None:
        """The next run converges without making anything twice, and the one after that changes nothing."""
        made = self.secrets()
        good = self.run(variables)
        assert good.code == 0, f"{where}: {good.output[-5000:]}"
        # Who held the lock is gone, and this is known at once on the same machine.
        assert "waiting for another run" not in good.output, where
        kept = self.secrets()
        assert [name for name, value in made.items() if kept.get(name) != value] == [], where
        assert set(rows) <= self.rows(), where
        again = self.run(variables)
        assert (again.code, again.changed) == (0, 0), f"{where}: {again.output[-5000:]}"


def await_point(process: subprocess.Popen[bytes], log: pathlib.Path, point: Point) -> None:
    begun = re.compile(rf"^TASK \[(.* : )?{re.escape(point.task)}\]", re.MULTILINE)
    while process.poll() is None and not begun.search(log.read_text(encoding="utf-8")):
        time.sleep(0.05)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(point.delay)
