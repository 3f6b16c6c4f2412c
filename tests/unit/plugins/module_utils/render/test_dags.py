"""DAGs come to what reads them, by each way that there is, and to nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.render import config, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render, render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import VALUE_VARIABLES, load
from tests.unit.cases import BASE, CASES, HTTPS, REPOSITORIES, SSH

Object = dict[str, t.Any]

LOCAL: Object = {"airflow_core_executor": "LocalExecutor"}
OLD: Object = {"airflow_version": "2.11.2"}
SYNCED: Object = {**BASE, "airflow_git_sync_repositories": REPOSITORIES}
BUNDLES: Object = CASES["bundles"]


def pods(variables: Object) -> dict[str, Object]:
    """The spec of each of Airflow's pods, by its component."""
    found = {}
    for item in render_all(load(variables)):
        if item["kind"] == "Deployment":
            found[item["metadata"]["labels"]["component"]] = item["spec"]["template"]["spec"]
        elif item["kind"] == "ConfigMap" and names.POD_TEMPLATE_FILE in item["data"]:
            found["worker"] = json.loads(item["data"][names.POD_TEMPLATE_FILE])["spec"]
    return found


def named(items: t.Iterable[Object], key: str = "name") -> dict[str, Object]:
    return {item[key]: item for item in items}


def env(container: Object) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container["env"]}


def mounts(container: Object) -> dict[str, Object]:
    return named(container["volumeMounts"], "mountPath")


def bundles(variables: Object) -> dict[str, Object]:
    return named(config.settings(load(variables))["dag_processor"]["dag_bundle_config_list"])


def delivered(spec: Object) -> tuple[int, int]:
    """How many containers bring the first commit, and how many follow."""
    before = [one for one in spec.get("initContainers", []) if one["name"].startswith("git-sync-")]
    beside = [one for one in spec["containers"] if one["name"].startswith("git-sync-")]
    return len(before), len(beside)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        (SYNCED, {"dag-processor": (2, 2), "worker": (2, 0)}),
        ({**SYNCED, **LOCAL}, {"dag-processor": (2, 2), "scheduler": (2, 2)}),
        ({**SYNCED, **OLD}, {"dag-processor": (2, 2), "worker": (2, 0), "triggerer": (2, 2)}),
        ({**SYNCED, **OLD, **LOCAL}, {"dag-processor": (2, 2), "scheduler": (2, 2), "triggerer": (2, 2)}),
    ],
)
def test_git_sync_is_where_dags_are_read_and_nowhere_else(variables: Object, wanted: Object) -> None:
    found = {component: delivered(spec) for component, spec in pods(variables).items()}
    assert {component: counts for component, counts in found.items() if counts != (0, 0)} == wanted


@pytest.mark.parametrize("version", [{}, OLD])
def test_the_migration_reads_no_dags(version: Object) -> None:
    template = migration_job(load({**SYNCED, **version}), "")["spec"]["template"]
    assert delivered(template["spec"]) == (0, 0)


def test_each_container_follows_its_repository() -> None:
    spec = pods(SYNCED)["dag-processor"]
    beside, before = named(spec["containers"]), named(spec["initContainers"])
    for name, repository in REPOSITORIES.items():
        follower, first = env(beside[f"git-sync-{name}"]), env(before[f"git-sync-{name}-init"])
        assert follower["GITSYNC_REPO"] == first["GITSYNC_REPO"] == repository["url"]
        assert follower["GITSYNC_ROOT"] == first["GITSYNC_ROOT"] == f"{names.GIT_FOLDER}/{name}"
        assert first["GITSYNC_ONE_TIME"] == "true"
        assert "GITSYNC_ONE_TIME" not in follower
        assert "GITSYNC_HTTP_BIND" not in first
        # Retrying for ever before Airflow starts would hide what is wrong.
        assert (int(first["GITSYNC_MAX_FAILURES"]), int(follower["GITSYNC_MAX_FAILURES"])) == (3, -1)
    assert env(beside["git-sync-data"])["GITSYNC_REF"] == "v1.2"
    assert len({env(beside[f"git-sync-{name}"])["GITSYNC_HTTP_BIND"] for name in REPOSITORIES}) == len(REPOSITORIES)
    for container in beside.values():
        if "GITSYNC_HTTP_BIND" in env(container):
            port = int(env(container)["GITSYNC_HTTP_BIND"].removeprefix(":"))
            assert container["livenessProbe"]["httpGet"]["port"] == container["ports"][0]["containerPort"] == port


