"""What check mode says of a run is what the run then does: the same objects, the same diffs, and nothing before.

Each change is an instance of its own, converged by the collection's own tasks. All instances share the few runs of
ansible-playbook that this takes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
import subprocess
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import tools
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests.api.changes import CHANGES, Change, Hand
from tests.api.plays import Plays, Result, classes
from tests.api.states import Snapshot, differing, snapshot

CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "persistentvolumeclaim-protection-controller")
"""What makes deletions come to an end."""

PREDICTED = ("changed", "diff", "objects", "undeclared", "secrets", "replaced", "failed", "msg", "problems")
"""What of a result tells of the cluster: how many requests it took is another matter."""


def changed_objects(results: t.Sequence[Result]) -> set[str]:
    """The objects that results tell of, as ``Kind/name``: each has a diff."""
    labels = [part["after_header"].split("/") for result in results for part in _diffs(result)]
    return {f"{label[0]}/{label[-1]}" for label in labels}


def _diffs(result: Result) -> list[dict[str, str]]:
    diffs = result.get("diff") or []
    return diffs if isinstance(diffs, list) else [diffs]


def told(results: t.Sequence[Result]) -> list[Result]:
    """What results predict, or say of what was done."""
    return [{"task": result["task"], **{name: result.get(name) for name in PREDICTED}} for result in results]


@contextlib.contextmanager
def controllers(kubeconfig: str, log: pathlib.Path) -> t.Iterator[None]:
    """Those of Kubernetes' own controllers that make deletions come to an end."""
    command = [
        str(tools.named("kubernetes").target / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield
        finally:
            process.terminate()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """What was predicted and done for one instance."""

    predicted: list[Result]
    done: list[Result]
    again: list[Result]
    before: dict[str, Object]
    checked: dict[str, Object]
    after: dict[str, Object]
    in_the_end: dict[str, Object]


def prepare(plays: Plays, cluster: client.Cluster, changes: dict[str, Change]) -> None:
    """Have each instance in the state that its change starts from."""
    hands = {name: Hand(cluster=cluster, instance=name) for name in changes}
    for name, change in changes.items():
        if change.found:
            change.found(hands[name])
    starts = {
        name: {**change.start, **({"parts": list(change.parts)} if change.parts else {})}
        for name, change in changes.items()
        if change.start is not None
    }
    for name, results in plays.run(starts).items():
        assert not any(result.get("failed") for result in results), f"{name} does not start: {results[-1]}"
    for name, change in changes.items():
        if change.edit:
            change.edit(hands[name])


def play_all(plays: Plays, changes: dict[str, Change], *arguments: str) -> dict[str, list[Result]]:
    """Each instance's results of its playbook."""
    chosen = {
        name: {one: changes[one].variables() for one in changes if changes[one].playbook == name} for name in PLAYBOOKS
    }
    results: dict[str, list[Result]] = {}
    for playbook, hosts in chosen.items():
        results |= plays.run(hosts, "--diff", *arguments, playbook=playbook)
    return results


PLAYBOOKS = ("site", "uninstall")


@pytest.fixture(scope="module")
def observed(
    request: pytest.FixtureRequest, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Observed]:
    """What happened to all the instances that the chosen tests are about."""
    chosen = {item.callspec.params["name"] for item in request.session.items if _is_about_a_change(item)}
    changes = {name: change for name, change in CHANGES.items() if name in chosen}
    plays = Plays(kubeconfig=kubeconfig, folder=tmp_path_factory.mktemp("plays"))
    cluster = client.connect({"kubeconfig": kubeconfig})
    with controllers(kubeconfig, tmp_path_factory.mktemp("controllers") / "log"), classes(cluster):
        prepare(plays, cluster, changes)
        before = snapshot(cluster)
        predicted = play_all(plays, changes, "--check")
        checked = snapshot(cluster)
        done = play_all(plays, changes)
        after = snapshot(cluster)
        again = play_all(plays, changes)
        in_the_end = snapshot(cluster)
    return {
        name: Observed(
            predicted=predicted[name],
            done=done[name],
            again=again[name],
            before=within(before, name, change),
            checked=within(checked, name, change),
            after=within(after, name, change),
            in_the_end=within(in_the_end, name, change),
        )
        for name, change in changes.items()
    }


def within(state: Snapshot, name: str, change: Change) -> dict[str, Object]:
    """The objects that a change of one instance may reach."""
    return {label: obj for namespace in (name, *change.elsewhere) for label, obj in state.get(namespace, {}).items()}


def _is_about_a_change(item: pytest.Item) -> t.TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and item.originalname == "test_a_change_is_foreseen"


def short(name: str, objects: t.Iterable[str]) -> set[str]:
    """``Kind/name`` without the instance's name."""
    return {re.sub(f"/{name}-?", "/", one) for one in objects}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_foreseen(name: str, observed: dict[str, Observed]) -> None:
    change, seen = CHANGES[name], observed[name]
    # Check mode changes nothing, not even a version.
    assert seen.checked == seen.before
    # The run does what was foreseen, and tells it in the same words.
    foreseen = {result["task"] for result in seen.predicted}
    for expected, done in zip(
        told(seen.predicted), told([result for result in seen.done if result["task"] in foreseen]), strict=True
    ):
        assert done == expected
    # Check mode leaves out what only waits.
    assert not any(result["changed"] for result in seen.done if result["task"] not in foreseen)
    last = seen.done[-1]
    if change.refused:
        assert last["failed"]
        assert re.search(change.refused, last["msg"])
    else:
        assert not last["failed"], last["msg"]
    # It is what happened to the cluster.
    assert changed_objects(seen.done) == differing(seen.before, seen.after)
    # It is what this change is about.
    assert set(change.touches) <= short(name, changed_objects(seen.done))
    # And then there is nothing left to do.
    assert not changed_objects(seen.again)
    assert not any(result["changed"] for result in seen.again)
    assert not differing(seen.after, seen.in_the_end)


def test_there_are_enough_changes() -> None:
    assert len(CHANGES) >= 30
