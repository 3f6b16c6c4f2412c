"""The Job that reads git repositories, and what its script tells."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_source, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_sources
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.scripts import source
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE, CASES, HTTPS, MULTI_TEAM, REPOSITORIES, SSH

SYNCED: dict[str, t.Any] = {**BASE, "airflow_git_sync_repositories": REPOSITORIES}
BUNDLES: dict[str, t.Any] = {**CASES["bundles"], "airflow_instance": "airflow"}
OLD = {**SYNCED, "airflow_version": "2.11.2"}
# What a probe may have of its own: it is not to wait long, and may try again at once.
OWN = {"GITSYNC_PERIOD", "GITSYNC_MAX_FAILURES"}

Object = dict[str, t.Any]


def spec_of(variables: Object) -> Object:
    return t.cast("Object", dag_source.named_job(load(variables))["spec"]["template"]["spec"])


def worker_of(variables: Object) -> Object:
    made = next(item for item in render_all(load(variables)) if item["metadata"]["name"] == "airflow-pod-template")
    return t.cast("Object", json.loads(made["data"][names.POD_TEMPLATE_FILE])["spec"])


def without_own(container: Object) -> Object:
    changed = copy.deepcopy(container)
    changed["env"] = [one for one in changed.get("env", []) if one["name"] not in OWN]
    return changed


@pytest.mark.parametrize("variables", [SYNCED, OLD])
def test_git_sync_is_what_it_is_in_the_pods(variables: Object) -> None:
    pod, worker = spec_of(variables), worker_of(variables)
    assert [without_own(one) for one in pod["initContainers"]] == [without_own(one) for one in worker["initContainers"]]
    synced = [one for one in pod["initContainers"] if one["name"].startswith("git-sync-")]
    assert len(synced) == len(REPOSITORIES)
    assert all({"name": "GITSYNC_ONE_TIME", "value": "true"} in one["env"] for one in synced)
    assert all("command" not in one and "args" not in one for one in synced)
    assert pod["serviceAccountName"] == worker["serviceAccountName"]
    for key in ("securityContext", "imagePullSecrets"):
        assert pod.get(key) == worker.get(key)


def test_what_git_sync_fetched_is_looked_at_by_airflows_image() -> None:
    pod = spec_of(SYNCED)
    (main,) = pod["containers"]
    assert main["image"] == "docker.io/apache/airflow:3.3.2"
    assert {"name": "git-sync", "mountPath": names.GIT_FOLDER, "readOnly": True} in main["volumeMounts"]
    assert {"name": "git-sync", "emptyDir": {}} in pod["volumes"]
    assert json.loads(main["args"][3]) == {
        "folders": {"data": "/opt/airflow/git/data/current/teams/dags", "ml": "/opt/airflow/git/ml/current"},
        "bundles": [],
    }


def test_git_bundles_have_the_connections_and_files_of_the_pods() -> None:
    pod, worker = spec_of(BUNDLES), worker_of(BUNDLES)
    mine, theirs = (one["containers"][0] for one in (pod, worker))
    env = [one for one in mine["env"] if one["name"].startswith(("AIRFLOW_CONN_", "GIT_CONFIG_"))]
    assert len([one for one in env if one["name"].startswith("AIRFLOW_CONN_")]) == 2
    assert all(one in theirs["env"] for one in env)
    mounts = [one for one in mine["volumeMounts"] if one["mountPath"].startswith(names.BUNDLES_FOLDER)]
    assert len(mounts) == 2
    assert all(one in theirs["volumeMounts"] for one in mounts)
    given = {one["name"]: one.get("value") for one in mine["env"]}
    listed = json.loads(given["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    config = next(
        item
        for item in render_all(load(BUNDLES))
        if item["kind"] == "ConfigMap" and item["metadata"]["name"] == "airflow-config"
    )
    assert [one["name"] for one in listed] == json.loads(mine["args"][3])["bundles"] == ["data", "ml"]
    assert all(one["kwargs"]["repo_url"] in config["data"]["airflow.cfg"] for one in listed)
    # Airflow would look for these in all its providers.
    assert given["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    # Nothing that has no part in it: s3 and gcs bundles stay out.
    assert "s3-keys" not in json.dumps(pod)
    assert "gcs-key" not in json.dumps(pod)


def test_a_team_makes_no_difference() -> None:
    """Airflow refuses one where its own configuration does not allow any, and the Job has none of the instance's."""
    told = {**BASE, **MULTI_TEAM}
    ours, mine = (
        load({**told, "airflow_core_dag_bundles": {"data": {**HTTPS, **team}}}) for team in ({}, {"team": "data"})
    )
    assert dag_source.named_job(ours) == dag_source.named_job(mine)
    assert dag_source.fingerprint(ours) == dag_source.fingerprint(mine)


@pytest.mark.parametrize("variables", [SYNCED, BUNDLES])
def test_it_reads_no_config_map_of_the_instance(variables: Object) -> None:
    """These hold what running pods read, of before; and before a first run they are not there."""
    own = {item["metadata"]["name"] for item in render_all(load(variables)) if item["kind"] == "ConfigMap"}
    shared = {"airflow_core_dags_volume": {"enabled": True}}
    template = dag_source.named_job(load({**variables, **shared}))["spec"]["template"]
    sources = [source for one in template["spec"]["volumes"] for source in one.get("projected", {}).get("sources", [])]
    assert not own & {source.get("configMap", {}).get("name") for source in sources}
    assert not [one for one in template["spec"]["volumes"] if "configMap" in one or "persistentVolumeClaim" in one]
    # A person's own stays.
    assert "corporate-ca" in {source.get("configMap", {}).get("name") for source in sources}
    (item,) = [item for source in sources for item in source.get("downwardAPI", {}).get("items", [])]
    assert item["path"] == "known_hosts"
    note = item["fieldRef"]["fieldPath"].removeprefix("metadata.annotations['").removesuffix("']")
    assert template["metadata"]["annotations"][note] == SSH["knownHosts"]


