"""Executors, ways of DAGs and places for logs together: in each cell a DAG runs green, and its log outlives its pod.

Every pair of an executor and a way, of an executor and a place, and of a way and a place is in some cell.
"""

from __future__ import annotations

import itertools
import pathlib
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import newest_ready
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.modules import dag_run, dags_refresh, dags_upload
from tests.e2e import images, parts
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import CLUSTER, Instance

NAME = "matrix"
REPOSITORY = "matrix"
MOST_REQUESTS = 30
LONGEST = 300
"""Seconds that a run of the DAG may take."""

EXECUTORS = {
    "local": "LocalExecutor",
    "celery": "CeleryExecutor",
    "kubernetes": "KubernetesExecutor",
    "both": "CeleryExecutor,KubernetesExecutor",
}
WAYS = ("image", "git-ssh", "git-https", "git-bundle", "volume")
PLACES = ("volume", "s3", "opensearch")


class Cell(t.NamedTuple):
    """One combination."""

    executor: str
    way: str
    place: str
    version: str = "3.3.2"

    @property
    def label(self) -> str:
        return "-".join(self)


CELLS = [
    Cell(executor, way, PLACES[(row + column) % len(PLACES)])
    for (row, executor), (column, way) in itertools.product(enumerate(EXECUTORS), enumerate(WAYS))
]
OLDER = [Cell(executor, "git-https", "s3", "2.11.2") for executor in ("local", "celery", "kubernetes")]
FEW = [cell for cell in CELLS if cell[:2] in (("celery", "git-ssh"), ("both", "git-bundle"))]

DAG = """\
import datetime

{imports}


@dag(dag_id="matrix", schedule=None, start_date=datetime.datetime(2024, 1, 1), is_paused_upon_creation=False)
def matrix():
{tasks}


matrix()
"""
TASK = """\
    @task{arguments}
    def {name}():
        print("{name} of {label} was here")

    {name}()
"""


def dag_of(cell: Cell) -> str:
    """A DAG with a task for each executor that a task can choose."""
    several = EXECUTORS[cell.executor].split(",")
    chosen = {one.lower(): f'(executor="{one}")' for one in several} if len(several) > 1 else {"only": ""}
    tasks = [TASK.format(name=name, arguments=arguments, label=cell.label) for name, arguments in chosen.items()]
    imports = f"from airflow.{'sdk' if cell.version[0] == '3' else 'decorators'} import dag, task"
    return DAG.format(imports=imports, tasks="\n".join(tasks))


@pytest.fixture(scope="module")
def brought(request: pytest.FixtureRequest) -> t.Iterator[dict[str, parts.Part]]:
    wanted = {f"localhost/airflow:{cell.version}" for cell in OLDER}
    older = [image for image in wanted if any(image.partition(":")[2] in item.name for item in request.session.items)]
    more = [parts.GIT_SYNC, *parts.Redis.images, *older]
    with parts.brought(parts.GitServer, parts.S3, parts.OpenSearch, more=more) as made:
        yield made


