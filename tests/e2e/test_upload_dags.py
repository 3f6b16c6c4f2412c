"""A folder of DAGs comes onto the shared volume of an instance: foreseen, seen by Airflow, repeated, and taken away."""

from __future__ import annotations

import os
import pathlib
import signal
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_folder
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import dag_files
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import component_of, newest_ready
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.dags_upload import COMPONENT, upload_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import canary
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.modules import dag_run, dags_upload, info
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, Point, Site
from tests.e2e.support import Instance, eventually
from tests.recap import Recap

NAME = "upload"
VOLUME = "/opt/airflow/dags"
VARIABLES: dict[str, t.Any] = {
    **BASE,
    "airflow_core_executor": "LocalExecutor",
    "airflow_core_dags_volume": {
        "enabled": True,
        "size": "1Gi",
        "storageClassName": "local-path-shared",
        "subPath": "live",
        "refreshInterval": 5,
    },
}
DAG = '''\
"""A DAG that imports a module of its folder."""

import datetime

from airflow.sdk import dag, task

from lib.words import WORDS


@dag(dag_id="uploaded", schedule=None, start_date=datetime.datetime(2024, 1, 1), is_paused_upon_creation=False)
def uploaded():
    @task
    def speak():
        print(WORDS)

    speak()


uploaded()
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    values = {**VARIABLES, "airflow_instance": NAME}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    made.remove()
    made.converge(VARIABLES)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    made = tmp_path_factory.mktemp("dags")
    (made / "lib").mkdir()
    (made / "uploaded.py").write_text(DAG)
    (made / "lib/words.py").write_text('WORDS = "the first words"\n')
    (made / "lib/__pycache__").mkdir()
    (made / "lib/__pycache__/words.pyc").write_bytes(b"\0")
    return made


def upload(site: Site, folder: pathlib.Path, *arguments: str) -> Recap:
    return site.run(VARIABLES, "upload_dags", "-e", f"airflow_dags_source={folder}", *arguments)


def on_volume(site: Site) -> dict[str, str]:
    """Files as the DAG processor has them, with their checksums."""
    told = site.instance.run_in("dag-processor", "sh", "-c", f"cd {VOLUME} && find . -type f | xargs -r sha256sum")
    return {name.removeprefix("./"): digest for digest, name in map(str.split, told.splitlines())}


def in_folder(folder: pathlib.Path) -> dict[str, str]:
    tree = dag_folder.read(str(folder), dag_folder.EXCLUDED)
    return {name: dag_folder.digest_of(content) for name, content in tree.items()}


def await_no_pods(site: Site) -> None:
    """Nothing of an upload stays: its pod goes, and then, as the garbage collector comes by, its Job."""

    def gone() -> bool:
        job = site.instance.cluster.get(kinds.named("Job"), f"{NAME}-{COMPONENT}", NAME)
        return job is None and all(component_of(pod) != COMPONENT for pod in site.instance.pods())

    eventually(gone, 30, "the Job of the upload or its pod does not go")


def test_an_upload_is_foreseen_and_its_dag_runs_green(site: Site, folder: pathlib.Path) -> None:
    before = on_volume(site)
    foreseen = upload(site, folder, "--check", "--diff")
    assert (foreseen.code, foreseen.changed) == (0, 1), foreseen.output
    assert "+uploaded.py" in foreseen.output
    assert "+lib/words.py" in foreseen.output
    assert on_volume(site) == before
    done = upload(site, folder)
    assert (done.code, done.changed) == (0, 1), done.output
    assert "2 added, 0 updated, 0 removed" in " ".join(done.output.split())
    assert on_volume(site) == in_folder(folder)
    await_no_pods(site)
    run = site.instance.call(dag_run, dag_id="uploaded", logs=True, wait_timeout=300)
    assert run["run"]["state"] == "success"
    assert any("the first words" in task["log"] for task in run["task_instances"])


def test_a_second_upload_changes_nothing_and_makes_no_pod(site: Site, folder: pathlib.Path) -> None:
    again = upload(site, folder)
    assert (again.code, again.changed) == (0, 0), again.output
    # A claim, the pods, and a command in one of them.
    assert site.instance.call(dags_upload, src=str(folder))["api_requests"] <= 3


def test_an_id_that_another_bundle_has_is_told(site: Site, folder: pathlib.Path) -> None:
    """Airflow does not refuse it: the file that was read last has the DAG."""
    assert site.instance.call(info)["duplicates"] == {}
    twin = folder / "twin.py"
    twin.write_text(DAG.replace('"uploaded"', f'"{canary.DAG_ID}"'))
    try:
        assert upload(site, folder).code == 0
        status = site.run(VARIABLES, "status")
        places = f"dagops-canary: {names.CANARY_FILE}, dags-folder: twin.py"
        assert status.code == 0, status.output
        assert f"the DAG {canary.DAG_ID} is there several times ({places})" in " ".join(status.output.split())
    finally:
        twin.unlink()
        upload(site, folder)


def test_python_that_does_not_compile_is_refused(site: Site, folder: pathlib.Path) -> None:
    before = on_volume(site)
    wrong = folder / "wrong.py"
    wrong.write_text("x = 1\ndef f(:\n    pass\n")
    try:
        for arguments in ((), ("--check",)):
            refused = upload(site, folder, *arguments)
            assert refused.code == 2
            assert "wrong.py, line 2: invalid syntax. Nothing was changed." in " ".join(refused.output.split())
    finally:
        wrong.unlink()
    assert on_volume(site) == before


def test_an_update_and_a_removal_are_foreseen(site: Site, folder: pathlib.Path) -> None:
    (folder / "lib/words.py").write_text('WORDS = "the second words"\n')
    (folder / "uploaded.py").rename(folder / "renamed.py")
    done = site.instance.predicted(dags_upload, "added", "updated", "removed", src=str(folder))
    assert (done["added"], done["updated"], done["removed"]) == (["renamed.py"], ["lib/words.py"], ["uploaded.py"])
    assert on_volume(site) == in_folder(folder)
    await_no_pods(site)


def test_what_a_killed_run_left_is_made_good(site: Site, folder: pathlib.Path) -> None:
    instance = site.instance
    job = instance.cluster.create(upload_job(load(instance.values), 300))
    deadline = time.monotonic() + 60
    while not (pod := newest_ready(instance.pods(), (COMPONENT,))):
        assert time.monotonic() < deadline, "the pod does not start"
        time.sleep(0.5)
    instance.run_in(COMPONENT, "sh", "-c", f"cd {VOLUME} && mkdir {dag_files.WORK} && echo half >{dag_files.WORK}/.0")
    instance.run_in(COMPONENT, "sh", "-c", f"cd {VOLUME} && rm renamed.py && echo old >uploaded.py")
    done = instance.predicted(dags_upload, "added", "removed", src=str(folder))
    assert (done["added"], done["removed"]) == (["renamed.py"], ["uploaded.py"])
    assert on_volume(site) == in_folder(folder)
    await_no_pods(site)
    left = instance.cluster.list(
        kinds.named("Pod"), NAME, f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
    )
    assert pod["metadata"]["name"] not in [one["metadata"]["name"] for one in left]


@pytest.fixture
def large(folder: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """A file that makes the folder nearly as large as can be uploaded, which takes seconds."""
    file = folder / "large.bin"
    file.write_bytes(os.urandom(dag_folder.MOST_BYTES - 1024**2))
    yield file
    file.unlink()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("delay", [0.3, 1.0, 2.0])
def test_a_run_that_is_killed_is_made_good(site: Site, folder: pathlib.Path, delay: float) -> None:
    point = Point("Upload what differs", delay)
    killed = site.run(VARIABLES, "upload_dags", "-e", f"airflow_dags_source={folder}", kill=point)
    assert killed.code == -signal.SIGKILL, killed.output
    good = upload(site, folder)
    assert good.code == 0, good.output
    assert on_volume(site) == in_folder(folder)
    assert upload(site, folder).changed == 0
    await_no_pods(site)


def test_what_is_large_goes_again(site: Site, folder: pathlib.Path) -> None:
    done = site.instance.predicted(dags_upload, "removed", src=str(folder))
    assert done["removed"] == ["large.bin"]
    await_no_pods(site)


def test_a_claim_that_is_not_there_is_named(site: Site, folder: pathlib.Path) -> None:
    volume = {**VARIABLES["airflow_core_dags_volume"], "existingClaim": "nowhere"}
    values = {**site.instance.values, "airflow_core_dags_volume": volume}
    other = Instance(name=NAME, values=values, cluster_options=CLUSTER)
    with pytest.raises(Failure, match=r"PersistentVolumeClaim/upload/nowhere.*existingClaim"):
        other.call(dags_upload, src=str(folder))