def test_new_host_keys_are_another_job() -> None:
    other = {**SSH, "knownHosts": SSH["knownHosts"].replace("ssh-ed25519", "ssh-rsa")}
    made = [
        dag_source.named_job(load({**BASE, "airflow_git_sync_repositories": {"ml": one}}))["metadata"]["name"]
        for one in (SSH, other)
    ]
    assert len(set(made)) == 2
    assert all(name.startswith("airflow-dag-probe-") for name in made)


def test_no_service_and_no_budget_counts_its_pod() -> None:
    labels = dag_source.named_job(load(SYNCED))["spec"]["template"]["metadata"]["labels"]
    assert labels["component"] == dag_source.COMPONENT


def test_overrides_reach_it() -> None:
    values = load({**SYNCED, "airflow_overrides": {"Job/airflow-dag-probe": {"spec": {"backoffLimit": 1}}}})
    assert render_all(values)
    assert dag_source.named_job(values)["spec"]["backoffLimit"] == 1


@pytest.mark.parametrize("case", ["kubernetes-executor", "dags-volume"])
def test_nothing_is_read_where_there_is_no_repository(case: str) -> None:
    assert not dag_source.wanted(load(CASES[case]))


def test_a_new_value_of_anything_that_says_where_and_who_is_another_source() -> None:
    def synced(**changes: t.Any) -> Object:
        return {**BASE, "airflow_git_sync_repositories": {"data": {**HTTPS, **changes}}}

    variants = [
        synced(),
        synced(url="https://git.example.com/other.git"),
        synced(ref="main"),
        synced(subPath="other"),
        synced(credentials={"name": "other"}),
        synced(ca={"configMap": "other"}),
        {**synced(), "airflow_git_sync_image": {"repository": "registry.example.com/git-sync", "tag": "v4.5.0"}},
        {**synced(), "airflow_rbac_service_accounts": {"worker": {"name": "mine"}}},
        {**BASE, "airflow_core_dag_bundles": {"data": HTTPS}},
        {**BASE, "airflow_core_dag_bundles": {"data": {**HTTPS, "kwargs": {"submodules": True}}}},
    ]
    assert len({dag_source.fingerprint(load(one)) for one in variants}) == len(variants)


def test_what_has_nothing_to_do_with_the_source_does_not_count() -> None:
    base = {**BASE, "airflow_core_dag_bundles": {"data": HTTPS}}
    others = [
        {**base, "airflow_version": "3.3.1"},
        {**base, "airflow_git_sync_period": "1m"},
        {**base, "airflow_core_dag_bundles": {"data": {**HTTPS, "refreshInterval": 5}}},
        {**base, "airflow_core_dag_bundles": {"data": HTTPS, "site": {"kind": "local", "url": "/srv/dags"}}},
    ]
    assert {dag_source.fingerprint(load(one)) for one in others} == {dag_source.fingerprint(load(base))}


# --- its script ---------------------------------------------------------------------------------------------------

AIRFLOW = """\
import pathlib


class GitError(Exception):
    stderr = "\\n  stderr: 'fatal: no luck'"


class Bundle:
    def __init__(self, name):
        self.path = pathlib.Path(name)

    def initialize(self):
        if self.path.name == "bad":
            raise RuntimeError("Error cloning repository") from GitError()
        if self.path.name == "odd":
            raise ValueError("both keys")


class DagBundlesManager:
    def get_bundle(self, name):
        return Bundle(name)
"""


def run(tmp_path: Path, **what: t.Any) -> Object:
    script = source(probe_sources)
    told = tmp_path / "told"
    subprocess.run(
        [sys.executable, "-c", script, json.dumps(what)],
        env={"PYTHONPATH": str(tmp_path), "TERMINATION_LOG": str(told)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    return t.cast("Object", json.loads(told.read_text(encoding="utf-8")))


def test_folders_that_are_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "file").touch()
    folders = {"good": str(tmp_path / "dags"), "bad": str(tmp_path / "dags2"), "none": str(tmp_path / "file")}
    found = run(tmp_path, folders=folders, bundles=[])
    assert found == {"probe": "dag-sources", "folders": ["bad", "none"], "bundles": [], "said": {}}


def test_bundles_that_cannot_be_fetched_are_told_in_gits_words(tmp_path: Path) -> None:
    module = tmp_path / "airflow" / "dag_processing" / "bundles"
    module.mkdir(parents=True)
    (module / "manager.py").write_text(AIRFLOW, encoding="utf-8")
    (tmp_path / "good").mkdir()
    found = run(tmp_path, folders={}, bundles=["good", "bad", "odd", "empty"])
    assert found["bundles"] == ["empty"]
    assert found["said"] == {"bad": "fatal: no luck", "odd": "ValueError: both keys"}


def test_an_image_without_the_provider_is_told(tmp_path: Path) -> None:
    """This very environment has no Airflow."""
    assert "No module named" in run(tmp_path, folders={}, bundles=["one"])["said"]["one"]
