"""Runs that are cut short, in any place: by SIGKILL, by an API server that goes away, by another run.

The next run makes good, whatever was left, and no secret is ever made twice.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import api_server
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client, kinds
from tests.api.changes import BASE, OLD, POOLED, Variables
from tests.api.plays import ROOT, Plays, classes
from tests.api.runs import Run, apart, converge, killed_at, losing, quiet, restarting
from tests.api.states import intended, snapshot
from tests.api.support import Site

SHARES = (0.1, 0.35, 0.6, 0.85)
"""After which shares of its requests a run is cut short in `make test`; in `make test-full` it is at each of them."""
CHANGED = {
    **POOLED,
    "airflow_core_config": {"core": {"parallelism": 64}},
    "airflow_core_triggerer": {"enabled": False},
    "airflow_labels": {"cost-centre": "4711"},
}


@pytest.fixture(scope="module", autouse=True)
def installable(kubeconfig: str) -> t.Iterator[None]:
    with classes(client.connect({"kubeconfig": kubeconfig})):
        yield


_numbers = itertools.count(1)


@pytest.fixture
def new_sites(kubeconfig: str, cluster: client.Cluster) -> t.Iterator[Site]:
    """Sites whose namespaces are not there yet."""
    return (Site(kubeconfig=kubeconfig, cluster=cluster, namespace=f"cut-{number}") for number in _numbers)


def values(site: Site, variables: Variables) -> dict[str, t.Any]:
    return {"airflow_instance": site.namespace, **variables}


def run(site: Site, variables: Variables, **options: t.Any) -> Run:
    """A run of its own."""
    return apart(lambda: converge(site.kubeconfig, values(site, variables), prune=True), **options)


def secrets(site: Site) -> dict[str, dict[str, str]]:
    found = site.cluster.list(kinds.named("Secret"), site.namespace)
    return {item["metadata"]["name"]: item.get("data") or {} for item in found}


def objects(site: Site) -> dict[str, kinds.Object]:
    """What somebody wants of all objects, but neither which ones they are nor what only the API server gives them."""
    found = snapshot(site.cluster)[site.namespace]
    return {name: declared(intended(obj)) for name, obj in found.items() if not name.startswith("Lease/")}


def declared(obj: kinds.Object) -> kinds.Object:
    given = {"metadata": ("uid", "creationTimestamp"), "spec": ("clusterIP", "clusterIPs")}
    parts = {
        part: {name: value for name, value in obj[part].items() if name not in names}
        for part, names in given.items()
        if part in obj
    }
    return {**obj, **parts}


def makes_good(site: Site, variables: Variables, where: str) -> None:
    """The next run, at once, does the rest, and then there is nothing to do."""
    generated = secrets(site)
    good = run(site, variables)
    assert not good.failure, f"{where}: {good.failure}"
    assert not [line for line in good.lines if "waiting" in line], f"{where}: a lock was left hanging"
    kept = secrets(site)
    lost = [
        f"{name}/{key}"
        for name, data in generated.items()
        for key, value in data.items()
        # The addresses follow the description; nothing else may.
        if not name.endswith(("-metadata", "-pgbouncer-config")) and kept[name][key] != value
    ]
    assert not lost, f"{where}: made twice"
    again = run(site, variables)
    assert (again.failure, again.changed, again.undeclared) == ("", [], []), where


def places(requests: int) -> list[int]:
    return [round(share * requests) for share in SHARES]


def killed_everywhere(
    start: t.Callable[[], tuple[Site, dict[str, t.Any]]], check: t.Callable[[Site, str], None]
) -> int:
    """Kill a run at its first request, at its second and so on, each time from a new start; how many times."""
    for number in itertools.count(1):
        site, variables = start()
        if not run(site, variables, hook=killed_at(number)).killed:
            return number - 1
        check(site, f"killed at request {number}")
    raise AssertionError


class TestSigkill:
    """Of the whole process group, as a terminal that is closed or a job that is cancelled does it in the end."""

    def test_install(self, new_sites: t.Iterator[Site]) -> None:
        whole = run(next(new_sites), BASE)
        assert not whole.failure
        for number in places(whole.requests):
            site = next(new_sites)
            assert run(site, BASE, hook=killed_at(number)).killed
            makes_good(site, BASE, f"killed at request {number}")

    def test_upgrade(self, new_sites: t.Iterator[Site]) -> None:
        site = next(new_sites)
        whole = [run(site, variables) for variables in (OLD, CHANGED, OLD, CHANGED)]
        assert not any(one.failure for one in whole)
        reference = objects(site)
        for number in places(whole[-1].requests):
            assert not run(site, OLD).failure
            assert run(site, CHANGED, hook=killed_at(number)).killed
            makes_good(site, CHANGED, f"killed at request {number}")
            assert objects(site) == reference

    @pytest.mark.full
    def test_install_everywhere(self, new_sites: t.Iterator[Site]) -> None:
        count = killed_everywhere(lambda: (next(new_sites), BASE), lambda site, where: makes_good(site, BASE, where))
        assert count >= 30

    @pytest.mark.full
    def test_upgrade_everywhere(self, new_sites: t.Iterator[Site]) -> None:
        site = next(new_sites)
        assert not any(run(site, variables).failure for variables in (OLD, CHANGED, OLD, CHANGED))
        reference = objects(site)

        def start() -> tuple[Site, Variables]:
            assert not run(site, OLD).failure
            return site, CHANGED

        def check(site: Site, where: str) -> None:
            makes_good(site, CHANGED, where)
            assert objects(site) == reference, where

        assert killed_everywhere(start, check) >= 30


class TestLostAnswers:
    """The API server did what it was asked to, and the connection was cut before it could say so."""

    def test_some(self, new_sites: t.Iterator[Site]) -> None:
        requests = run(next(new_sites), BASE).requests
        for number in places(requests):
            self._is_got_over(next(new_sites), number)

    @pytest.mark.full
    def test_each(self, new_sites: t.Iterator[Site]) -> None:
        requests = run(next(new_sites), BASE).requests
        assert requests >= 30
        for number in range(1, requests + 1):
            self._is_got_over(next(new_sites), number)

    def _is_got_over(self, site: Site, number: int) -> None:
        done = run(site, BASE, hook=losing(number))
        assert not done.failure, f"the answer to request {number} was lost: {done.failure}"
        again = run(site, BASE)
        assert (again.failure, again.changed) == ("", [])


class TestRestart:
    """kube-apiserver is killed in the middle of a run, and comes back some seconds later."""

    def test_a_run_goes_on(self) -> None:
        self._goes_on((0.2, 0.7))

    @pytest.mark.full
    def test_a_run_goes_on_anywhere(self) -> None:
        self._goes_on(tuple(number / 30 for number in range(30)))

    @staticmethod
    def _goes_on(shares: t.Sequence[float]) -> None:
        """An API server of its own, since others use the first."""
        name = f"dagops-test-interrupted-{os.getpid()}"
        kubeconfig = str(api_server.start(name, say=quiet))
        try:
            cluster = client.connect({"kubeconfig": kubeconfig})
            sites = (Site(kubeconfig=kubeconfig, cluster=cluster, namespace=f"cut-{n}") for n in itertools.count())
            with classes(cluster):
                requests = run(next(sites), BASE).requests
                for share in shares:
                    site, number = next(sites), 1 + round(share * requests)
                    done = run(site, BASE, hook=restarting(name, number))
                    assert not done.failure, f"kube-apiserver was restarted at request {number}: {done.failure}"
                    again = run(site, BASE)
                    assert (again.failure, again.changed) == ("", [])
        finally:
            api_server.stop(name, say=quiet)


class TestTwoRunsAtOnce:
    """The second waits for the first, so that in the end one of them is what the instance is, as a whole."""

    FIRST: t.ClassVar = {**POOLED, "airflow_core_config": {"core": {"parallelism": 11}}}
    SECOND: t.ClassVar = {**BASE, "airflow_core_config": {"core": {"parallelism": 22}}, "airflow_labels": {"a": "b"}}

    @pytest.mark.parametrize("start", ["neither", "first", "second"])
    def test_the_end_is_one_of_them(self, start: str, kubeconfig: str, tmp_path: pathlib.Path) -> None:
        name = f"both-{start}"
        plays = Plays(kubeconfig=kubeconfig, folder=tmp_path)
        both = {"first": self.FIRST, "second": self.SECOND}
        consents = {"airflow_prune": True, "airflow_force_conflicts": True}
        wanted = {one: {name: {**variables, **consents}} for one, variables in both.items()}
        assert not plays.run({name: {**both.get(start, BASE), **consents}})[name][-1]["failed"]
        commands = [plays.command(hosts) for hosts in wanted.values()]
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(self._started(plays, command)) for command in commands]
            outputs = [process.communicate()[0] for process in running]
        # Whoever does not get its turn says so, and why.
        for process, output in zip(running, outputs, strict=True):
            assert process.returncode == 0 or "Another run" in output, output[-3000:]
        left = {
            one: [result["task"] for result in plays.run(hosts, "--check")[name] if result["changed"]]
            for one, hosts in wanted.items()
        }
        assert [] in left.values(), left
        assert left["first"] != left["second"]

    def test_a_run_does_not_go_on_where_another_has_passed_it(self, new_sites: t.Iterator[Site]) -> None:
        """The first tasks found nothing to change, so this run held no lock until the other had come and gone."""
        site = next(new_sites)
        assert not run(site, self.SECOND).failure
        passing = {"core": lambda: run(site, self.FIRST)}
        late = apart(lambda: converge(site.kubeconfig, values(site, self.SECOND), passing, prune=True))
        assert "Another run" in late.failure
        again = run(site, self.FIRST)
        assert (again.failure, again.changed) == ("", [])

    def test_a_run_that_another_has_passed_at_its_start_changes_nothing(self, new_sites: t.Iterator[Site]) -> None:
        """Not even the namespace, which holds the lock and so is made before it."""
        site = next(new_sites)
        assert not run(site, {**self.FIRST, "airflow_core_config": {"core": {"parallelism": 33}}}).failure
        passing = {"rbac": lambda: run(site, self.FIRST)}
        late = apart(lambda: converge(site.kubeconfig, values(site, self.SECOND), passing, prune=True))
        assert "Another run" in late.failure
        again = run(site, self.FIRST)
        assert (again.failure, again.changed) == ("", [])

    @staticmethod
    def _started(plays: Plays, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=plays.environment(plays.folder / "unused"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