class Matrix:
    """Instances one after the other, each of another combination."""

    def __init__(self, brought: dict[str, parts.Part], folder: pathlib.Path, logs: pathlib.Path) -> None:
        self._git = t.cast("parts.GitServer", brought["git-server"])
        # Those that write no logs there bring none of these.
        self._s3 = t.cast("parts.S3 | None", brought.get("s3"))
        self._search = t.cast("parts.OpenSearch | None", brought.get("opensearch"))
        self._folder = folder
        self._logs = logs
        self._cluster = connect(CLUSTER)

    def site(self, cell: Cell) -> Site:
        values = {"airflow_instance": NAME, "airflow_version": cell.version, **self.variables(cell)}
        return Site(instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=self._logs)

    def variables(self, cell: Cell) -> Variables:
        """What a person writes for a combination: one variable for each choice, and what these need."""
        return {
            **BASE,
            # A DAG of the cell's own runs instead.
            "airflow_verify_canary": False,
            "airflow_version": cell.version,
            "airflow_core_executor": EXECUTORS[cell.executor],
            "airflow_celery_redis": {"image": {"repository": "localhost/redis", "tag": "7.0"}, "resources": SMALL}
            if "celery" in EXECUTORS[cell.executor].lower()
            else {},
            "airflow_celery_workers": {
                "default": {"concurrency": 2, "resources": SMALL, "terminationGracePeriodSeconds": 10}
            }
            if "celery" in EXECUTORS[cell.executor].lower()
            else {},
            **self._way(cell),
            **self._place(cell),
        }

    def _way(self, cell: Cell) -> Variables:
        https = {
            "url": self._git.https_url(REPOSITORY),
            "ref": "main",
            "credentials": {"name": "git-token"},
            "ca": {"secret": "git-ca", "key": "ca.crt"},
        }
        ssh = {
            "url": self._git.ssh_url(REPOSITORY),
            "ref": "main",
            "sshKey": {"name": "git-key"},
            "knownHosts": self._git.secret["known_hosts"],
        }
        repository, _colon, tag = parts.GIT_SYNC.rpartition(":")
        synced = {"airflow_git_sync_image": {"repository": repository, "tag": tag}, "airflow_git_sync_period": "1h"}
        ways: dict[str, Variables] = {
            "image": {"airflow_image": {**BASE["airflow_image"], "tag": f"{cell.version}-matrix-{cell.executor}"}},
            "git-ssh": {**synced, "airflow_git_sync_repositories": {"matrix": ssh}},
            "git-https": {**synced, "airflow_git_sync_repositories": {"matrix": https}},
            "git-bundle": {"airflow_core_dag_bundles": {"matrix": {**https, "refreshInterval": 3600}}},
            "volume": {
                "airflow_core_dags_volume": {
                    "enabled": True,
                    "size": "1Gi",
                    "storageClassName": "local-path-shared",
                    "refreshInterval": 5,
                }
            },
        }
        return ways[cell.way]

    def _place(self, cell: Cell) -> Variables:
        # The block of a store that is not chosen is refused.
        if cell.place == "s3" and self._s3:
            s3 = {
                "bucket": self._s3.buckets[0],
                "prefix": cell.label,
                "endpointUrl": self._s3.endpoint(),
                "region": self._s3.region,
                "credentials": {"name": "s3-key"},
            }
            return {"airflow_logging_store": "s3", "airflow_logging_volume": {}, "airflow_logging_s3": s3}
        if cell.place == "opensearch" and self._search:
            search = {
                "url": self._search.https_url(),
                "index": cell.label,
                "ca": {"name": "search-ca"},
                "credentials": {"name": "search-user"},
            }
            return {
                "airflow_logging_store": "opensearch",
                "airflow_logging_volume": {},
                "airflow_logging_opensearch": search,
            }
        return {}

    def prepare(self, cell: Cell, site: Site) -> None:
        """What a person brings: the namespace with Secrets of their own, the image, the repository."""
        site.remove()
        self._cluster.apply(parts.namespace(NAME), force=True)
        git = self._git.facts()
        self._secret("git-token", username=git["username"], password=git["password"])
        self._secret("git-ca", **{"ca.crt": git["ca_certificate"]})
        self._secret("git-key", **{"ssh-privatekey": git["ssh_key"]})
        if self._s3:
            s3 = self._s3.facts()
            self._secret("s3-key", **{"access-key-id": s3["access_key"], "secret-access-key": s3["secret_key"]})
        if self._search:
            search = self._search.facts()
            self._secret("search-user", username=search["username"], password=search["password"])
            self._secret("search-ca", **{"ca.crt": search["ca_certificate"]})
        if cell.way == "image":
            archive = self._folder / "matrix.tar"
            tag = site.instance.values["airflow_image"]["tag"]
            files = {"/opt/airflow/dags/matrix.py": dag_of(cell)}
            images.changed(images.built(cell.version), f"localhost/airflow:{tag}", archive, files=files)
            site.instance.load(archive)
            archive.unlink()
        self._git.commit(REPOSITORY, {"matrix.py": dag_of(cell)})

    def _secret(self, name: str, **data: str) -> None:
        meta = {"name": name, "namespace": NAME}
        self._cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}, force=True)

    def push(self, cell: Cell, site: Site, name: str, task: str = "only") -> str | None:
        """Bring a further DAG the cell's way, without a refresh: of git, its commit."""
        text = dag_of(cell).replace('"matrix"', f'"{name}"').replace("only", task)
        if cell.way != "volume":
            return self._git.commit(REPOSITORY, {f"{name}.py": text})
        folder = self._folder / "dags"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        site.instance.call(dags_upload, src=str(folder), delete=False)
        return None


