"""playbooks/site.yml with bad inventories: one clear sentence each, no traceback at -vvv, and nothing changed.

Each start of ansible-playbook has a handful of hosts, each with a mistake of its own.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import typing as t

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests.api.plays import PLUGINS, ROOT, classes
from tests.api.states import Snapshot, snapshot

Variables = dict[str, t.Any]

VOLUME: Variables = {"airflow_logging_store": "volume", "airflow_logging_volume": {"size": "1Gi"}}
SAMPLE_KEY = "81HqDtbqAywKSOumSha3BhWNOdQ26slT6K0YaZeZyP"
"""As short as the one of a well-known tutorial: 43 characters with its end."""
KEY = "Zm9yIHRlc3RzIG9ubHksIDMyIGJ5dGVzIGxvbmcuLi4="
OTHER_KEY = "b3RoZXIgdGVzdHMgb25seSwgMzIgYnl0ZXMgbG9uZy4="
SECRET = "hunter2-is-no-password"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """How a start of ansible-playbook ended."""

    code: int
    output: str
    messages: dict[str, str]
    """Of each host that failed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """playbooks/site.yml as people run it."""

    kubeconfig: str
    folder: pathlib.Path
    cluster: Cluster

    def run(self, hosts: t.Mapping[str, Variables], *arguments: str, **environment: str) -> Told:
        shared = {"ansible_connection": "local", "airflow_kubeconfig": self.kubeconfig, **VOLUME}
        # As text: a vault's tag is none of plain YAML.
        inventory = {"airflow": {"hosts": dict(hosts), "vars": shared}}
        number = len(list(self.folder.iterdir()))
        file, results = self.folder / f"{number}.yml", self.folder / f"{number}.jsonl"
        file.write_text(yaml.dump(inventory, Dumper=Dumper, sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(file), str(ROOT / "playbooks" / "site.yml")]
        done = subprocess.run(
            [*command, "--forks=4", "-vvv", *arguments],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")},
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "results",
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "RESULTS_FILE": str(results),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        kept = [json.loads(line) for line in lines]
        messages = {one["host"]: one["result"]["msg"] for one in kept if one["result"].get("failed")}
        return Told(code=done.returncode, output=done.stdout + done.stderr, messages=messages)

    def refused(self, hosts: t.Mapping[str, tuple[Variables, t.Sequence[str]]], *arguments: str, **more: str) -> Told:
        """A run in which every host is refused with its words, and which changes nothing."""
        before = kept(snapshot(self.cluster))
        told = self.run({host: variables for host, (variables, _words) in hosts.items()}, *arguments, **more)
        assert told.code not in (0, 4), told.output[-3000:]
        assert "Traceback" not in told.output, told.output[told.output.index("Traceback") - 500 :][:3000]
        assert "full traceback" not in told.output
        assert SECRET not in told.output
        assert set(told.messages) == set(hosts), told.output[-3000:]
        for host, (_variables, words) in hosts.items():
            message = told.messages[host]
            assert "\n" not in message, message
            missing = [word for word in words if word not in message]
            assert not missing, message
        assert kept(snapshot(self.cluster)) == before
        return told


def kept(found: Snapshot) -> Snapshot:
    """Without what the API server itself keeps changing: its own Leases."""
    return {
        namespace: {name: obj for name, obj in objects.items() if not name.startswith("Lease/apiserver")}
        for namespace, objects in found.items()
    }


class Tagged(str):
    """Text that Ansible is to decrypt."""

    __slots__ = ()


class Dumper(yaml.SafeDumper):
    """YAML with Ansible's tag."""


Dumper.add_representer(Tagged, lambda dumper, text: dumper.represent_scalar("!vault", text, style="|"))


@pytest.fixture
def bad(kubeconfig: str, cluster: Cluster, tmp_path: pathlib.Path) -> t.Iterator[Site]:
    with classes(cluster):
        yield Site(kubeconfig=kubeconfig, cluster=cluster, folder=tmp_path)


# --- variables ---


def test_variables(bad: Site) -> None:
    bad.refused(
        {
            "misspelt": ({"airflow_core_schedular": {}}, ["airflow_core_schedular", "did you mean 'airflow_core_sch"]),
            "type": ({"airflow_core_scheduler": {"replicas": "two"}}, ["airflow_core_scheduler.replicas", '"two"']),
            "several": (
                {"airflow_core_executor": "CeleriExecutor", "airflow_core_scheduler": {"replicas": "two"}},
                ["airflow_core_executor", "CeleriExecutor is none of", "airflow_core_scheduler.replicas"],
            ),
            "survey": ({"airflow_wait_timeout": "10m"}, ["airflow_wait_timeout must be a whole number"]),
            "consent": ({"airflow_prune": "perhaps"}, ["airflow_prune must be true or false"]),
            "undefined": ({"airflow_core_base_url": "https://{{ nowhere }}"}, ["airflow_core_base_url", "'nowhere'"]),
            "syntax": ({"airflow_core_base_url": "https://{{ nowhere"}, ["airflow_core_base_url cannot be read"]),
            "undefined-secret": (
                {"airflow_core_admin_password": "{{ nowhere }}"},
                ["airflow_core_admin_password cannot be read", "'nowhere'"],
            ),
            "env": (
                {"airflow_core_env": [{"name": "SMTP_PASSWORD", "value": SECRET}]},
                ["airflow_core_env[0].value would show a secret"],
            ),
            "Upper": ({}, ['airflow_instance is "Upper"', "lower-case"]),
            "n" * 41: ({}, ["airflow_instance is", "at most 40"]),
            "1e3": ({}, ['airflow_instance is "1e3"']),
        }
    )


def test_a_vault_that_cannot_be_opened(bad: Site) -> None:
    locked = Tagged("$ANSIBLE_VAULT;1.1;AES256\n" + "36" * 40 + "\n" + "36" * 40 + "\n")
    told = bad.refused(
        {
            "locked": ({"airflow_core_fernet_key": locked}, ["airflow_core_fernet_key", "vault"]),
            "value": ({"airflow_core_base_url": locked}, ["airflow_core_base_url", "vault"]),
        }
    )
    assert "36" * 40 not in told.messages["locked"]


def test_secrets(bad: Site) -> None:
    external = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
    bad.refused(
        {
            "short-key": (
                {"airflow_core_fernet_key": SAMPLE_KEY + "="},
                ["airflow_core_fernet_key holds no valid Fernet key: it has 43 characters"],
            ),
            "short-jwt": ({"airflow_core_jwt_secret": SECRET}, ["airflow_core_jwt_secret has 22 bytes"]),
            "no-password": (external, ["airflow_database_password is required"]),
            "config": (
                {"airflow_core_config": {"core": {"fernet_key": SECRET}}},
                ["airflow_core_config.core.fernet_key would put a secret into a ConfigMap"],
            ),
        }
    )


def test_another_fernet_key_than_the_existing_one(bad: Site, namespace: str) -> None:
    make_secret(bad.cluster, namespace, "keyed-fernet-key", "keyed", **{"fernet-key": KEY})
    bad.refused(
        {
            "keyed": (
                {"airflow_namespace": namespace, "airflow_core_fernet_key": OTHER_KEY},
                ["airflow_core_fernet_key is not the key that this instance uses"],
            )
        }
    )


def make_secret(cluster: Cluster, namespace: str, name: str, instance: str = "", **data: str) -> None:
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/instance": instance}}
    content = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": content})


# --- what should be there ---


def test_what_is_named_and_is_not_there(bad: Site, namespace: str) -> None:
    make_secret(bad.cluster, namespace, "half", username="airflow")
    external = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
    hosts: dict[str, tuple[Variables, list[str]]] = {
        "class": (
            {"airflow_logging_store": "volume", "airflow_logging_volume": {"storageClassName": "efs"}},
            ["StorageClass 'efs', which the cluster does not have; it has default"],
        ),
        "pull": ({"airflow_image_pull_secrets": ["pull"]}, ["airflow_image_pull_secrets names Secret 'pull'"]),
        "priority": (
            {"airflow_core_scheduler": {"priorityClassName": "high"}},
            ["airflow_core_scheduler.priorityClassName names PriorityClass 'high'"],
        ),
        "ingress": (
            {
                "airflow_ingress_enabled": True,
                "airflow_ingress_class_name": "traefik",
                "airflow_ingress_tls_secret": "tls",
                "airflow_core_base_url": "https://airflow.example.com",
            },
            [
                "airflow_ingress_class_name names IngressClass 'traefik'",
                "airflow_ingress_tls_secret names Secret 'tls'",
            ],
        ),
        "credentials": (
            {**external, "airflow_database_credentials": {"name": "nowhere"}},
            ["airflow_database_credentials.name names Secret 'nowhere', which does not exist in namespace"],
        ),
        "half": (
            {**external, "airflow_database_credentials": {"name": "half"}},
            ["airflow_database_credentials names Secret half with the key password, which is not there"],
        ),
        "env": (
            {"airflow_core_env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "a"}}}]},
            ["airflow_core_env[0].secretKeyRef names Secret 'mine'"],
        ),
        "claim": (
            {"airflow_logging_store": "volume", "airflow_logging_volume": {"existingClaim": "mine"}},
            ["airflow_logging_volume.existingClaim names PersistentVolumeClaim 'mine'"],
        ),
        "dags": (
            {
                "airflow_git_sync_repositories": {
                    "data": {"url": "https://git.example.com/dags", "credentials": {"name": "mine"}}
                },
                "airflow_core_dag_bundles": {
                    "ml": {"url": "https://git.example.com/ml", "ref": "main", "ca": {"configMap": "mine"}}
                },
            },
            [
                "airflow_git_sync_repositories.data.credentials.name names Secret 'mine'",
                "airflow_core_dag_bundles.ml.ca.configMap names ConfigMap 'mine'",
            ],
        ),
        "account": (
            {"airflow_rbac_service_accounts": {"worker": {"name": "mine"}}},
            ["airflow_rbac_service_accounts.worker.name names ServiceAccount 'mine'"],
        ),
        "unmanaged": (
            {"airflow_namespace": "nowhere", "airflow_rbac_namespace_managed": False},
            ["namespace nowhere does not exist and airflow_rbac_namespace_managed is false"],
        ),
    }
    bad.refused({host: ({"airflow_namespace": namespace, **given}, words) for host, (given, words) in hosts.items()})


def test_namespaces_of_others(bad: Site, namespace: str, cluster: Cluster) -> None:
    kind = kinds.named("Namespace")
    labels = {"app.kubernetes.io/managed-by": "dagops.airflow", "app.kubernetes.io/instance": "another"}
    cluster.patch(kind, namespace, None, {"metadata": {"labels": labels}})
    bad.refused({"mine": ({"airflow_namespace": namespace}, ["belongs to the Airflow instance another"])})
    cluster.patch(kind, namespace, None, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}})
    bad.refused(
        {
            "mine": ({"airflow_namespace": namespace}, ["is managed by Helm: choose another airflow_namespace"]),
            "system": ({"airflow_namespace": "kube-system"}, ["airflow_namespace", "Kubernetes' own"]),
        }
    )


def test_quotas(bad: Site, namespace: str, cluster: Cluster) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": namespace},
        "spec": {"hard": {"requests.memory": "1Gi", "pods": "3"}},
    }
    cluster.create(quota)
    small = {"airflow_rbac_quota": {"limits.cpu": "1"}}
    bad.refused(
        {
            "theirs": (
                {"airflow_namespace": namespace},
                ["ResourceQuota/team allows 1Gi of requests.memory, but the instance needs", "allows 3 of pods"],
            ),
            "own": (small, ["ResourceQuota/own-quota allows 1 of limits.cpu", "airflow_rbac_quota"]),
        }
    )


