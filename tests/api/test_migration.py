"""The Jobs of ``db_migration`` against a real API server, where a thread writes what a node would."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import inside
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.modules import db_migration
from tests.api.support import INSTANCE, Face, Site, validated
from tests.unit.cases import MULTI_TEAM

JOB, POD = kinds.named("Job"), kinds.named("Pod")
WANTED, NEWER = "docker.io/apache/airflow:3.2.2", "docker.io/apache/airflow:3.3.2"
OLD: inside.Report = {"airflow": {"database": "a1", "image": "b2", "known": True}}
DONE: inside.Report = {"airflow": {"database": "b2", "image": "b2", "known": True}}
STRANGE: inside.Report = {"airflow": {"database": "z9", "image": "b2", "known": False}}


def told(before: inside.Report, after: inside.Report, refused: str | None = None) -> dict[str, t.Any]:
    return {"before": before, "after": after, "administrator": False, "lost": [], "refused": refused, "teams": []}


class Node:
    """Ends Jobs, in the order of their making, with what their containers tell; not before somebody ``waits``."""

    def __init__(
        self,
        site: Site,
        *answers: dict[str, t.Any],
        waits: threading.Event | None = None,
        before: dict[str, str] | None = None,
    ) -> None:
        self._before = before or {}
        self._site = site
        self._waits = waits
        self._answers = list(answers)
        self._over = threading.Event()
        self.jobs: list[Object] = []

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Node]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        seen: set[str] = set()
        if self._waits:
            self._waits.wait(20)
        while not self._over.wait(0.05):
            for job in self._site.cluster.list(JOB, self._site.namespace):
                if job["metadata"]["uid"] not in seen and self._answers:
                    seen.add(job["metadata"]["uid"])
                    self.jobs.append(job)
                    end(self._site, job, self._answers.pop(0), self._before)

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The image and the command of each Job."""
        boxes = [job["spec"]["template"]["spec"]["containers"][0] for job in self.jobs]
        return [(box["image"], box["args"][3]) for box in boxes]


def end(site: Site, job: Object, words: dict[str, t.Any], before: t.Mapping[str, str]) -> None:
    """What the Job's controller and a node write when its container ends, or the first of those ``before`` it fails."""
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    labels = {"batch.kubernetes.io/job-name": name, "batch.kubernetes.io/controller-uid": uid}
    box = {"name": "migrate", "image": "x"}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": f"{name}-", "name": f"{name}-{uid[:5]}", "labels": labels},
        "spec": {"containers": [{**box, "securityContext": {"allowPrivilegeEscalation": False}}]},
    }
    pod["metadata"]["namespace"] = site.namespace
    made = site.cluster.create(pod)
    ended = {"exitCode": 3 if words.get("refused") else 0, "message": json.dumps(words)}
    status: Object = {"containerStatuses": [_ended("migrate", ended)]}
    first = [one["name"] for one in job["spec"]["template"]["spec"].get("initContainers", []) if one["name"] in before]
    if first:
        status = {"initContainerStatuses": [_ended(first[0], {"exitCode": 1, "message": before[first[0]]})]}
    site.cluster.patch(POD, made["metadata"]["name"], site.namespace, {"status": status}, subresource="status")


def _ended(name: str, how: Object) -> Object:
    status = {"name": name, "image": "x", "imageID": "x", "ready": False, "restartCount": 0}
    return {**status, "state": {"terminated": how}}


@dataclasses.dataclass(kw_only=True)
class Waiting(Face):
    """A face that says when a Job is waited for."""

    waits: threading.Event

    def progress(self, message: str) -> None:
        super().progress(message)
        if message.endswith("waiting for its end"):
            self.waits.set()


def migrate(
    site: Site,
    *,
    version: str = "3.2.2",
    waits: threading.Event | None = None,
    more: dict[str, t.Any] | None = None,
    **params: t.Any,
) -> tuple[dict[str, t.Any], Face]:
    values = {
        "airflow_instance": INSTANCE,
        "airflow_namespace": site.namespace,
        "airflow_version": version,
        "airflow_logging_loss_accepted": True,
        **(more or {}),
    }
    given = {"kubeconfig": site.kubeconfig, "values": values, "wait_timeout": 30, **params}
    face = Waiting(params=validated(db_migration, given), waits=waits or threading.Event())
    result: dict[str, t.Any] = db_migration.run(face)
    return result, face


def go_on(site: Site) -> None:
    """Let Jobs look as if they were under way: nobody has told their ends."""
    for pod in site.cluster.list(POD, site.namespace):
        site.cluster.delete(POD, pod["metadata"]["name"], site.namespace)


def test_a_job_migrates(site: Site) -> None:
    with Node(site, told(OLD, DONE)).running() as node:
        result, _face = migrate(site)
    assert node.commands == [(WANTED, "migrate")]
    assert (result["changed"], result["before"], result["after"]) == (True, {"airflow": "a1"}, {"airflow": "b2"})
    assert [(entry["before"], entry["after"]) for entry in result["diff"]] == [("airflow: a1\n", "airflow: b2\n")]