def test_two_repositories_share_no_home_and_no_secret() -> None:
    spec = pods(SYNCED)["dag-processor"]
    homes, secrets = set(), set()
    for container in spec["initContainers"] + spec["containers"][1:]:
        homes.add(mounts(container)["/tmp"]["subPath"])
        secrets.add((container["name"].removesuffix("-init"), mounts(container)["/etc/git-secret"]["name"]))
    assert homes == {"git-sync-data", "git-sync-ml"}
    assert secrets == {("git-sync-data", "git-sync-data"), ("git-sync-ml", "git-sync-ml")}


def paths_of(volume: Object) -> dict[str, tuple[str, str]]:
    """Files of a projected volume: the kind and name of what each is from."""
    found = {}
    for source in volume["projected"]["sources"]:
        for kind, body in source.items():
            found |= {item["path"]: (f"{kind}/{body['name']}", item["key"]) for item in body["items"]}
    return found


def test_secrets_of_git_are_files_that_the_group_reads() -> None:
    spec = pods(SYNCED)["worker"]
    volumes = named(spec["volumes"])
    assert paths_of(volumes["git-sync-data"]) == {
        "username": ("secret/git-token", "username"),
        "password": ("secret/git-token", "token"),
        "ca.crt": ("configMap/corporate-ca", "ca.crt"),
    }
    assert paths_of(volumes["git-sync-ml"]) == {
        "ssh": ("secret/deploy-key", "ssh-privatekey"),
        "known_hosts": ("configMap/airflow-git-sync", "ml.known_hosts"),
    }
    assert volumes["git-sync-ml"]["projected"]["defaultMode"] == 0o440
    assert spec["securityContext"]["fsGroup"] == 0
    # ssh refuses a user that the image has no name for, and a key of its own user that a group reads.
    assert {one["securityContext"]["runAsUser"] for one in spec["initContainers"]} == {65533}
    git_sync = named(spec["initContainers"])
    assert env(git_sync["git-sync-data-init"])["GITSYNC_PASSWORD_FILE"] == "/etc/git-secret/password"
    assert env(git_sync["git-sync-data-init"])["GIT_SSL_CAINFO"] == "/etc/git-secret/ca.crt"
    assert env(git_sync["git-sync-ml-init"])["GITSYNC_SSH_KEY_FILE"] == "/etc/git-secret/ssh"
    assert env(git_sync["git-sync-ml-init"])["GITSYNC_SSH_KNOWN_HOSTS"] == "true"
    assert env(git_sync["git-sync-ml-init"])["GITSYNC_SSH_KNOWN_HOSTS_FILE"] == "/etc/git-secret/known_hosts"


def test_host_keys_are_waived_by_name_only() -> None:
    waived = {**SSH, "knownHosts": None, "knownHostsWaived": True}
    spec = pods({**BASE, "airflow_git_sync_repositories": {"a": waived, "b": SSH}})["worker"]
    git_sync = named(spec["initContainers"])
    assert env(git_sync["git-sync-a-init"])["GITSYNC_SSH_KNOWN_HOSTS"] == "false"
    assert env(git_sync["git-sync-b-init"])["GITSYNC_SSH_KNOWN_HOSTS"] == "true"