def test_what_only_the_api_server_knows_is_refused_before_the_first_object(bad: Site, namespace: str) -> None:
    shape = {"spec": {"template": {"spec": {"dnsPolicy": "Sometimes"}}}}
    bad.refused(
        {
            "wrong": (
                {"airflow_namespace": namespace, "airflow_overrides": {"Deployment/wrong-scheduler": shape}},
                ["Deployment", "wrong-scheduler", "dnsPolicy"],
            )
        }
    )


# --- the cluster ---


def config_of(server: str, *, ca: str | None = None, **user: str) -> Object:
    cluster = {"server": server, **({"certificate-authority-data": ca} if ca else {})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "current-context": "it",
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kubeconfigs:
    """Kubeconfigs in a folder, beside the right one."""

    folder: pathlib.Path
    right: str

    @property
    def cluster(self) -> dict[str, str]:
        content = yaml.safe_load(pathlib.Path(self.right).read_text(encoding="utf-8"))
        found: dict[str, str] = content["clusters"][0]["cluster"]
        return found

    @property
    def ca(self) -> str:
        data = self.cluster.get("certificate-authority-data")
        return data or base64.b64encode(pathlib.Path(self.cluster["certificate-authority"]).read_bytes()).decode()

    def write(self, name: str, content: Object | str) -> Variables:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return {"airflow_kubeconfig": str(path)}

    def with_user(self, name: str, **user: str) -> Variables:
        return self.write(name, config_of(self.cluster["server"], ca=self.ca, **user))


@pytest.fixture
def configs(kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Kubeconfigs:
    return Kubeconfigs(folder=tmp_path_factory.mktemp("kubeconfigs"), right=kubeconfig)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def test_kubeconfigs(bad: Site, configs: Kubeconfigs) -> None:
    bad.refused(
        {
            "missing": ({"airflow_kubeconfig": "/nowhere/kubeconfig"}, ["There is no kubeconfig /nowhere/kubeconfig"]),
            "malformed": (
                configs.write("malformed", "{clusters: ["),
                [f"{configs.folder}/malformed is no valid configuration"],
            ),
            "text": (configs.write("text", "hello\n"), ["kubeconfig"]),
            "empty": (configs.write("empty", ""), ["kubeconfig"]),
            "binary": (configs.write("binary", "\x00\x01"), ["is no valid configuration"]),
            "folder": ({"airflow_kubeconfig": str(configs.folder)}, ["kubeconfig"]),
            "context": ({"airflow_context": "nowhere"}, ["context nowhere"]),
            "no-url": (configs.write("no-url", config_of("nowhere")), ["must be a URL"]),
            "no-ca": (configs.write("no-ca", config_of("https://127.0.0.1:1", ca="AAAA")), ["certificates of"]),
        }
    )


def test_a_cluster_that_is_not_reached(bad: Site, configs: Kubeconfigs) -> None:
    port = configs.cluster["server"].rpartition(":")[2]
    # A listener that never answers; the backlog takes the connection.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        stuck = f"https://127.0.0.1:{silent.getsockname()[1]}"
        bad.refused(
            {
                "closed": (
                    configs.write("closed", config_of(f"https://127.0.0.1:{free_port()}")),
                    ["cannot be reached: the connection is refused"],
                ),
                "unknown": (
                    configs.write("unknown", config_of("https://nowhere.invalid:6443")),
                    ["its name cannot be resolved"],
                ),
                "untrusted": (
                    configs.write("untrusted", config_of(f"https://127.0.0.1:{port}")),
                    ["its certificate is not trusted", "ca_cert"],
                ),
                "silent": (configs.write("silent", config_of(stuck)), ["it does not answer in time"]),
                "plain": (
                    configs.write("plain", config_of(f"http://127.0.0.1:{port}")),
                    ["speaks https: write https://"],
                ),
            }
        )


def jwt(**claims: t.Any) -> str:
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def expired_certificate() -> tuple[str, str]:
    """A client's certificate that has ended, with its key, as a kubeconfig holds them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "me")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return tuple(  # type: ignore[return-value]
        base64.b64encode(one).decode() for one in (certificate.public_bytes(serialization.Encoding.PEM), pem)
    )


def test_credentials(bad: Site, configs: Kubeconfigs) -> None:
    certificate, key = expired_certificate()
    bad.refused(
        {
            "wrong-token": (
                configs.with_user("wrong-token", token=SECRET),
                ["refuses to log us in (401)", "Log in again or renew them"],
            ),
            "old-token": (
                configs.with_user("old-token", token=jwt(sub="me", exp=1577836800)),
                ["the token of kubeconfig", "expired at 2020-01-01 00:00 UTC"],
            ),
            "old-certificate": (
                configs.with_user("old-cert", **{"client-certificate-data": certificate, "client-key-data": key}),
                ["the client certificate of kubeconfig", "expired at 2020-01-02 00:00 UTC"],
            ),
        }
    )


def token_of(cluster: Cluster, namespace: str, account: str) -> str:
    meta = {"name": account, "namespace": namespace}
    cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token: str = cluster.request("POST", path, body=body)["status"]["token"]
    return token


def grant(cluster: Cluster, namespace: str, account: str, *rules: Object) -> None:
    group = "rbac.authorization.k8s.io"
    meta = {"name": account, "namespace": namespace}
    cluster.create({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": list(rules)})
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    role = {"apiGroup": group, "kind": "Role", "name": account}
    binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta}
    cluster.create({**binding, "subjects": [subject], "roleRef": role})


def test_permissions_are_named_verb_by_verb(bad: Site, configs: Kubeconfigs, cluster: Cluster, namespace: str) -> None:
    accounts = {name: token_of(cluster, namespace, name) for name in ("nobody", "reader", "no-secrets")}
    everything = ["*"]
    grant(
        cluster,
        namespace,
        "reader",
        {"apiGroups": everything, "resources": everything, "verbs": ["get", "list", "watch"]},
    )
    groups = ["apps", "batch", "policy", "rbac.authorization.k8s.io", "networking.k8s.io", "coordination.k8s.io"]
    some = ["configmaps", "services", "serviceaccounts", "persistentvolumeclaims", "pods", "pods/log", "pods/exec"]
    some += ["pods/portforward", "services/proxy", "events"]
    grant(
        cluster,
        namespace,
        "no-secrets",
        {"apiGroups": groups, "resources": everything, "verbs": everything},
        {"apiGroups": [""], "resources": some, "verbs": everything},
    )
    shared = {"airflow_namespace": namespace, "airflow_rbac_namespace_managed": False}
    given = {name: {**shared, **configs.with_user(name, token=token)} for name, token in accounts.items()}
    told = bad.refused(
        {
            "nobody": (
                given["nobody"],
                [
                    f"you may not create, get, list, patch deployments.apps in namespace {namespace}",
                    "statefulsets.apps",
                    "you may not create, get, list, patch secrets",
                    "create, get pods/exec",
                    "leases.coordination.k8s.io",
                    "jobs.batch",
                    "ask for a Role with these verbs",
                ],
            ),
            "reader": (given["reader"], ["you may not create, patch deployments.apps", "create, patch secrets"]),
            "no-secrets": (given["no-secrets"], ["you may not create, get, list, patch secrets in namespace"]),
        }
    )
    assert "deployments" not in told.messages["no-secrets"]
    assert "get" not in told.messages["reader"].partition("deployments")[0].rpartition("you may not")[2]


@contextlib.contextmanager
def old_cluster() -> t.Iterator[str]:
    """Answers as Kubernetes 1.29 to the question for its version.

    No real one of that age can be built here; it is refused by its version alone, before anything else is asked.
    """

    class Old(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"major": "1", "minor": "29+", "gitVersion": "v1.29.9"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: t.Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Old) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_old_cluster(bad: Site, configs: Kubeconfigs) -> None:
    with old_cluster() as address:
        words = ["the cluster runs Kubernetes v1.29.9, but the oldest that can be used is 1.30: upgrade the cluster"]
        bad.refused({"old": (configs.write("old", config_of(address)), words)})
