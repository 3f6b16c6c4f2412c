"""Each of the real parts answers what Airflow's own image asks of it, in the cluster and as any user.

Run with: tools/run --dev pytest tests/e2e/test_parts.py   (the cluster is up with the image of Airflow: make images)
"""

from __future__ import annotations

import dataclasses
import json
import textwrap
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests.e2e import parts
from tests.e2e.support import CLUSTER

NAME = "parts-client"
AIRFLOW = "localhost/airflow:3.3.2"
PERIOD = 2
"""Seconds between two syncs."""


@dataclasses.dataclass(frozen=True)
class Client:
    """A pod of Airflow's image, beside two of git-sync, that knows of every part what an instance would."""

    cluster: Cluster

    def run(self, script: str, *, fails: bool = False) -> str:
        """What a script prints; what it complains of, where it has to fail."""
        command = ["bash", "-euc", textwrap.dedent(script)]
        done = self.cluster.exec(NAME, NAME, "airflow", command, timeout=120)
        assert bool(done.rc) == fails, done.stdout + done.stderr
        return (done.stderr if fails else done.stdout).strip()

    def python(self, code: str, *, fails: bool = False) -> str:
        return self.run(f"exec python -W ignore - <<'CODE'\n{textwrap.dedent(code)}\nCODE\n", fails=fails)


@pytest.fixture(scope="module")
def brought() -> t.Iterator[dict[str, parts.Part]]:
    tried = (parts.GitServer, parts.S3, parts.OpenSearch, parts.Redis)
    made = parts.bring_with_images(*tried, more=[AIRFLOW, parts.GIT_SYNC])
    yield made
    for part in made.values():
        parts.take_away(part.cluster, type(part))


@pytest.fixture(scope="module")
def git(brought: dict[str, parts.Part]) -> parts.GitServer:
    server = t.cast("parts.GitServer", brought["git-server"])
    server.commit("dags", {"team/first.py": "first", "team/old.py": "old"})
    return server


@pytest.fixture(scope="module")
def client(brought: dict[str, parts.Part], git: parts.GitServer) -> t.Iterator[Client]:
    cluster = connect(CLUSTER)
    cluster.delete(kinds.named("Pod"), NAME, NAME)
    cluster.apply(parts.namespace(NAME))
    known = {name: part.facts() for name, part in brought.items()}
    told = {
        "ssh": known["git-server"]["ssh_key"],
        "known_hosts": known["git-server"]["known_hosts"],
        "git-ca.crt": known["git-server"]["ca_certificate"],
        "opensearch-ca.crt": known["opensearch"]["ca_certificate"],
        "password": known["git-server"]["password"],
        "facts.json": json.dumps(known),
    }
    meta = {"name": NAME, "namespace": NAME}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": told}, force=True)
    deadline = time.monotonic() + 180
    pod = made(cluster, client_pod(git))
    while not all(status.get("ready") for status in pod["status"].get("containerStatuses") or [{}]):
        assert time.monotonic() < deadline, pod["status"]
        time.sleep(0.5)
        pod = t.cast("Object", cluster.get(kinds.named("Pod"), NAME, NAME))
    yield Client(cluster)
    cluster.delete(kinds.named("Namespace"), NAME)


def made(cluster: Cluster, pod: Object) -> Object:
    """A pod, once the one before it is gone."""
    deadline = time.monotonic() + 60
    while cluster.get(kinds.named("Pod"), NAME, NAME):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return cluster.create(pod)