@pytest.fixture(scope="module")
def matrix(brought: dict[str, parts.Part], tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return Matrix(brought, tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("runs"))


def without_its_pods(site: Site, cell: Cell) -> None:
    """Have no pod any more that ran a task: an executor takes its own away, the others are deleted."""
    instance = site.instance
    for component in {"local": ["scheduler"], "celery": ["worker"], "both": ["worker"]}.get(cell.executor, []):
        pod = newest_ready(instance.pods(), (component,))
        assert pod
        path = kinds.named("Pod").path(NAME, pod["metadata"]["name"])
        instance.cluster.request("DELETE", path, body={"gracePeriodSeconds": 0})
    deadline = time.monotonic() + 60
    while left := instance.task_pods():
        assert time.monotonic() < deadline, f"{left} do not go"
        time.sleep(0.5)


def refresh(matrix: Matrix, cell: Cell, site: Site) -> None:
    """What was pushed comes when it is asked for; by itself it would in an hour."""
    commit = matrix.push(cell, site, "pushed")
    done = site.instance.predicted(dags_refresh, "sources")
    (source,) = done["sources"].values()
    assert (done["changed"], source["commit"]) == (True, commit)
    deadline = time.monotonic() + 60
    while not site.instance.knows("pushed"):
        assert time.monotonic() < deadline, "the DAG does not come"
        time.sleep(0.5)


def check(matrix: Matrix, cell: Cell) -> None:
    site = matrix.site(cell)
    variables = matrix.variables(cell)
    matrix.prepare(cell, site)
    try:
        site.converge(variables)
        if cell.way == "volume":
            matrix.push(cell, site, "matrix")
        ran = site.instance.call(dag_run, dag_id="matrix", run_id="first", wait=True, wait_timeout=LONGEST)
        assert ran["run"]["state"] == "success"
        again = site.run(variables, "site", "-vvv")
        assert (again.code, again.changed) == (0, 0), again.output[-5000:]
        assert again.api_requests <= MOST_REQUESTS, again.output[-5000:]
        checked = site.run(variables, "site", "--check")
        assert (checked.code, checked.changed) == (0, 0), checked.output[-5000:]
        if cell.way.startswith("git"):
            refresh(matrix, cell, site)
        without_its_pods(site, cell)
        read = site.instance.call(dag_run, dag_id="matrix", run_id="first", wait=True, logs=True)
        for one in read["task_instances"]:
            assert (one["state"], one["try_number"]) == ("success", 1)
            assert f"{one['task_id']} of {cell.label} was here" in one["log"]
    finally:
        site.remove()


@pytest.mark.parametrize("cell", FEW, ids=lambda cell: cell.label)
def test_a_few_combinations(cell: Cell, matrix: Matrix) -> None:
    check(matrix, cell)


@pytest.mark.full
@pytest.mark.parametrize("cell", [*CELLS, *OLDER], ids=lambda cell: cell.label)
def test_every_combination(cell: Cell, matrix: Matrix) -> None:
    check(matrix, cell)


def test_every_pair_is_in_some_cell() -> None:
    for one, other in itertools.combinations(range(3), 2):
        choices = (tuple(EXECUTORS), WAYS, PLACES)
        pairs = {(cell[one], cell[other]) for cell in CELLS}
        assert pairs == set(itertools.product(choices[one], choices[other]))
