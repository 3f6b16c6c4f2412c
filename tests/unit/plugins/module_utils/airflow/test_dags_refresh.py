"""What a refresh of DAGs asks for, and what it makes of the answers."""

from __future__ import annotations

import datetime
import types
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dags_refresh
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.dags_refresh import Copy, Refresh, Source
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import bundles as payload
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.render import git_sync
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitRepository, Values
from tests.unit.cases import BASE

HTTPS = {"url": "https://git.example.com/a.git", "ref": "main", "credentials": {"name": "token"}}
SSH = {"url": "git@git.example.com:a.git", "ref": "v1", "sshKey": {"name": "key"}}
OLD, NEW = "1" * 40, "2" * 40


def values(**variables: t.Any) -> Values:
    return load({**BASE, **variables})


def synced(**repositories: t.Any) -> dict[str, t.Any]:
    return {"airflow_git_sync_repositories": repositories}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {}),
        (synced(a=HTTPS), {"a": "git-sync"}),
        (
            {**synced(b=HTTPS), "airflow_core_dag_bundles": {"a": HTTPS, "c": {"kind": "local", "url": "/srv/dags"}}},
            {"a": "git bundle", "b": "git-sync", "c": "local bundle"},
        ),
        ({"airflow_core_dags_volume": {"enabled": True}}, {"dags-folder": "volume"}),
        ({"airflow_version": "2.11.2", "airflow_core_dags_volume": {"enabled": True}}, {}),
        ({"airflow_version": "2.11.2", **synced(a=HTTPS)}, {"a": "git-sync"}),
    ],
)
def test_all_that_can_be_refreshed_is(variables: dict[str, t.Any], expected: dict[str, str]) -> None:
    assert dags_refresh.wanted(values(**variables), None) == expected


def test_a_person_may_name_some() -> None:
    several = values(**synced(a=HTTPS, b=HTTPS))
    assert dags_refresh.wanted(several, ["b"]) == {"b": "git-sync"}
    with pytest.raises(Failure, match=r"no repository or bundle c \(names\).*It has a, b\."):
        dags_refresh.wanted(several, ["b", "c"])
    with pytest.raises(Failure, match="its DAGs are in the image"):
        dags_refresh.wanted(values(), ["a"])


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "are in its image"),
        (
            {"airflow_version": "2.11.2", "airflow_core_dags_volume": {"enabled": True, "refreshInterval": 7}},
            "every 7 s",
        ),
    ],
)
def test_an_instance_without_anything_to_refresh_is_told_why(variables: dict[str, t.Any], words: str) -> None:
    assert words in dags_refresh.nothing(values(**variables))


@pytest.mark.parametrize(
    ("ref", "listed", "expected"),
    [
        ("main", f"{NEW}\trefs/heads/main\n{OLD}\trefs/heads/other/main\n", NEW),
        ("HEAD", f"{NEW}\tHEAD\n", NEW),
        ("v1", f"{OLD}\trefs/tags/v1\n{NEW}\trefs/tags/v1^{{}}\n", NEW),
        ("v1", f"{OLD}\trefs/heads/v1\n{NEW}\trefs/tags/v1\n", NEW),
        ("heads/main", f"{NEW}\trefs/heads/main\n", NEW),
        ("gone", "", None),
    ],
)
def test_a_server_is_understood_as_git_fetch_does(ref: str, listed: str, expected: str | None) -> None:
    assert dags_refresh.commit_of(listed, ref) == expected


def test_a_server_is_asked_by_files_of_the_pod_and_never_by_a_secret() -> None:
    repositories = values(
        **synced(
            a=HTTPS, b={**SSH, "knownHosts": "git.example.com ssh-ed25519 AAAA"}, c={**SSH, "knownHostsWaived": True}
        )
    )
    https, ssh, waived = (repositories.git_sync.repositories[name] for name in "abc")
    folder = git_sync.SECRETS_FOLDER
    helper = next(word for word in dags_refresh.listing(https, "main", folder) if word.startswith("credential"))
    assert f"{folder}/password" in helper
    assert dags_refresh.environment(https, folder) == ["GIT_TERMINAL_PROMPT=0"]
    assert "StrictHostKeyChecking=yes" in dags_refresh.environment(ssh, folder)[1]
    assert f"-i {folder}/ssh" in dags_refresh.environment(ssh, folder)[1]
    assert "StrictHostKeyChecking=no" in dags_refresh.environment(waived, folder)[1]


def pod(name: str, **status: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"name": name, "namespace": "n"}, "status": status}


