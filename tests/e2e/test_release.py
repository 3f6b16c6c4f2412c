"""A new image is rolled out while tasks run; one that would not work is not, or is taken back."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.modules import info
from tests.e2e import twenty
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, Site
from tests.e2e.support import Instance
from tests.e2e.twenty import DAG, FOLDER, VERSION

NAME = "released"
# Task pods of this image end at once, so its canary does not run green.
SILENT = """\
def pod_mutation_hook(pod):
    pod.spec.containers[0].args = ["python", "-c", "raise SystemExit('no voice')"]
"""
METADATA = f"/home/airflow/.local/lib/python3.11/site-packages/apache_airflow-{VERSION}.dist-info/METADATA"
IMAGES: dict[str, dict[str, t.Any]] = {
    "first": {},
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
    for name, changes in IMAGES.items():
        twenty.load(made.instance, folder, name, **changes)
    made.remove()
    made.converge(VARIABLES)
    yield made
    made.remove()


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
    twenty.start(site.instance, "released")
    released = site.run(VARIABLES, "release", "-e", f"airflow_image_tag={VERSION}-second")
    assert released.code == 0, released.output[-5000:]
    assert running(site) == f"{VERSION}-second"
    twenty.finish(site.instance, "released")
    # The inventory has to follow, or the next run goes back.
    image = {**VARIABLES["airflow_image"], "tag": f"{VERSION}-second"}
    assert site.converge({**VARIABLES, "airflow_image": image}).changed == 0