def test_a_job_makes_teams(site: Site) -> None:
    bundle = {"url": "https://git.example.com/dags.git", "ref": "main", "team": "data"}
    more = {**MULTI_TEAM, "airflow_core_dag_bundles": {"ours": bundle}}
    with Node(site, {**told(DONE, DONE), "teams": ["data"]}).running() as node:
        result, _face = migrate(site, more=more)
    (job,) = node.jobs
    assert json.loads(job["spec"]["template"]["spec"]["containers"][0]["args"][4])["teams"] == ["data"]
    assert (result["changed"], result["teams_created"]) == (True, ["data"])
    assert [(entry["before"], entry["after"]) for entry in result["diff"]] == [("", "data\n")]


def test_the_words_of_an_earlier_job_are_not_taken_for_those_of_this_one(site: Site) -> None:
    """Both have one name, and the pod of the first is still there when the second begins."""
    with Node(site, told(OLD, DONE), told(DONE, DONE)).running() as node:
        assert migrate(site)[0]["changed"]
        result, _face = migrate(site)
    assert len({job["metadata"]["uid"] for job in node.jobs}) == 2
    assert (result["changed"], result["before"]) == (False, {"airflow": "b2"})


def test_a_job_of_an_interrupted_run_is_taken_over(site: Site) -> None:
    with Node(site, told(OLD, DONE)).running() as node:
        migrate(site)
    (left,) = node.jobs
    go_on(site)
    waits = threading.Event()
    with Node(site, told(DONE, DONE), waits=waits).running() as node:
        result, face = migrate(site, waits=waits)
    assert [one["metadata"]["uid"] for one in node.jobs] == [left["metadata"]["uid"]]
    assert (result["changed"], any("is running already" in line for line in face.lines)) == (False, True)


def test_the_job_of_another_image_is_waited_for(site: Site) -> None:
    with Node(site, told(OLD, DONE)).running():
        migrate(site, version="3.3.2")
    (other,) = site.cluster.list(JOB, site.namespace)
    go_on(site)
    waits = threading.Event()
    with Node(site, told(OLD, DONE), told(DONE, DONE), waits=waits).running() as node:
        _result, face = migrate(site, waits=waits)
    assert node.jobs[0]["metadata"]["uid"] == other["metadata"]["uid"]
    assert any("is under way; waiting for its end" in line for line in face.lines)
    assert node.commands[1:] == [(WANTED, "migrate")]


def test_a_newer_database_is_refused(site: Site) -> None:
    with (
        Node(site, told(STRANGE, STRANGE, "revision")).running(),
        pytest.raises(Failure, match=r"revision z9 of the schema airflow, .* set downgrade to true") as caught,
    ):
        migrate(site)
    assert caught.value.details["revisions"] == {"airflow": "z9"}


def test_without_a_newer_image_nothing_is_brought_back(site: Site) -> None:
    with (
        Node(site, told(STRANGE, STRANGE, "revision")).running() as node,
        pytest.raises(Failure, match=r"\(z9 of the schema airflow\) .* Set newer_image"),
    ):
        migrate(site, downgrade=True)
    assert len(node.jobs) == 1


def test_the_newer_image_brings_the_database_back(site: Site) -> None:
    back: inside.Report = {"airflow": {"database": "b2", "image": "z9", "known": True}}
    newer: inside.Report = {"airflow": {"database": "z9", "image": "z9", "known": True}}
    answers = (told(STRANGE, STRANGE, "revision"), told(newer, back), told(DONE, DONE))
    with Node(site, *answers).running() as node:
        result, _face = migrate(site, downgrade=True, newer_image=NEWER)
    assert node.commands == [(WANTED, "migrate"), (NEWER, "downgrade"), (WANTED, "migrate")]
    assert json.loads(node.jobs[1]["spec"]["template"]["spec"]["containers"][0]["args"][4]) == {"airflow": "b2"}
    assert (result["changed"], result["before"], result["after"]) == (True, {"airflow": "z9"}, {"airflow": "b2"})


@pytest.mark.parametrize("refused", ["revision", "target"])
def test_an_image_that_is_not_newer_is_told(site: Site, refused: str) -> None:
    answers = (told(STRANGE, STRANGE, "revision"), told(STRANGE, STRANGE, refused))
    with (
        Node(site, *answers).running(),
        pytest.raises(Failure, match=f"{NEWER} cannot go from its revision"),
    ):
        migrate(site, downgrade=True, newer_image=NEWER)


def test_a_key_that_reads_nothing_is_refused(site: Site) -> None:
    words = {**told(OLD, OLD, "fernet_key"), "lost": ["connection etl"]}
    with Node(site, words).running(), pytest.raises(Failure, match=r"decrypts nothing .*connection etl"):
        migrate(site)