def client_pod(git: parts.GitServer) -> Object:
    told = {"name": "told", "mountPath": "/etc/git-secret", "readOnly": True}
    synced = {"name": "synced", "mountPath": "/git"}
    small = {"requests": {"cpu": "20m", "memory": "64Mi"}}

    def git_sync(way: str, variables: dict[str, str]) -> Object:
        given = {"LINK": way, "ROOT": f"/git/of-{way}", "PERIOD": f"{PERIOD}s", "MAX_FAILURES": "-1", **variables}
        return {
            "name": way,
            "image": parts.GIT_SYNC,
            "env": [{"name": f"GITSYNC_{name}", "value": value} for name, value in given.items()],
            "volumeMounts": [told, synced],
            "readinessProbe": {"httpGet": {"path": "/", "port": int(given["HTTP_BIND"][1:])}, "periodSeconds": 1},
            "securityContext": parts.CONTAINER_SECURITY,
            "resources": small,
        }

    by_ssh = {"REPO": git.ssh_url("dags"), "ADD_USER": "true", "HTTP_BIND": ":9001"}
    by_https = {
        "REPO": git.https_url("dags"),
        "REF": "main",
        "USERNAME": git.user,
        "PASSWORD_FILE": "/etc/git-secret/password",
        "GIT_CONFIG": "http.sslCAInfo:/etc/git-secret/git-ca.crt",
        "HTTP_BIND": ":9002",
    }
    airflow = {
        "name": "airflow",
        "image": AIRFLOW,
        "command": ["sleep", "infinity"],
        "volumeMounts": [told, synced],
        "securityContext": parts.CONTAINER_SECURITY,
        "resources": small,
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": parts.pod_security(50000),
        "containers": [airflow, git_sync("ssh", by_ssh), git_sync("https", by_https)],
        "volumes": [
            {"name": "told", "secret": {"secretName": NAME, "defaultMode": 0o440}},
            {"name": "synced", "emptyDir": {}},
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "namespace": NAME}, "spec": spec}


SSH = "ssh -i /etc/git-secret/ssh -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/git-secret/known_hosts"


class TestGit:
    def test_the_image_of_airflow_clones_by_ssh(self, client: Client, git: parts.GitServer) -> None:
        clone = f"GIT_SSH_COMMAND='{SSH}' git clone --quiet {git.ssh_url('dags')} $(mktemp --directory)/dags"
        assert client.run(f"{clone}; cat /tmp/*/dags/team/first.py; rm -rf /tmp/*/dags") == "first"

    def test_the_image_of_airflow_clones_by_https(self, client: Client, git: parts.GitServer) -> None:
        url = git.https_url("dags").replace("//", f"//{git.user}:$(cat /etc/git-secret/password)@")
        clone = f"GIT_SSL_CAINFO=/etc/git-secret/git-ca.crt git clone --quiet {url} $(mktemp --directory)/dags"
        assert client.run(f"{clone}; cat /tmp/*/dags/team/first.py; rm -rf /tmp/*/dags") == "first"

    def test_an_unknown_host_is_refused(self, client: Client, git: parts.GitServer) -> None:
        strict = SSH.replace("/etc/git-secret/known_hosts", "/dev/null")
        said = client.run(f"GIT_SSH_COMMAND='{strict}' git ls-remote {git.ssh_url('dags')}", fails=True)
        assert "Host key verification failed" in said

    @pytest.mark.parametrize("way", ["ssh", "https"])
    def test_the_stand_in_for_git_sync_brings_a_commit_in_time(
        self, client: Client, git: parts.GitServer, way: str
    ) -> None:
        commit = git.commit("dags", {"team/first.py": f"for {way}", "team/old.py": None, "team/new.py": "new"})
        wait = f"until [ $(basename $(readlink /git/of-{way}/{way})) = {commit} ]; do sleep 0.1; done"
        client.run(f"timeout {PERIOD + 5} bash -c '{wait}'")
        assert client.run(f"cat /git/of-{way}/{way}/team/first.py; echo; ls /git/of-{way}/{way}/team").split("\n") == [
            f"for {way}",
            "first.py",
            "new.py",
        ]

    def test_branches_and_tags_can_be_made(self, client: Client, git: parts.GitServer) -> None:
        commit = git.commit("dags", {"only.py": "there"}, branch="release")
        git.git("dags", "tag", "v1", commit)
        listed = client.run(f"GIT_SSH_COMMAND='{SSH}' git ls-remote {git.ssh_url('dags')} release v1")
        assert listed.split() == [commit, "refs/heads/release", commit, "refs/tags/v1"]


CODE = """\
import json, pathlib
facts = json.loads(pathlib.Path("/etc/git-secret/facts.json").read_text())
"""
S3 = f"""\
{CODE}
import boto3
s3 = facts["s3"]
keys = dict(aws_access_key_id=s3["access_key"], aws_secret_access_key=s3["secret_key"])
def client(**more):
    return boto3.client("s3", endpoint_url=s3["endpoint"], region_name=s3["region"], **{{**keys, **more}})
"""


