"""Git repositories and log stores that cannot be used: one sentence each, and the instance goes on undisturbed."""

from __future__ import annotations

import functools
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.modules import dag_run, dag_source
from tests.e2e import bad, parts
from tests.e2e.site import BASE, Site, Variables
from tests.e2e.support import CLUSTER

NAME = "sources"
REPOSITORY = "sources"
DAG = """\
import datetime

from airflow.sdk import dag, task


@dag(dag_id="sources", schedule=None, start_date=datetime.datetime(2024, 1, 1), is_paused_upon_creation=False)
def sources():
    @task
    def only():
        print("here")

    only()


sources()
"""
SYNCED = "airflow_git_sync_repositories"
BUNDLES = "airflow_core_dag_bundles"
# What is said of each, with what is changed in the variables that work.
BAD: dict[str, str] = {
    "ssh-key": f"{SYNCED}.dags: the server does not accept the ssh key (Secret wrong-key)",
    "host-key": f"{SYNCED}.dags: the host key of [git-server.git-server.svc]:2222 is another one than knownHosts has",
    "branch": f"{SYNCED}.dags: there is no branch or tag 'main2'",
    "folder": f"{SYNCED}.dags: there is no folder 'dags2' (subPath) at main",
    "password": f"{SYNCED}.dags: the user or the password is wrong (Secret wrong-token)",
    "authority": f"{SYNCED}.dags: no authority that is known vouches for the server's certificate (ca)",
    "repository": f"{SYNCED}.dags: there is no such repository, or who asks may not see it (Secret git-token)",
    "server": f"{SYNCED}.dags: the server cannot be reached: nobody knows the name nowhere.git-server.svc",
    "bundle-branch": f"{BUNDLES}.more: there is no branch or tag 'main2'",
    "bundle-folder": f"{BUNDLES}.more: there is no folder 'dags2' (subPath) at main",
    "bundle-ssh-key": f"{BUNDLES}.more: the server does not accept the ssh key (Secret wrong-key)",
    "bundle-password": f"{BUNDLES}.more: the user or the password is wrong (Secret wrong-token)",
}
STORES: dict[str, str] = {
    "bucket": "an object cannot be written: there is no such bucket (",
    "key": "an object cannot be written: the access key is not known there (",
    "secret": "an object cannot be written: the secret access key is wrong (",
    "two": "airflow_logging_s3 describes a log store, but airflow_logging_store is 'volume', and a log goes to",
}
FEW = ("ssh-key", "host-key", "branch", "folder", "password", "bundle-branch")