def test_host_keys_that_a_person_wrote_are_in_a_config_map() -> None:
    (item,) = render(load(SYNCED), "git_sync")
    assert item["data"] == {"ml.known_hosts": SSH["knownHosts"]}
    assert render(load({**BASE, "airflow_git_sync_repositories": {"data": HTTPS}}), "git_sync") == []
    assert render(load(BASE), "git_sync") == []


@pytest.mark.parametrize("component", ["dag-processor", "worker"])
def test_each_repository_is_a_bundle_of_airflow_3(component: str) -> None:
    found = bundles(SYNCED)
    assert set(found) == {"data", "ml", "dagops-canary"}
    assert found["data"]["kwargs"]["path"] == "/opt/airflow/git/data/current/teams/dags"
    assert found["ml"]["kwargs"]["path"] == "/opt/airflow/git/ml/current"
    spec = pods(SYNCED)[component]
    mount = mounts(spec["containers"][0])[names.GIT_FOLDER]
    assert (mount["name"], mount["readOnly"]) == ("git-sync", True)


def test_airflow_looks_as_often_as_something_may_come() -> None:
    assert config.settings(load(SYNCED))["dag_processor"]["bundle_refresh_check_interval"] == 1
    assert bundles(SYNCED)["ml"]["kwargs"]["refresh_interval"] == 2
    assert "bundle_refresh_check_interval" not in config.settings(load(BASE))["dag_processor"]
    # One that was pushed a moment ago may be pushed again.
    assert config.settings(load(SYNCED))["core"]["min_serialized_dag_update_interval"] == 1
    assert "min_serialized_dag_update_interval" not in config.settings(load(BASE))["core"]
    assert config.settings(load({**SYNCED, **OLD}))["scheduler"]["dag_dir_list_interval"] == 2
    assert "dag_dir_list_interval" not in config.settings(load({**BASE, **OLD}))["scheduler"]


def test_links_lead_from_the_dags_folder_of_airflow_2() -> None:
    spec = pods(CASES["git-sync-2.11"])["dag-processor"]
    link = named(spec["initContainers"])["dags-links"]
    assert spec["initContainers"][-1] is link
    # What the links lead to is there under the same paths, so that they mean the same to both.
    wanted = {
        "dags-volume": "/opt/airflow/dags-volume",
        "data": "/opt/airflow/git/data/current/teams/dags",
        "ml": "/opt/airflow/git/ml/current",
    }
    assert link["command"][2].splitlines() == [f"ln -sfn {to} /opt/airflow/dags/{name}" for name, to in wanted.items()]
    container = spec["containers"][0]
    assert mounts(link)[names.DAGS_FOLDER]["name"] == mounts(container)[names.DAGS_FOLDER]["name"] == "dags"
    assert {names.GIT_FOLDER, names.DAGS_VOLUME_FOLDER} <= set(mounts(container))
    assert env(container)["PYTHONPATH"].split(":") == [f"/opt/airflow/dags/{name}" for name in wanted]


def test_links_are_made_where_dags_are_read(tmp_path: Path) -> None:
    """By the shell that makes them, and again when a pod's node has restarted."""
    script = named(pods(CASES["git-sync-2.11"])["worker"]["initContainers"])["dags-links"]["command"][2]
    for folder in ("dags", "dags-volume", "git/ml/first", "git/data/current/teams/dags"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "git/ml/current").symlink_to("first")
    (tmp_path / "git/ml/first/a.py").write_text("A = 1\n")
    for _again in range(2):
        subprocess.run(["sh", "-ec", script.replace("/opt/airflow", str(tmp_path))], check=True)
    assert sorted(path.name for path in (tmp_path / "dags").iterdir()) == ["dags-volume", "data", "ml"]
    assert (tmp_path / "dags/ml/a.py").read_text() == "A = 1\n"


def test_a_person_sets_the_import_path() -> None:
    variables = {**SYNCED, **OLD, "airflow_core_env": [{"name": "PYTHONPATH", "value": "/mine"}]}
    assert env(pods(variables)["dag-processor"]["containers"][0])["PYTHONPATH"] == "/mine"


