"""What the end-to-end tests share: the instance, its modules, and DAGs that end badly."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import json
import pathlib
import string
import subprocess
import time
import types
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import AIRFLOW_COMPONENTS, newest_ready
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import Facts, facts
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import local_cluster_image

ROOT = pathlib.Path(__file__).parents[2]
CLUSTER = {"kubeconfig": "/var/lib/dagops-airflow/dagops/kubeconfig", "context": "dagops"}

FAILS = string.Template('''\
"""A task that fails, in a DAG that begins paused."""

import pendulum
$imports


@dag(dag_id="e2e_fails", schedule=None, start_date=pendulum.datetime(2024, 1, 1), is_paused_upon_creation=True)
def e2e_fails():
    @task
    def boom():
        print("before the end")
        raise ValueError("boom at last")

    boom()


e2e_fails()
''')
BROKEN = '''\
"""A file of airflow that cannot be imported, so its dag is never known."""

import a_module_that_nobody_has

dag_id = "e2e_broken"
'''
FILES = ("e2e_fails.py", "e2e_broken.py")


@dataclasses.dataclass(kw_only=True)
class Face:
    """A face that keeps what it is told."""

    params: dict[str, t.Any]
    check_mode: bool = False
    diff_mode: bool = True
    warnings: list[str] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def progress(self, message: str) -> None:
        self.lines.append(message)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Instance:
    """A running Airflow."""

    name: str
    values: dict[str, t.Any]
    cluster_options: dict[str, t.Any]
    told: list[str] = dataclasses.field(default_factory=list)
    """All that modules have told so far."""

    @property
    def facts(self) -> Facts:
        """What differs between the versions of Airflow."""
        return facts(int(self.values["airflow_version"][0]))

    @functools.cached_property
    def cluster(self) -> Cluster:
        return connect(self.cluster_options)

    def call(self, module: types.ModuleType, *, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
        """The result of a module for this instance."""
        given = {**self.cluster_options, "values": self.values, **params}
        given = {name: value for name, value in given.items() if value is not None}
        checked = ArgumentSpecValidator(module.argument_spec(), **getattr(module, "CONSTRAINTS", {})).validate(given)
        assert not checked.error_messages
        face = Face(params=checked.validated_parameters, check_mode=check)
        try:
            result: dict[str, t.Any] = module.run(face)
        except Exception as error:
            self.told.append(f"{error} {getattr(error, 'details', '')}")
            raise
        finally:
            self.told.extend([*face.lines, *face.warnings])
        self.told.append(json.dumps(result))
        return result

    def load(self, archive: pathlib.Path) -> None:
        """Have an image on the node."""
        cluster = self.cluster_options["context"]
        checked = ArgumentSpecValidator(local_cluster_image.argument_spec()).validate(
            {"name": cluster, "archives": [str(archive)]}
        )
        assert not checked.error_messages
        local_cluster_image.run(Face(params=checked.validated_parameters))

    def predicted(self, module: types.ModuleType, *parts: str, **params: t.Any) -> dict[str, t.Any]:
        """The result of a run, which must be what check mode said of ``parts``, and which a second run leaves alone."""
        expected = self.call(module, check=True, **params)
        result = self.call(module, **params)
        for part in ("changed", "diff", *parts):
            assert result[part] == expected[part]
        assert not self.call(module, **params)["changed"]
        return result

    def secret(self, name: str) -> dict[str, str]:
        live = self.cluster.get(kinds.named("Secret"), f"{self.name}-{name}", self.name)
        assert live
        return {key: base64.b64decode(value).decode() for key, value in live["data"].items()}

    def secret_values(self) -> list[str]:
        """Everything that must never be told."""
        names = ["admin", "fernet-key", "metadata", "postgresql", self.facts.session_key]
        names += ["jwt-secret"] if self.facts.major >= 3 else []
        return [value for name in names for key, value in self.secret(name).items() if key != "username"]

    def pods(self) -> list[Object]:
        return self.cluster.list(kinds.named("Pod"), self.name, f"release={self.name}")

    def task_pods(self) -> list[str]:
        """Pods of tasks, while there are any: an executor takes its own away."""
        return [pod["metadata"]["name"] for pod in self.pods() if "dag_id" in pod["metadata"]["labels"]]

    def run_in(self, component: str, *command: str, stdin: str | None = None) -> str:
        """What a command prints in a ready pod of a component."""
        pod = newest_ready(self.pods(), (component,))
        assert pod
        result = self.cluster.exec(
            self.name, pod["metadata"]["name"], component, list(command), stdin=stdin, timeout=300
        )
        assert result.rc == 0, result.stderr
        return result.stdout

    def run_now(self, cron_job: str) -> None:
        """Have a CronJob run once, to its good end."""
        found = self.cluster.get(kinds.named("CronJob"), f"{self.name}-{cron_job}", self.name)
        assert found
        job, name = kinds.named("Job"), f"{cron_job}-now"
        template = {"apiVersion": "batch/v1", "kind": "Job", **found["spec"]["jobTemplate"]}
        self.cluster.create({**template, "metadata": {"name": name, "namespace": self.name}})

        def ended() -> bool:
            made = self.cluster.get(job, name, self.name)
            assert made
            assert not made["status"].get("failed"), made["status"]
            return bool(made["status"].get("succeeded"))

        eventually(ended, 180, f"the Job of {cron_job} does not end")
        self.cluster.delete(job, name, self.name)

    def sql(self, statement: str) -> str:
        """What the embedded database says to a statement."""
        command = 'exec psql -qAt -U "$POSTGRES_USER" -d "$POSTGRES_DB"'
        return self.run_in("postgresql", "sh", "-c", command, stdin=statement).strip()

    def knows(self, dag_id: str, word: str = "") -> bool:
        """Whether Airflow has read a DAG (which has a word in it), which it then shows and runs."""
        found = f"dag_id = '{dag_id}' AND data::text LIKE '%{word}%'"
        return self.sql(f"SELECT count(*) FROM serialized_dag WHERE {found}") != "0"  # noqa: S608 - names of ours

    def revision(self) -> str:
        """Of Airflow's own schema."""
        return self.sql("SELECT version_num FROM alembic_version")

    @contextlib.contextmanager
    def at_revision(self, revision: str) -> t.Iterator[None]:
        """Let Airflow's schema look as if it were at another revision for a while."""
        head = self.revision()
        change = "UPDATE alembic_version SET version_num = '{}'"
        self.sql(change.format(revision))
        try:
            yield
        finally:
            self.sql(change.format(head))

    def running(self) -> dict[str, str]:
        """The pods of Airflow, by component, without those that are on their way out."""
        return {
            pod["metadata"]["labels"]["component"]: pod["metadata"]["uid"]
            for pod in self.pods()
            if pod["metadata"]["labels"]["component"] in AIRFLOW_COMPONENTS
            and not pod["metadata"].get("deletionTimestamp")
        }


