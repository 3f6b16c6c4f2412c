"""Senseless ways of delivering DAGs are refused, each by its variable and with the reason."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import BASE, HTTPS, SSH

SECRET = "hunter2-is-no-password"
REPOSITORIES = "airflow_git_sync_repositories"
BUNDLES = "airflow_core_dag_bundles"
VOLUME = "airflow_core_dags_volume"
OLD = {"airflow_version": "2.11.2"}
PLAIN = {"url": "https://git.example.com/dags"}
OPEN = {"url": "git@git.example.com:dags.git", "sshKey": {"name": "key"}}


def synced(base: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    return {REPOSITORIES: {"a": {**base, **options}}}


def bundled(**options: t.Any) -> dict[str, t.Any]:
    return {BUNDLES: {"a": options}}


Bad = tuple[dict[str, t.Any], str, str]

TABLE: list[Bad] = [
    # Names and addresses.
    ({REPOSITORIES: {"A b": PLAIN}}, f'{REPOSITORIES}["A b"]', "lower-case letters"),
    ({REPOSITORIES: {"a": {}}}, f"{REPOSITORIES}.a.url", "is required"),
    ({REPOSITORIES: {"a": {**PLAIN, "branch": "main"}}}, f"{REPOSITORIES}.a.branch", "is not an option"),
    (synced({"url": "/srv/git"}), f"{REPOSITORIES}.a.url", "no address of a repository"),
    (synced({"url": "file:///srv/git"}), f"{REPOSITORIES}.a.url", "no address of a repository"),
    (synced({"url": f"https://me:{SECRET}@h/x"}), f"{REPOSITORIES}.a.url", "holds a user or password"),
    (synced({"url": f"https://{SECRET}@h/x"}), f"{REPOSITORIES}.a.url", "holds a user or password"),
    (synced(PLAIN, ref="a b"), f"{REPOSITORIES}.a.ref", "as git writes it"),
    (synced(PLAIN, ref="-main"), f"{REPOSITORIES}.a.ref", "as git writes it"),
    (synced(PLAIN, ref="a..b"), f"{REPOSITORIES}.a.ref", "as git writes it"),
    (synced(PLAIN, subPath="../x"), f"{REPOSITORIES}.a.subPath", "a path below another"),
    (synced(PLAIN, subPath="a/../b"), f"{REPOSITORIES}.a.subPath", "a path below another"),
    (synced(PLAIN, subPath="/a"), f"{REPOSITORIES}.a.subPath", "a path below another"),
    (synced(PLAIN, subPath="a; rm"), f"{REPOSITORIES}.a.subPath", "a path below another"),
    (synced(PLAIN, depth=-1), f"{REPOSITORIES}.a.depth", "at least 0"),
    # What proves who is who.
    (synced(PLAIN, sshKey={"name": "x"}), f"{REPOSITORIES}.a.sshKey", "is for ssh"),
    (synced(PLAIN, knownHostsWaived=True), f"{REPOSITORIES}.a.knownHostsWaived", "is for ssh"),
    (synced(SSH, credentials={"name": "x"}), f"{REPOSITORIES}.a.credentials", "is for https"),
    (synced(SSH, ca={"secret": "x"}), f"{REPOSITORIES}.a.ca", "is for https"),
    (synced(SSH, sshKey=None), f"{REPOSITORIES}.a.sshKey", "is required"),
    (synced(OPEN), f"{REPOSITORIES}.a.knownHosts", "or set knownHostsWaived to true"),
    (synced(OPEN, knownHosts="other.example.com ssh-ed25519 AAAA"), f"{REPOSITORIES}.a.knownHosts", "no key of git.ex"),
    (synced(SSH, knownHostsWaived=True), f"{REPOSITORIES}.a has knownHosts and knownHostsWaived", "leave one"),
    (synced(OPEN, knownHostsFrom={}), f"{REPOSITORIES}.a.knownHostsFrom", "exactly one of"),
    (synced(HTTPS, ca={"secret": "x", "configMap": "y"}), f"{REPOSITORIES}.a.ca", "exactly one of"),
    (synced({**PLAIN, "url": "http://h/x"}, credentials={"name": "x"}), f"{REPOSITORIES}.a.credentials", "anybody on"),
    # Numbers.
    ({"airflow_git_sync_period": "10"}, "airflow_git_sync_period", "a time such as"),
    ({"airflow_git_sync_period": "10 s"}, "airflow_git_sync_period", "a time such as"),
    ({"airflow_git_sync_max_failures": -2}, "airflow_git_sync_max_failures", "at least -1"),
    ({**synced(PLAIN), "airflow_git_sync_http_port": 8793}, "airflow_git_sync_http_port", "serves logs at"),
    (
        {REPOSITORIES: {"a": PLAIN, "b": PLAIN}, "airflow_git_sync_http_port": 65535},
        "airflow_git_sync_http_port",
        "not enough",
    ),
    # Bundles.
    ({**OLD, **bundled(**PLAIN, ref="main")}, BUNDLES, "is for Airflow 3"),
    (bundled(**PLAIN), f"{BUNDLES}.a.ref", "is required of a git bundle"),
    (bundled(kind="hg", url="x"), f"{BUNDLES}.a.kind", "none of git, local, s3, gcs"),
    (bundled(kind="s3", url="lake"), f"{BUNDLES}.a.url", "s3://bucket"),
    (bundled(kind="s3", url="s3://lake/dags"), f"{BUNDLES}.a.url", "a prefix goes into subPath"),
    (bundled(kind="gcs", url="s3://lake"), f"{BUNDLES}.a.url", "gs://bucket"),
    (bundled(kind="local", url="dags"), f"{BUNDLES}.a.url", "an absolute path"),
    (bundled(kind="s3", url="s3://lake", ref="main"), f"{BUNDLES}.a.ref", "means nothing to the kind 's3'"),
    (bundled(kind="gcs", url="gs://lake", endpointUrl="https://x.org"), f"{BUNDLES}.a.endpointUrl", "means nothing"),
    (bundled(**PLAIN, ref="main", region="x"), f"{BUNDLES}.a.region", "means nothing to the kind 'git'"),
    (bundled(**OPEN, ref="main"), f"{BUNDLES}.a.knownHosts", "is required"),
    # Two ways into one place.
    ({REPOSITORIES: {"a": PLAIN}, **bundled(**PLAIN, ref="main")}, f"{BUNDLES}.a", "has the name of"),
    ({REPOSITORIES: {"dags-folder": PLAIN}}, f"{REPOSITORIES}.dags-folder", "there already"),
    ({BUNDLES: {"dagops-canary": {**PLAIN, "ref": "x"}}}, f"{BUNDLES}.dagops-canary", "there already"),
    (
        {**OLD, REPOSITORIES: {"dags-volume": PLAIN}, VOLUME: {"enabled": True}},
        f"{REPOSITORIES}.dags-volume",
        "among the DAGs",
    ),
    (
        {VOLUME: {"enabled": True}, **bundled(kind="local", url="/opt/airflow/dags", subPath="x")},
        f"{BUNDLES}.a",
        "delivers DAGs already",
    ),
    ({**synced(PLAIN), BUNDLES: {"b": {"kind": "local", "url": "/opt/airflow/git"}}}, f"{BUNDLES}.b", "already"),
    (
        {BUNDLES: {"a": {"kind": "local", "url": "/x"}, "b": {"kind": "local", "url": "/x/y"}}},
        f"{BUNDLES}.b",
        f"where {BUNDLES}.a delivers",
    ),
    ({**synced(PLAIN), "airflow_core_config": {"core": {"dags_folder": "/x"}}}, "airflow_core_config.core", "use one"),
    (
        {VOLUME: {"enabled": True}, "airflow_core_config": {"dag_processor": {"dag_bundle_config_list": "[]"}}},
        "airflow_core_config.dag_processor",
        "use one of them",
    ),
    (
        {
            VOLUME: {"enabled": True},
            "airflow_core_dag_processor": {
                "volumes": [{"name": "x", "emptyDir": {}}],
                "volumeMounts": [{"name": "x", "mountPath": "/opt/airflow/dags/"}],
            },
        },
        "airflow_core_dag_processor.volumeMounts[0].mountPath",
        f"where {VOLUME} mounts DAGs",
    ),
    (
        {**synced(PLAIN), "airflow_core_workers": {"volumes": [{"name": "git-sync", "emptyDir": {}}]}},
        "airflow_core_workers.volumes",
        "choose another name",
    ),
    (
        {**synced(PLAIN), "airflow_core_workers": {"containers": [{"name": "git-sync-a", "image": "x"}]}},
        "airflow_core_workers.containers[0].name",
        "choose another name",
    ),
    (
        {
            **bundled(kind="s3", url="s3://lake"),
            "airflow_core_env": [{"name": "AIRFLOW_CONN_DAGOPS_BUNDLE_A", "value": "aws://"}],
        },
        "airflow_core_env sets AIRFLOW_CONN_DAGOPS_BUNDLE_A",
        f"use {BUNDLES}.a",
    ),
    # A volume.
    ({VOLUME: {"enabled": True, "accessMode": "ReadOnlyMany"}}, f"{VOLUME}.accessMode", "nobody could write"),
    ({VOLUME: {"enabled": True, "accessMode": "ReadWriteOnce"}}, f"{VOLUME}.accessMode", "none of ReadWriteMany"),
    ({VOLUME: {"enabled": True, "subPath": "../x"}}, f"{VOLUME}.subPath", "a path below another"),
    # Digests.
    (
        {**synced(PLAIN), "airflow_image_digests_required": True, "airflow_image": {"digest": "sha256:" + "0" * 64}},
        "airflow_git_sync_image.digest",
        "is required",
    ),
]


@pytest.mark.parametrize(("variables", "path", "words"), TABLE)
def test_a_senseless_way_is_refused(variables: dict[str, t.Any], path: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        load({**BASE, **variables})
    fitting = [one for one in caught.value.problems if one.startswith(path) and words in one]
    assert fitting, caught.value.problems
    assert SECRET not in str(caught.value.problems)


@pytest.mark.parametrize(
    "variables",
    [
        synced(PLAIN),
        synced({"url": "http://git.local/dags"}),
        synced(HTTPS),
        synced(SSH),
        synced(OPEN, knownHostsWaived=True),
        synced(OPEN, knownHostsFrom={"configMap": "hosts"}),
        synced(PLAIN, ref="feature/x_1", depth=0),
        synced(PLAIN, ref="3f786850e387550fdab836ed7e6dc881de23001b"),
        {**OLD, **synced(PLAIN), VOLUME: {"enabled": True}},
        {**synced(PLAIN), VOLUME: {"enabled": True}, BUNDLES: {"b": {**PLAIN, "ref": "main"}}},
        {VOLUME: {"enabled": True, "existingClaim": "x", "accessMode": "ReadOnlyMany"}},
        bundled(kind="local", url="/opt/airflow/dags"),
        {"airflow_core_dag_processor": {"volumes": [{"name": "dags", "emptyDir": {}}]}},
        {"airflow_core_config": {"core": {"dags_folder": "/x"}}},
    ],
)
def test_a_sensible_way_is_taken(variables: dict[str, t.Any]) -> None:
    load({**BASE, **variables})