def test_a_volume_is_mounted_read_only_where_dags_are_read() -> None:
    found = {
        component: mounts(spec["containers"][0]).get(names.DAGS_FOLDER)
        for component, spec in pods(CASES["dags-volume"]).items()
    }
    mount = {"name": "dags-volume", "mountPath": names.DAGS_FOLDER, "readOnly": True, "subPath": "live"}
    assert {component: one for component, one in found.items() if one} == {"dag-processor": mount, "worker": mount}
    assert set(bundles(CASES["dags-volume"])) == {"dags-folder", "dagops-canary"}


def claims(case: str) -> list[str]:
    items = render_all(load(CASES[case]))
    return [item["metadata"]["name"] for item in items if item["kind"] == "PersistentVolumeClaim"]


def test_a_claim_is_made_unless_one_is_named() -> None:
    assert "airflow-dags" in claims("dags-volume")
    assert "airflow-dags" not in claims("git-sync-2.11")


def test_a_claim_that_is_read_only_is_used_so() -> None:
    volume = named(pods(CASES["git-sync-2.11"])["dag-processor"]["volumes"])["dags-volume"]
    assert volume["persistentVolumeClaim"] == {"claimName": "my-dags", "readOnly": True}


def test_the_dags_of_the_image_are_the_default() -> None:
    assert set(bundles(BASE)) == {"dags-folder", "dagops-canary"}
    assert "dags-folder" not in bundles(SYNCED)
    assert "dags-folder" not in bundles(BUNDLES)


# --- bundles of Airflow 3 ---


def test_bundles_have_their_classes() -> None:
    found = bundles(BUNDLES)
    assert set(found) == {"data", "ml", "site", "lake", "google", "dagops-canary"}
    assert found["data"] == {
        "name": "data",
        "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
        "kwargs": {
            "git_conn_id": "dagops_bundle_data",
            "repo_url": HTTPS["url"],
            "tracking_ref": "v1.2",
            "subdir": "teams/dags",
            "refresh_interval": 60,
            "submodules": True,
        },
    }
    assert found["site"]["kwargs"] == {"path": "/srv/dags", "refresh_interval": 60}
    assert found["lake"]["classpath"] == "airflow.providers.amazon.aws.bundles.s3.S3DagBundle"
    assert found["lake"]["kwargs"]["bucket_name"] == "lake"
    assert found["google"]["classpath"] == "airflow.providers.google.cloud.bundles.gcs.GCSDagBundle"
    assert found["google"]["kwargs"]["prefix"] == ""


def connections(component: str) -> dict[str, Object]:
    variables = env(pods(BUNDLES)[component]["containers"][0])
    return {
        name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)
        for name, value in variables.items()
        if name.startswith("AIRFLOW_CONN_")
    }


@pytest.mark.parametrize("component", ["dag-processor", "worker"])
def test_connections_are_there_for_what_fetches(component: str) -> None:
    found = connections(component)
    wanted = {
        one["kwargs"][key]
        for one in bundles(BUNDLES).values()
        for key in ("git_conn_id", "aws_conn_id", "gcp_conn_id")
        if key in one["kwargs"]
    }
    assert set(found) == wanted
    folder = f"{names.BUNDLES_FOLDER}/ml"
    assert found["dagops_bundle_ml"]["extra"] == {
        "key_file": f"{folder}/ssh",
        "known_hosts_file": f"{folder}/known_hosts",
        "strict_host_key_checking": "yes",
    }
    container = pods(BUNDLES)[component]["containers"][0]
    assert paths_of(named(pods(BUNDLES)[component]["volumes"])[mounts(container)[folder]["name"]]) == {
        "ssh": ("secret/deploy-key", "ssh-privatekey"),
        "known_hosts": ("configMap/airflow-config", "bundle-ml.known_hosts"),
    }


