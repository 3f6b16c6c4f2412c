"""The Job of ``dag_source`` against a real API server, where a thread writes what a node would."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine, kinds
from ansible_collections.dagops.airflow.plugins.modules import dag_source, log_store
from tests.api.support import INSTANCE, Face, Site, validated
from tests.api.test_log_store import S3
from tests.api.test_migration import Node

GOOD: dict[str, t.Any] = {"probe": "dag-sources", "folders": [], "bundles": [], "said": {}}
REPOSITORY = {"url": "https://git.example.com/dags.git", "ref": "main", "subPath": "dags2"}
SYNCED: dict[str, t.Any] = {"airflow_git_sync_repositories": {"analytics": REPOSITORY}}
BUNDLE: dict[str, t.Any] = {"airflow_core_dag_bundles": {"ml": REPOSITORY}}
REFUSED = 'git said: { stdout: "", stderr: "fatal: couldn\'t find remote ref main" }'


def probe(site: Site, *, check: bool = False, **params: t.Any) -> tuple[dict[str, t.Any], Face]:
    base = {"airflow_instance": INSTANCE, "airflow_namespace": site.namespace, "airflow_logging_store": "volume"}
    values = {**base, **params.pop("values", SYNCED)}
    given = {"kubeconfig": site.kubeconfig, "values": values, "wait_timeout": 30, **params}
    face = Face(params=validated(dag_source, given), check_mode=check)
    result: dict[str, t.Any] = dag_source.run(face)
    return result, face


def begun(site: Site) -> dict[str, str]:
    """What preflight remembers at the start of a run."""
    return engine.begin(site.cluster, INSTANCE, site.namespace, Face(params={}), check_mode=False)


def jobs(site: Site) -> list[dict[str, t.Any]]:
    return site.cluster.list(kinds.named("Job"), site.namespace)


def test_what_can_be_read_is_not_read_again_and_costs_no_request(site: Site) -> None:
    with Node(site, GOOD).running() as node:
        result, _face = probe(site, remembered=begun(site))
    assert (result["changed"], result["probed"], len(node.jobs)) == (False, True, 1)
    assert not jobs(site)
    result, _face = probe(site, remembered=begun(site))
    assert (result["probed"], result["api_requests"]) == (False, 0)
    # Without preflight before it, one request finds that out.
    result, _face = probe(site)
    assert (result["probed"], result["api_requests"]) == (False, 1)


def test_a_source_that_changes_is_read_anew(site: Site) -> None:
    other = {"airflow_git_sync_repositories": {"analytics": {**REPOSITORY, "ref": "release"}}}
    with Node(site, GOOD, GOOD).running() as node:
        probe(site)
        assert probe(site, values=other)[0]["probed"]
    assert len(node.jobs) == 2


def test_the_notes_of_two_probes_stay_side_by_side(site: Site) -> None:
    values = {"airflow_instance": INSTANCE, "airflow_namespace": site.namespace, **S3}
    given = {"kubeconfig": site.kubeconfig, "values": values, "wait_timeout": 30}
    with Node(site, GOOD, {"probe": "s3"}).running():
        # One run, whose tasks all have what its first one remembered.
        remembered = begun(site)
        probe(site, remembered=remembered)
        log_store.run(Face(params=validated(log_store, {**given, "remembered": remembered})))
    notes = begun(site)
    assert notes[engine.DAG_SOURCES]
    assert notes[engine.LOG_STORE]


@pytest.mark.parametrize(
    ("values", "found", "words"),
    [
        (
            SYNCED,
            {"folders": ["analytics"]},
            "airflow_git_sync_repositories.analytics: there is no folder 'dags2' (subPath) at main. The instance",
        ),
        (
            BUNDLE,
            {"bundles": ["ml"]},
            "airflow_core_dag_bundles.ml: there is no folder 'dags2' (subPath) at main. The instance",
        ),
        (
            BUNDLE,
            {"said": {"ml": "error: pathspec 'main' did not match any file(s) known to git"}},
            "airflow_core_dag_bundles.ml: there is no branch or tag 'main'. The instance goes on",
        ),
    ],
)
def test_what_cannot_be_read_is_told_by_its_variable_and_read_again(
    site: Site, values: dict[str, t.Any], found: dict[str, t.Any], words: str
) -> None:
    with Node(site, {**GOOD, **found}, GOOD).running() as node:
        with pytest.raises(Failure) as refused:
            probe(site, values=values)
        assert refused.value.message.startswith(words)
        assert not jobs(site)
        assert probe(site, values=values)[0]["probed"]
    assert len(node.jobs) == 2


def test_what_git_sync_says_is_told_by_the_variable(site: Site) -> None:
    with Node(site, GOOD, before={"git-sync-analytics-init": REFUSED}).running(), pytest.raises(Failure) as refused:
        probe(site)
    assert refused.value.message.startswith(
        "airflow_git_sync_repositories.analytics: there is no branch or tag 'main'. The instance goes on as it was."
    )
    assert not jobs(site)


def test_all_that_cannot_be_read_is_told_at_once(site: Site) -> None:
    """The first failure of git-sync ends a pod: the others are tried without it, and so are the bundles."""
    names = ("first", "second", "third")
    values = {"airflow_git_sync_repositories": dict.fromkeys(names, REPOSITORY), **BUNDLE}
    failing = {f"git-sync-{name}-init": REFUSED for name in ("first", "second")}
    with (
        Node(site, GOOD, GOOD, {**GOOD, "folders": ["third"], "bundles": ["ml"]}, before=failing).running() as node,
        pytest.raises(Failure) as refused,
    ):
        probe(site, values=values)
    assert len(node.jobs) == 3
    assert refused.value.details["problems"] == [
        "airflow_git_sync_repositories.first: there is no branch or tag 'main'",
        "airflow_git_sync_repositories.second: there is no branch or tag 'main'",
        "airflow_git_sync_repositories.third: there is no folder 'dags2' (subPath) at main",
        "airflow_core_dag_bundles.ml: there is no folder 'dags2' (subPath) at main",
    ]
    assert not jobs(site)


def test_check_mode_reads_nothing(site: Site) -> None:
    result, _face = probe(site, check=True)
    assert (result["changed"], result["probed"]) == (False, False)
    assert not jobs(site)


def test_where_there_is_no_repository_nothing_is_asked(site: Site) -> None:
    result, _face = probe(site, values={})
    assert (result["probed"], result["api_requests"]) == (False, 0)