def copy(name: str, ref: str = "main") -> Copy:
    return Copy(name="a", source=GitRepository(url=HTTPS["url"]), ref=ref, pod=pod(name))


def test_only_containers_that_run_and_go_on_are_signalled() -> None:
    running = {"name": "git-sync-a", "state": {"running": {}}}
    assert dags_refresh.runs(pod("p", containerStatuses=[running]), "git-sync-a")
    assert not dags_refresh.runs(pod("p", containerStatuses=[running]), "git-sync-b")
    assert not dags_refresh.runs(pod("p", containerStatuses=[{**running, "state": {"waiting": {}}}]), "git-sync-a")
    assert not dags_refresh.runs(pod("p"), "git-sync-a")
    ending = pod("p", containerStatuses=[running])
    ending["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    assert not dags_refresh.runs(ending, "git-sync-a")


@pytest.mark.parametrize("check", [True, False])
def test_an_instance_without_git_sync_has_nothing_to_signal(check: bool) -> None:
    """Nor is any request sent, for which there is no cluster here."""
    face = types.SimpleNamespace(params={"wait_timeout": 1}, check_mode=check)
    refresh = Refresh(t.cast("t.Any", face), t.cast("t.Any", None), values(), {"a": "git bundle"})
    assert refresh._predicted([]) == refresh._synced([]) == {}


def test_a_commit_is_pinned_and_a_branch_is_not() -> None:
    assert copy("p", ref=NEW).pinned
    assert not copy("p", ref="main").pinned
    assert not copy("p", ref=NEW[:12]).pinned


def test_a_repository_has_changed_where_any_pod_was_behind() -> None:
    copies = [copy("two"), copy("one")]
    assert dags_refresh.source_of({OLD, NEW}, NEW, copies) == Source(
        way="git-sync", before=OLD, commit=NEW, pods=("one", "two")
    )
    assert dags_refresh.source_of({NEW}, NEW, copies).before == NEW


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (Source(way="git-sync", before="x", commit="y", pods=("p", "q")), "a (git-sync in 2 pods): commit y, before x"),
        (Source(way="git-sync", before="y", commit="y", pods=("p",)), "a (git-sync in 1 pod): commit y"),
        (Source(way="git bundle", before="y", commit="y"), "a (git bundle): commit y"),
        (Source(way="volume"), "a (volume): looked at"),
    ],
)
def test_people_are_told_in_a_line(source: Source, line: str) -> None:
    assert source.line("a") == line


class Table:
    """The table of bundles, and a DAG processor that refreshes what has no note, one look after it was asked."""

    def __init__(self, **rows: tuple[str | None, datetime.datetime | None]) -> None:
        self.rows = rows
        self.asked: list[list[str]] = []
        self.versions: dict[str, str] = {}
        self.stamps: dict[str, list[datetime.datetime]] = {}
        self._found: list[tuple[t.Any, ...]] = []

    def execute(self, statement: str, arguments: tuple[tuple[str, ...]]) -> None:
        chosen = [name for name in arguments[0] if name]
        if statement == payload.ASK:
            self.asked.append(chosen)
            self.rows |= {name: (self.rows[name][0], None) for name in chosen}
            return
        self._found = [(name, *row) for name, row in self.rows.items() if name in chosen]
        for name in chosen:
            if self.stamps.get(name) and self.rows[name][1] is None:
                self.rows[name] = (self.versions.get(name, self.rows[name][0]), self.stamps[name].pop(0))

    def fetchall(self) -> list[tuple[t.Any, ...]]:
        return self._found


PAST = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


def test_a_refresh_that_had_begun_before_is_none() -> None:
    table = Table(a=(OLD, PAST), b=(None, PAST))
    table.versions, table.stamps = {"a": NEW}, {"a": [PAST, FUTURE], "b": [FUTURE]}
    told = payload.refresh(table, ["a", "b", "unknown"], 10)
    assert told == {"before": {"a": OLD, "b": None}, "after": {"a": NEW, "b": None}, "waiting": []}
    assert table.asked == [["a", "b"], ["a"]]


def test_what_is_not_refreshed_in_time_is_told() -> None:
    table = Table(a=(OLD, PAST), b=(OLD, PAST))
    table.stamps = {"b": [FUTURE]}
    assert payload.refresh(table, ["a", "b"], 1)["waiting"] == ["a"]


def test_a_time_that_names_no_zone_is_in_utc() -> None:
    assert payload.seconds_of(PAST.replace(tzinfo=None)) == payload.seconds_of(PAST)