@pytest.mark.parametrize("component", ["api-server", "scheduler", "triggerer"])
def test_nothing_else_has_what_bundles_are_fetched_with(component: str) -> None:
    assert connections(component) == {}
    assert not [volume for volume in pods(BUNDLES)[component]["volumes"] if volume["name"].startswith("bundle-")]


def test_the_keys_of_a_bucket_come_from_a_secret() -> None:
    variables = pods(BUNDLES)["worker"]["containers"][0]["env"]
    connection = connections("worker")["dagops_bundle_lake"]
    order = [variable["name"] for variable in variables]
    for part, key in (("login", "username"), ("password", "password")):
        name = f"DAGOPS_BUNDLE_LAKE_{part.upper()}"
        assert connection[part] == f"$({name})"
        assert named(variables)[name]["valueFrom"]["secretKeyRef"] == {"name": "s3-keys", "key": key}
        # The kubelet puts in only what comes before.
        assert order.index(name) < order.index("AIRFLOW_CONN_DAGOPS_BUNDLE_LAKE")


def asked(environment: dict[str, str], url: str) -> dict[str, str]:
    """What git finds out of a user and a token for an address."""
    protocol, _colon, rest = url.partition("://")
    host, _slash, path = rest.partition("/")
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=f"protocol={protocol}\nhost={host}\npath={path}\n\n",
        env={**os.environ, **environment, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


@pytest.mark.parametrize("ending", ["", "\n"])
def test_git_reads_the_token_of_its_repository_alone(ending: str, tmp_path: Path) -> None:
    variables = env(pods(BUNDLES)["dag-processor"]["containers"][0])
    settings = {key: value for key, value in variables.items() if key.startswith("GIT_CONFIG_")}
    moved = json.loads(json.dumps(settings).replace(names.BUNDLES_FOLDER, str(tmp_path)))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/username").write_text(f"bot{ending}")
    token = 'with "quotes", \\backslash and $(sub)'
    (tmp_path / "data/password").write_text(f"{token}{ending}")
    found = asked(moved, HTTPS["url"])
    assert (found["username"], found["password"]) == ("bot", token)
    assert "password" not in asked(moved, "https://git.example.com/other/dags.git")
    assert "password" not in asked(moved, "https://example.com/data/dags.git")


def test_no_secret_is_in_the_environment_of_git_bundles() -> None:
    for variable in pods(BUNDLES)["worker"]["containers"][0]["env"]:
        source = variable.get("valueFrom", {}).get("secretKeyRef")
        assert source is None or source["name"] == "s3-keys"


def test_a_bundle_is_fetched_by_identity_where_no_key_is_given() -> None:
    lake = {"kind": "s3", "url": "s3://lake"}
    google = {"kind": "gcs", "url": "gs://lake"}
    spec = pods({**BASE, "airflow_core_dag_bundles": {"lake": lake, "google": google}})["worker"]
    variables = env(spec["containers"][0])
    assert json.loads(variables["AIRFLOW_CONN_DAGOPS_BUNDLE_LAKE"]) == {"conn_type": "aws", "extra": {}}
    assert json.loads(variables["AIRFLOW_CONN_DAGOPS_BUNDLE_GOOGLE"])["extra"] == {}


def test_dashes_of_a_name_are_none_of_its_connection() -> None:
    assert names.connection_id("data-team-1") == "dagops_bundle_data_team_1"


PAGE = (Path(__file__).parents[5] / "docs/dags.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_work(number: int) -> None:
    assert render_all(load({**BASE, **yaml.safe_load(EXAMPLES[number])}))


def test_the_documentation_shows_every_variable() -> None:
    shown = {name for example in EXAMPLES for name in yaml.safe_load(example)}
    assert {name for name in VALUE_VARIABLES if name.startswith(("airflow_git_sync_", "airflow_core_dags_"))} <= shown
    assert "airflow_core_dag_bundles" in shown