def eventually(what: t.Callable[[], bool], seconds: float, words: str, *, pause: float = 0.5) -> None:
    """Wait until something is so; ``words`` say what is not when the time is over."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, words
        time.sleep(pause)


def namespace_and_dags(instance: Instance) -> None:
    """DAGs of the tests, which the pods mount."""
    meta = {"name": instance.name}
    instance.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    imports = "airflow.sdk" if instance.facts.major >= 3 else "airflow.decorators"
    texts = (FAILS.substitute(imports=f"from {imports} import dag, task"), BROKEN)
    meta = {"name": "e2e-dags", "namespace": instance.name}
    data = dict(zip(FILES, texts, strict=True))
    instance.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


def ansible(root: pathlib.Path, inventory: pathlib.Path, playbook: str, target: str, *variables: str) -> None:
    """Run a playbook of the collection."""
    command = ["ansible-playbook", str(root / "playbooks" / playbook), "-i", str(inventory)]
    for variable in (f"airflow_target={target}", *variables):
        command += ["-e", variable]
    # A standard input of its own: what other programs share may have been made non-blocking, which Ansible refuses.
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def load_images(*names: str) -> None:
    """Have images in the cluster that `make images` does not bring; those that are not in the cache are built."""
    wanted = json.dumps({"local_images_wanted": names})
    command = ["ansible-playbook", "playbooks/local_cluster.yml", "--tags", "images", "-e", wanted]
    command += ["-i", "inventories/local"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
