"""A new image is rolled out while tasks run; one that would not work is not, or is taken back."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.modules import dag_run, info
from tests.e2e import images
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, Site
from tests.e2e.support import Instance

NAME = "released"
VERSION = "3.3.2"
TASKS = 20
GO = "/opt/airflow/logs/go"
"""On the volume that all tasks share: none ends before this is there."""
DAG = f"""\
import os
import time

import pendulum
from airflow.sdk import dag, task


@dag(
    dag_id="twenty",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1),
    is_paused_upon_creation=False,
    max_active_tasks={TASKS},
    default_args={{"retries": 0}},
)
def twenty():
    @task
    def wait(number):
        while not os.path.exists("{GO}"):
            time.sleep(0.5)

    wait.expand(number=list(range({TASKS})))


twenty()
"""
FOLDER = "/opt/airflow/dags"
# Task pods of this image end at once, so its canary does not run green.
SILENT = """\
def pod_mutation_hook(pod):
    pod.spec.containers[0].args = ["python", "-c", "raise SystemExit('no voice')"]
"""
METADATA = f"/home/airflow/.local/lib/python3.11/site-packages/apache_airflow-{VERSION}.dist-info/METADATA"
IMAGES: dict[str, dict[str, t.Any]] = {
    "first": {"files": {f"{FOLDER}/twenty.py": DAG}},
    "second": {"files": {f"{FOLDER}/twenty.py": DAG, f"{FOLDER}/new.txt": "new\n"}},
    "broken": {"files": {f"{FOLDER}/twenty.py": "import a_module_that_nobody_has  # airflow dag\n"}},
    "nameless": {"removed": [METADATA]},
    "silent": {"files": {f"{FOLDER}/twenty.py": DAG, "/opt/airflow/config/airflow_local_settings.py": SILENT}},
}
VARIABLES = {**BASE, "airflow_image": {"repository": "localhost/airflow", "tag": f"{VERSION}-first"}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    folder = tmp_path_factory.mktemp("release")
    values = {**VARIABLES, "airflow_instance": NAME, "airflow_version": VERSION}
    made = Site(
        instance=Instance(name=NAME, values=values, cluster_options=CLUSTER), folder=tmp_path_factory.mktemp("runs")
    )
    load(made.instance, folder)
    made.remove()
    made.converge(VARIABLES)
    yield made
    made.remove()


def load(instance: Instance, folder: pathlib.Path) -> None:
    for name, content in IMAGES.items():
        archive = folder / f"{name}.tar"
        images.changed(images.built(VERSION), f"localhost/airflow:{VERSION}-{name}", archive, **content)
        instance.load(archive)
        archive.unlink()


def running(site: Site) -> str | None:
    """Tag of the image that the whole instance runs."""
    image = site.instance.call(info, wait=True)["image"]
    return image and image["tag"]


def rolled_out(site: Site) -> dict[str, str]:
    """Revision of each Deployment: it grows with every rollout."""
    revision = "deployment.kubernetes.io/revision"
    return {
        item["metadata"]["name"]: item["metadata"]["annotations"][revision]
        for item in site.instance.cluster.list(kinds.named("Deployment"), site.instance.name)
    }


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("broken", "twenty.py of the bundle dags-folder cannot be imported: ModuleNotFoundError"),
        ("nameless", "airflow_version is 3.3.2, but the image"),
    ],
)
def test_an_image_that_would_not_work_is_refused(site: Site, image: str, words: str) -> None:
    before = rolled_out(site)
    refused = site.run(VARIABLES, "release", "-e", f"airflow_image_tag={VERSION}-{image}")
    assert refused.code == 2
    assert words in " ".join(refused.output.split())
    assert "nothing was changed" in " ".join(refused.output.split())
    assert (rolled_out(site), running(site)) == (before, f"{VERSION}-first")


def test_an_image_whose_canary_does_not_sing_is_taken_back(site: Site) -> None:
    refused = site.run(VARIABLES, "release", "-e", f"airflow_image_tag={VERSION}-silent")
    assert refused.code == 2
    assert "was not released to released, which is back at" in " ".join(refused.output.split())
    assert running(site) == f"{VERSION}-first"
    assert site.converge(VARIABLES).changed == 0


def test_no_task_is_lost_and_none_runs_twice(site: Site) -> None:
    instance = site.instance
    instance.call(dag_run, dag_id="twenty", run_id="released", wait=False)
    count = "SELECT count(*) FROM task_instance WHERE dag_id = 'twenty' AND state = 'running'"
    deadline = time.monotonic() + 300
    while int(instance.sql(count)) < TASKS:
        assert time.monotonic() < deadline, "the tasks do not start"
        time.sleep(0.5)
    released = site.run(VARIABLES, "release", "-e", f"airflow_image_tag={VERSION}-second")
    assert released.code == 0, released.output[-5000:]
    assert running(site) == f"{VERSION}-second"
    assert int(instance.sql(count)) == TASKS
    instance.run_in("scheduler", "touch", GO)
    ended = instance.call(dag_run, dag_id="twenty", run_id="released", wait=True, wait_timeout=300)
    assert ended["run"]["state"] == "success"
    assert len(ended["task_instances"]) == TASKS
    assert {(one["state"], one["try_number"]) for one in ended["task_instances"]} == {("success", 1)}
    # The inventory has to follow, or the next run goes back.
    image = {**VARIABLES["airflow_image"], "tag": f"{VERSION}-second"}
    assert site.converge({**VARIABLES, "airflow_image": image}).changed == 0