class TestS3:
    def test_what_is_put_is_got(self, client: Client) -> None:
        code = """
for bucket in s3["buckets"]:
    client().put_object(Bucket=bucket, Key="dag/run/1.log", Body=b"a line")
    print(client().get_object(Bucket=bucket, Key="dag/run/1.log")["Body"].read().decode())
    client().delete_object(Bucket=bucket, Key="dag/run/1.log")
    print(client().list_objects_v2(Bucket=bucket, Prefix="dag/")["KeyCount"])
"""
        assert client.python(S3 + code).split("\n") == ["a line", "0"] * 2

    @pytest.mark.parametrize(
        ("call", "why"),
        [
            ('client().put_object(Bucket="nope", Key="x", Body=b"")', "NoSuchBucket"),
            ('client(aws_secret_access_key="wrong").list_buckets()', "SignatureDoesNotMatch"),
        ],
    )
    def test_what_is_wrong_is_refused(self, client: Client, call: str, why: str) -> None:
        assert why in client.python(S3 + call, fails=True)

    def test_airflows_hook_reads_and_writes(self, client: Client) -> None:
        code = """
import os
extra = {"endpoint_url": s3["endpoint"], "region_name": s3["region"]}
connection = {"conn_type": "aws", "login": s3["access_key"], "password": s3["secret_key"], "extra": extra}
os.environ["AIRFLOW_CONN_STORE"] = json.dumps(connection)
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
hook = S3Hook("store")
hook.load_string("by the hook", "hook.txt", bucket_name=s3["buckets"][0], replace=True)
print(hook.read_key("hook.txt", s3["buckets"][0]))
"""
        assert client.python(S3 + code).split("\n")[-1] == "by the hook"


OPENSEARCH = f"""\
{CODE}
from opensearchpy import OpenSearch
search = facts["opensearch"]
plain = OpenSearch(search["url"])
def proxied(password):
    return OpenSearch(search["https_url"], http_auth=(search["username"], password),
                      ca_certs="/etc/git-secret/opensearch-ca.crt")
"""


class TestOpenSearch:
    def test_what_is_indexed_is_found_in_its_order(self, client: Client) -> None:
        code = """
for offset in (2, 1):
    body = {"log_id": "dag-run-task", "offset": offset, "message": f"line {offset}"}
    plain.index(index="logs", id=offset, body=body, refresh=True)
query = {"query": {"match_phrase": {"log_id": "dag-run-task"}}, "sort": ["offset"]}
found = proxied(search["password"]).search(index="logs", body=query)
print(*(hit["_source"]["message"] for hit in found["hits"]["hits"]), sep=",")
plain.indices.delete(index="logs")
"""
        assert client.python(OPENSEARCH + code) == "line 1,line 2"

    def test_a_wrong_password_is_refused_by_https(self, client: Client) -> None:
        assert "AuthenticationException" in client.python(OPENSEARCH + 'proxied("wrong").info()', fails=True)


class TestRedis:
    def test_it_answers_who_has_the_password(self, client: Client) -> None:
        code = 'import redis\nprint(redis.from_url(facts["redis"]["url"]).ping())'
        assert client.python(CODE + code) == "True"

    def test_it_refuses_who_has_not(self, client: Client) -> None:
        code = 'import redis\nredis.Redis(facts["redis"]["host"], password="wrong").ping()'
        assert "invalid username-password pair" in client.python(CODE + code, fails=True)

    def test_it_can_be_taken_away_for_a_while(self, client: Client, brought: dict[str, parts.Part]) -> None:
        brought["redis"].scale(0)
        code = 'import redis\nredis.from_url(facts["redis"]["url"], socket_timeout=2, socket_connect_timeout=2).ping()'
        assert "Error" in client.python(CODE + code, fails=True)
        brought["redis"].scale(1)
        # What leads a Service's clients to a new pod is set a moment after the pod is ready.
        patient = """
import time

import redis

deadline = time.monotonic() + 30
while True:
    try:
        redis.from_url(facts["redis"]["url"], socket_timeout=2, socket_connect_timeout=2).ping()
        break
    except (redis.ConnectionError, redis.TimeoutError):
        if time.monotonic() > deadline:
            raise
        time.sleep(0.5)
"""
        assert client.python(CODE + patient) == ""


def test_what_is_brought_again_is_left_as_it_is(brought: dict[str, parts.Part]) -> None:
    again = parts.bring(brought["git-server"].cluster, parts.GitServer)
    assert again.facts() == brought["git-server"].facts()