class Sources:
    """A running instance with a repository that can be read, and what would be wrong with others."""

    def __init__(self, git: parts.GitServer, s3: parts.S3, site: Site) -> None:
        self.site = site
        self._git = git
        self._s3 = s3
        self._cluster = connect(CLUSTER)
        self._bring = functools.partial(bad.secret, self._cluster, NAME)
        self._https: Variables = {
            "url": git.https_url(REPOSITORY),
            "ref": "main",
            "subPath": "dags",
            "credentials": {"name": "git-token"},
            "ca": {"secret": "git-ca", "key": "ca.crt"},
        }
        self._ssh: Variables = {
            "url": git.ssh_url(REPOSITORY),
            "ref": "main",
            "sshKey": {"name": "git-key"},
            "knownHosts": git.secret["known_hosts"],
        }

    def prepare(self) -> None:
        """What a person brings: the namespace with Secrets of their own, and the repository."""
        self._cluster.apply(parts.namespace(NAME), force=True)
        facts, others = self._git.facts(), parts.GitServer.credentials()
        for name, password in (("git-token", facts["password"]), ("wrong-token", others["password"])):
            self._bring(name, username=facts["username"], password=password)
        for name, key in (("git-key", facts["ssh_key"]), ("wrong-key", others["client-key"])):
            self._bring(name, **{"ssh-privatekey": key})
        self._bring("git-ca", **{"ca.crt": facts["ca_certificate"]})
        keys, others = self._s3.secret, parts.S3.credentials()
        for name, source in (("s3-key", keys), ("other-key", others)):
            self._bring(name, **{"access-key": source["access-key"], "secret-key": source["secret-key"]})
        self._bring("wrong-secret", **{"access-key": keys["access-key"], "secret-key": others["secret-key"]})
        self._git.commit(REPOSITORY, {"dags/sources.py": DAG})

    def good(self) -> Variables:
        repository, _colon, tag = parts.GIT_SYNC.rpartition(":")
        return {
            **BASE,
            "airflow_core_executor": "LocalExecutor",
            "airflow_git_sync_image": {"repository": repository, "tag": tag},
            "airflow_git_sync_period": "5s",
            SYNCED: {"dags": self._https},
        }

    def every_way(self) -> Variables:
        ssh = {**self._ssh, "subPath": "dags"}
        return {
            **self.good(),
            SYNCED: {"https": self._https, "ssh": ssh},
            BUNDLES: {"bundle-https": self._https, "bundle-ssh": ssh},
        }

    def bad(self, what: str) -> Variables:
        wrong_ssh: Variables = {**self._ssh, "sshKey": {"name": "wrong-key"}}
        other_host = {**self._ssh, "knownHosts": parts.GitServer.credentials()["known_hosts"]}
        https = self._https
        cases: dict[str, Variables] = {
            "ssh-key": wrong_ssh,
            "host-key": other_host,
            "branch": {**https, "ref": "main2"},
            "folder": {**https, "subPath": "dags2"},
            "password": {**https, "credentials": {"name": "wrong-token"}},
            "authority": {name: value for name, value in https.items() if name != "ca"},
            "repository": {**https, "url": self._git.https_url("nothing")},
            "server": {**https, "url": https["url"].replace("git-server", "nowhere", 1)},
        }
        kind, dash, rest = what.partition("-")
        if dash and kind == "bundle":
            return {**self.good(), BUNDLES: {"more": cases[rest]}}
        return {**self.good(), SYNCED: {"dags": cases[what]}}

    def with_store(self, what: str) -> Variables:
        """The instance with an S3 store of which one thing is wrong."""
        store = {"bucket": self._s3.buckets[0], "endpointUrl": self._s3.endpoint(), "region": self._s3.region}
        secret = {"key": "other-key", "secret": "wrong-secret"}.get(what, "s3-key")
        store["bucket"] = "nothing" if what == "bucket" else store["bucket"]
        keys = {"name": secret, "idKey": "access-key", "secretKey": "secret-key"}
        wanted = {**self.good(), "airflow_logging_s3": {**store, "credentials": keys}}
        if what != "two":
            del wanted["airflow_logging_volume"]
            wanted["airflow_logging_store"] = "s3"
        return wanted


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sources]:
    folder = tmp_path_factory.mktemp("runs")
    with bad.site_with(NAME, folder, parts.GitServer, parts.S3, more=[parts.GIT_SYNC]) as (site, brought):
        made = Sources(t.cast("parts.GitServer", brought["git-server"]), t.cast("parts.S3", brought["s3"]), site)
        made.prepare()
        site.converge(made.good())
        yield made


@pytest.mark.parametrize("what", bad.cases(BAD, FEW))
def test_what_cannot_be_read_is_said_and_nothing_is_changed(what: str, sources: Sources) -> None:
    said = sources.site.refuses(sources.bad(what))
    assert f"{BAD[what]}. The instance goes on as it was." in said, said[-5000:]


@pytest.mark.parametrize("what", STORES)
def test_a_log_store_that_cannot_be_used_is_said_and_nothing_is_changed(what: str, sources: Sources) -> None:
    said = sources.site.refuses(sources.with_store(what))
    assert STORES[what] in said, said[-5000:]


def test_check_mode_makes_nothing_and_says_nothing_wrong(sources: Sources) -> None:
    before = sources.site.seen()
    checked = sources.site.run(sources.bad("branch"), "site", "--check")
    assert checked.code == 0, checked.output[-5000:]
    assert (sources.site.seen(), sources.site.probes()) == (before, [])


def test_afterwards_all_is_as_it_was(sources: Sources) -> None:
    again = sources.site.run(sources.good(), "site", "-vvv")
    assert (again.code, again.changed, again.module_starts) == (0, 0, 0), again.output[-5000:]
    ran = sources.site.instance.call(dag_run, dag_id="sources", run_id="first", wait=True, wait_timeout=300)
    assert ran["run"]["state"] == "success"


def test_what_can_be_read_by_any_way_is_found_to_be_so_once(sources: Sources) -> None:
    """By ssh and by https, by git-sync and by Airflow itself; nothing is rolled out for that."""
    before = sources.site.seen()
    values = {**sources.every_way(), "airflow_instance": NAME}
    told = [sources.site.instance.call(dag_source, values=values) for _number in range(2)]
    assert [(one["changed"], one["probed"]) for one in told] == [(False, True), (False, False)]
    assert told[1]["api_requests"] == 1
    assert (sources.site.seen(), sources.site.probes()) == (before, [])
