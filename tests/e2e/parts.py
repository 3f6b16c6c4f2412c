"""Real parts that an Airflow is tested with, each in a namespace of its name: git server, S3, search, brokers.

Google's and Microsoft's stores run nowhere else, so emulators take their place.

Nothing of them comes with `make images`: who needs one brings it, and what is there already is used as it is. Their
passwords and keys are made with them, and stay as long as their namespace.

    tools/run --dev python -m tests.e2e.parts git-server s3 >facts.json      what a playbook has to know of them
    tools/run --dev python -m tests.e2e.parts --down git-server s3
"""

from __future__ import annotations

import argparse
import base64
import collections.abc as c
import contextlib
import dataclasses
import datetime
import json
import secrets
import sys
import time
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests.e2e.support import CLUSTER, load_images

GIT_SYNC: t.Final = "localhost/git-sync-standin:v4"
"""No part by itself: it runs in the pods of Airflow, in place of git-sync's own image."""
_GIT_SERVER: t.Final = "localhost/git-server:2.39"
_CREDENTIALS: t.Final = "credentials"
_LONGEST: t.Final = 300
"""Seconds that a part may take to answer."""

Secret = dict[str, str]
"""What a part's Secret says, by key."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part that runs, and how it is reached from the pods of the cluster."""

    cluster: Cluster = dataclasses.field(repr=False)
    secret: Secret = dataclasses.field(repr=False)
    name: t.ClassVar[str]
    images: t.ClassVar[tuple[str, ...]]

    @classmethod
    def host(cls) -> str:
        return f"{cls.name}.{cls.name}.svc"

    @classmethod
    def credentials(cls) -> Secret:
        """New ones, for its Secret."""
        raise NotImplementedError

    @classmethod
    def objects(cls) -> list[Object]:
        """What it consists of, beside its namespace and its Secret."""
        raise NotImplementedError

    def facts(self) -> dict[str, t.Any]:
        """What a playbook has to know of it."""
        raise NotImplementedError

    def scale(self, replicas: int) -> None:
        """Take it away for a while, or bring it back."""
        self.cluster.patch(kinds.named("Deployment"), self.name, self.name, {"spec": {"replicas": replicas}})
        _await(self.cluster, self.name, replicas)
        # A pod that is told to stop may answer a little longer, and counts no more.
        deadline = time.monotonic() + _LONGEST
        while not replicas and self.cluster.list(kinds.named("Pod"), self.name, f"app={self.name}"):
            assert time.monotonic() < deadline, f"pods of {self.name} do not go"
            time.sleep(0.5)

    def run(self, *command: str, stdin: str | None = None) -> str:
        """What a command prints in its pod."""
        pods = self.cluster.list(kinds.named("Pod"), self.name, f"app={self.name}")
        (pod,) = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        done = self.cluster.exec(self.name, pod["metadata"]["name"], self.name, list(command), stdin=stdin)
        assert done.rc == 0, done.stderr
        return done.stdout.strip()


class GitServer(Part):
    """Git by ssh and by https, with one user for each; https has a certificate of its own authority."""

    name = "git-server"
    images = (_GIT_SERVER,)
    user = "ada"

    def ssh_url(self, repository: str) -> str:
        return f"ssh://git@{self.host()}:2222/srv/git/{repository}.git"

    def https_url(self, repository: str) -> str:
        return f"https://{self.host()}:8443/{repository}.git"

    def commit(
        self,
        repository: str,
        files: c.Mapping[str, str | None],
        *,
        branch: str = "main",
        message: str = "A change of a test",
    ) -> str:
        """Commit files onto a branch (None takes one away), all of which are made if need be; the hash."""
        path = f"/srv/git/{repository}.git"
        self.run("sh", "-c", 'test -e "$1" || git init --quiet --bare --initial-branch=main "$1"', "sh", path)
        before = self.git(repository, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        person = "Ada <ada@example.com> now"
        lines = [f"commit refs/heads/{branch}", f"author {person}", f"committer {person}", _counted(message)]
        lines += [f"from {before}"] if before else []
        for name, text in files.items():
            lines += [f"D {name}"] if text is None else [f"M 100644 inline {name}", _counted(text)]
        stream = "\n".join([*lines, "done", ""])
        # What a hook would do after a push, this does not: it is no push.
        self.run("git", "-C", path, "fast-import", "--quiet", "--done", "--date-format=now", stdin=stream)
        return self.git(repository, "rev-parse", f"refs/heads/{branch}")

    def git(self, repository: str, *arguments: str) -> str:
        """What git says in a repository of the server: for tags and branches."""
        return self.run("git", "-C", f"/srv/git/{repository}.git", *arguments)

    @classmethod
    def credentials(cls) -> Secret:
        host_key, client_key = (ed25519.Ed25519PrivateKey.generate() for _number in range(2))
        password = secrets.token_urlsafe(16)
        certificate, authority = _certificate(cls.host())
        return {
            "ssh_host_ed25519_key": _private(host_key),
            "authorized_keys": _public(client_key),
            "known_hosts": f"[{cls.host()}]:2222 {_public(host_key)}",
            "client-key": _private(client_key),
            "tls.pem": certificate,
            "ca.crt": authority,
            "users": f"{cls.user}:{password}\n",
            "password": password,
        }

    @classmethod
    def objects(cls) -> list[Object]:
        mounted = ("ssh_host_ed25519_key", "authorized_keys", "tls.pem", "users")
        volumes: list[Object] = [
            {"name": "repositories", "emptyDir": {}},
            {"name": "keys", "secret": {"secretName": _CREDENTIALS, "defaultMode": 0o440, "items": _items(*mounted)}},
        ]
        container = {
            "image": _GIT_SERVER,
            "ports": [{"name": "ssh", "containerPort": 2222}, {"name": "https", "containerPort": 8443}],
            "volumeMounts": [
                {"name": "repositories", "mountPath": "/srv/git"},
                {"name": "keys", "mountPath": "/etc/git-server", "readOnly": True},
            ],
            "readinessProbe": {"tcpSocket": {"port": "https"}, "periodSeconds": 2},
            "livenessProbe": {"tcpSocket": {"port": "ssh"}, "periodSeconds": 30},
            "resources": _resources("64Mi", "256Mi"),
        }
        return _workload(cls.name, 1000, container, volumes)

    def facts(self) -> dict[str, t.Any]:
        return {
            "ssh_url": self.ssh_url("REPOSITORY"),
            "ssh_key": self.secret["client-key"],
            "known_hosts": self.secret["known_hosts"],
            "https_url": self.https_url("REPOSITORY"),
            "username": self.user,
            "password": self.secret["password"],
            "ca_certificate": self.secret["ca.crt"],
        }


class S3(Part):
    """An S3 server with some buckets, by plain http; who has its keys may do anything."""

    name = "s3"
    images = ("localhost/versitygw:1.8.0", "localhost/base:bookworm")
    buckets = ("airflow-logs", "airflow-dags")
    region = "us-east-1"

    @classmethod
    def endpoint(cls) -> str:
        return f"http://{cls.host()}:7070"

    @classmethod
    def credentials(cls) -> Secret:
        return {"access-key": f"test{secrets.token_hex(8)}", "secret-key": secrets.token_urlsafe(24)}

    @classmethod
    def objects(cls) -> list[Object]:
        program, shell = cls.images
        data = {"name": "data", "mountPath": "/data"}
        # The gateway takes each folder of its folder for a bucket, and has no shell to make one with.
        folders = {
            "name": "buckets",
            "image": shell,
            "command": ["mkdir", "-p", *(f"/data/{bucket}" for bucket in cls.buckets)],
            "volumeMounts": [data],
            "resources": _resources("8Mi", "64Mi"),
        }
        container = {
            "image": program,
            "args": ["--quiet", "posix", "/data"],
            "env": [
                {"name": "VGW_HEALTH", "value": "/healthz"},
                {"name": "VGW_REGION", "value": cls.region},
                _of_secret("ROOT_ACCESS_KEY", "access-key"),
                _of_secret("ROOT_SECRET_KEY", "secret-key"),
            ],
            "ports": [{"name": "http", "containerPort": 7070}],
            "volumeMounts": [data],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 2},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 30},
            "resources": _resources("64Mi", "512Mi"),
        }
        return _workload(cls.name, 65532, container, [{"name": "data", "emptyDir": {}}], before=folders)

    def facts(self) -> dict[str, t.Any]:
        keys = {"access_key": self.secret["access-key"], "secret_key": self.secret["secret-key"]}
        return {"endpoint": self.endpoint(), "region": self.region, "buckets": list(self.buckets), **keys}


class OpenSearch(Part):
    """One node, by plain http without users, since its security plugin is not among its packages; and by https with a
    user, a password and a certificate of its own authority, for which a proxy stands before it."""

    name = "opensearch"
    images = ("localhost/opensearch:2.19.1", _GIT_SERVER)
    user = "ada"

    @classmethod
    def url(cls) -> str:
        return f"http://{cls.host()}:9200"

    @classmethod
    def https_url(cls) -> str:
        return f"https://{cls.host()}:9443"

    @classmethod
    def credentials(cls) -> Secret:
        password = secrets.token_urlsafe(16)
        certificate, authority = _certificate(cls.host())
        return {
            "tls.pem": certificate,
            "ca.crt": authority,
            "users": f"{cls.user}:{password}\n",
            "password": password,
            "lighttpd.conf": _PROXY,
        }

    @classmethod
    def objects(cls) -> list[Object]:
        return _search_engine(cls.name, cls.images, _items("tls.pem", "users", "lighttpd.conf"))

    def facts(self) -> dict[str, t.Any]:
        return {
            "url": self.url(),
            "https_url": self.https_url(),
            "username": self.user,
            "password": self.secret["password"],
            "ca_certificate": self.secret["ca.crt"],
        }


class Gcs(Part):
    """An emulator of Google Cloud Storage, by plain http; who has a token of the key file may do anything.

    It would let everybody in, so a proxy stands before it, which also gives out the tokens.
    """

    name = "gcs"
    images = ("localhost/fake-gcs-server:1.56.1", _GIT_SERVER, "localhost/base:bookworm")
    buckets = ("airflow-logs", "airflow-dags")

    @classmethod
    def endpoint(cls) -> str:
        """What Google's libraries read from the variable STORAGE_EMULATOR_HOST."""
        return f"http://{cls.host()}:8080"

    @classmethod
    def credentials(cls) -> Secret:
        token = secrets.token_urlsafe(24)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        account = {
            "type": "service_account",
            "project_id": "airflow",
            "private_key_id": "only",
            "private_key": _private(key),
            "client_email": "airflow@airflow.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{cls.endpoint()}/token",
        }
        return {
            "key.json": json.dumps(account),
            "token": json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3600}),
            "404.html": "No such object: as Google says where its emulator does not, and Airflow looks for\n",
            "lighttpd.conf": _GCS_PROXY.replace("TOKEN", token),
        }

    @classmethod
    def objects(cls) -> list[Object]:
        program, proxy, shell = cls.images
        data = {"name": "data", "mountPath": "/data"}
        # The emulator takes each folder of its folder for a bucket.
        folders = {
            "name": "buckets",
            "image": shell,
            "command": ["mkdir", "-p", *(f"/data/{bucket}" for bucket in cls.buckets)],
            "volumeMounts": [data],
            "resources": _resources("8Mi", "64Mi"),
        }
        place = ["-scheme", "http", "-host", "127.0.0.1", "-port", "4443", "-external-url", cls.endpoint()]
        container = {
            "image": proxy,
            "command": ["lighttpd", "-D", "-f", "/etc/proxy/lighttpd.conf"],
            "ports": [{"name": "http", "containerPort": 8080}],
            "volumeMounts": [{"name": "proxy", "mountPath": "/etc/proxy", "readOnly": True}],
            "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 2},
            "resources": _resources("16Mi", "64Mi"),
        }
        emulator = {
            "name": "emulator",
            "image": program,
            "args": [*place, "-backend", "filesystem", "-filesystem-root", "/data"],
            "volumeMounts": [data],
            "resources": _resources("32Mi", "256Mi"),
        }
        mounted = _items("token", "404.html", "lighttpd.conf")
        volumes: list[Object] = [
            {"name": "data", "emptyDir": {}},
            {"name": "proxy", "secret": {"secretName": _CREDENTIALS, "defaultMode": 0o440, "items": mounted}},
        ]
        return _workload(cls.name, 1000, container, volumes, before=folders, beside=emulator)

    def facts(self) -> dict[str, t.Any]:
        return {"endpoint": self.endpoint(), "buckets": list(self.buckets), "key_file": self.secret["key.json"]}


class Azurite(Part):
    """Microsoft's emulator of Azure Blob Storage, by plain http; who has the account's key may do anything."""

    name = "azurite"
    images = ("localhost/azurite:3.37.0",)
    account = "airflow"

    def connection_string(self) -> str:
        parts = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": self.account,
            "AccountKey": self.secret["key"],
            "BlobEndpoint": f"http://{self.host()}:10000/{self.account}",
        }
        return ";".join(f"{name}={value}" for name, value in parts.items())

    def make_container(self, name: str) -> None:
        """Have a container of blobs."""
        self.run("node", "-e", _MAKE_CONTAINER, name)

    @classmethod
    def credentials(cls) -> Secret:
        key = base64.b64encode(secrets.token_bytes(64)).decode()
        return {"key": key, "accounts": f"{cls.account}:{key}"}

    @classmethod
    def objects(cls) -> list[Object]:
        container = {
            "image": cls.images[0],
            "args": ["--skipApiVersionCheck", "--location", "/data"],
            "env": [_of_secret("AZURITE_ACCOUNTS", "accounts")],
            "ports": [{"name": "http", "containerPort": 10000}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 2},
            "livenessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 30},
            "resources": _resources("96Mi", "512Mi"),
        }
        return _workload(cls.name, 1000, container, [{"name": "data", "emptyDir": {}}])

    def facts(self) -> dict[str, t.Any]:
        return {"connection_string": self.connection_string()}


class Elasticsearch(Part):
    """One node, by https with an API key and a certificate of its own authority, for which a proxy stands before it."""

    name = "elasticsearch"
    images = ("localhost/elasticsearch:8.19.21", _GIT_SERVER)

    @classmethod
    def url(cls) -> str:
        return f"https://{cls.host()}:9443"

    @classmethod
    def credentials(cls) -> Secret:
        certificate, authority = _certificate(cls.host())
        key = base64.b64encode(f"airflow:{secrets.token_urlsafe(16)}".encode()).decode()
        return {
            "tls.pem": certificate,
            "ca.crt": authority,
            "api-key": key,
            "lighttpd.conf": _ELASTICSEARCH_PROXY.replace("KEY", key),
        }

    @classmethod
    def objects(cls) -> list[Object]:
        return _search_engine(cls.name, cls.images, _items("tls.pem", "lighttpd.conf"))

    def facts(self) -> dict[str, t.Any]:
        return {"url": self.url(), "api_key": self.secret["api-key"], "ca_certificate": self.secret["ca.crt"]}


class Redis(Part):
    """A broker with a password."""

    name = "redis"
    images = ("localhost/redis:7.0",)

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.secret['password']}@{self.host()}:6379/{database}"

    @classmethod
    def credentials(cls) -> Secret:
        password = secrets.token_urlsafe(16)
        return {"password": password, "redis.conf": f"requirepass {password}\n"}

    @classmethod
    def objects(cls) -> list[Object]:
        configuration = {"secretName": _CREDENTIALS, "defaultMode": 0o440, "items": _items("redis.conf")}
        volumes: list[Object] = [
            {"name": "data", "emptyDir": {}},
            {"name": "configuration", "secret": configuration},
        ]
        container = {
            "image": cls.images[0],
            "args": ["/etc/redis/redis.conf"],
            "ports": [{"name": "redis", "containerPort": 6379}],
            "volumeMounts": [
                {"name": "data", "mountPath": "/data"},
                {"name": "configuration", "mountPath": "/etc/redis", "readOnly": True},
            ],
            "readinessProbe": {"tcpSocket": {"port": "redis"}, "periodSeconds": 2},
            "livenessProbe": {"tcpSocket": {"port": "redis"}, "periodSeconds": 30},
            "resources": _resources("32Mi", "128Mi"),
        }
        return _workload(cls.name, 999, container, volumes)

    def facts(self) -> dict[str, t.Any]:
        return {"host": self.host(), "port": 6379, "password": self.secret["password"], "url": self.url()}


class MariaDB(Part):
    """A stand-in for MySQL, whose server cannot be had from packages; Airflow's user of it may make others."""

    name = "mariadb"
    images = ("localhost/mariadb:10.11",)
    user = "airflow"

    def sql(self, statement: str) -> str:
        """What it says to its administrator, who comes by its socket."""
        return self.run("mariadb", "--no-defaults", "--batch", "--skip-column-names", "--user=root", stdin=statement)

    @classmethod
    def credentials(cls) -> Secret:
        # Signs that addresses and statements have to quote.
        password = f"{secrets.token_urlsafe(16)}/@:'\"%"
        quoted = password.replace("'", "''")
        statements = (
            f"CREATE DATABASE IF NOT EXISTS {cls.user} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            f"CREATE USER IF NOT EXISTS {cls.user} IDENTIFIED BY '{quoted}'",
            f"GRANT ALL ON {cls.user}.* TO {cls.user} WITH GRANT OPTION",
            f"GRANT CREATE USER ON *.* TO {cls.user}",
            f"GRANT SELECT ON mysql.user TO {cls.user}",
        )
        return {"password": password, "init.sql": "".join(f"{one};\n" for one in statements)}

    @classmethod
    def objects(cls) -> list[Object]:
        statements = {"secretName": _CREDENTIALS, "defaultMode": 0o440, "items": _items("init.sql")}
        volumes: list[Object] = [
            {"name": "data", "emptyDir": {}},
            {"name": "statements", "secret": statements},
        ]
        container = {
            "image": cls.images[0],
            "ports": [{"name": "mysql", "containerPort": 3306}],
            "volumeMounts": [
                {"name": "data", "mountPath": "/var/lib/mysql"},
                {"name": "statements", "mountPath": "/etc/mariadb", "readOnly": True},
            ],
            "readinessProbe": {"tcpSocket": {"port": "mysql"}, "periodSeconds": 2},
            "livenessProbe": {"tcpSocket": {"port": "mysql"}, "periodSeconds": 30},
            "resources": _resources("256Mi", "1Gi"),
        }
        return _workload(cls.name, 999, container, volumes)

    def facts(self) -> dict[str, t.Any]:
        return {"host": self.host(), "port": 3306, "user": self.user, "password": self.secret["password"]}


class RabbitMQ(Part):
    """A broker with one user and one virtual host, plainly and by TLS with a certificate of its own authority."""

    name = "rabbitmq"
    images = ("localhost/rabbitmq:3.10",)
    user = "ada"
    virtual_host = "airflow"

    @classmethod
    def credentials(cls) -> Secret:
        password = secrets.token_urlsafe(16)
        certificate, authority = _certificate(cls.host())
        lines = [
            f"default_user = {cls.user}",
            f"default_pass = {password}",
            f"default_vhost = {cls.virtual_host}",
            "loopback_users = none",
            "listeners.ssl.default = 5671",
            *(f"ssl_options.{name} = /etc/rabbitmq/tls.pem" for name in ("certfile", "keyfile")),
            "ssl_options.cacertfile = /etc/rabbitmq/ca.crt",
            "ssl_options.verify = verify_none",
        ]
        conf = "\n".join([*lines, ""])
        return {"password": password, "tls.pem": certificate, "ca.crt": authority, "rabbitmq.conf": conf}

    @classmethod
    def objects(cls) -> list[Object]:
        items = _items("rabbitmq.conf", "tls.pem", "ca.crt")
        volumes: list[Object] = [
            {"name": "data", "emptyDir": {}},
            {"name": "configuration", "secret": {"secretName": _CREDENTIALS, "defaultMode": 0o440, "items": items}},
        ]
        container = {
            "image": cls.images[0],
            "ports": [{"name": "amqp", "containerPort": 5672}, {"name": "amqps", "containerPort": 5671}],
            "volumeMounts": [
                {"name": "data", "mountPath": "/var/lib/rabbitmq"},
                {"name": "configuration", "mountPath": "/etc/rabbitmq", "readOnly": True},
            ],
            "readinessProbe": {"tcpSocket": {"port": "amqps"}, "periodSeconds": 2},
            "livenessProbe": {"tcpSocket": {"port": "amqps"}, "periodSeconds": 30},
            "resources": _resources("128Mi", "512Mi"),
        }
        return _workload(cls.name, 999, container, volumes)

    def facts(self) -> dict[str, t.Any]:
        return {
            "host": self.host(),
            "port": 5672,
            "tls_port": 5671,
            "virtual_host": self.virtual_host,
            "username": self.user,
            "password": self.secret["password"],
            "ca_certificate": self.secret["ca.crt"],
        }


P = t.TypeVar("P", bound=Part)
PARTS: t.Final = {
    part.name: part for part in (GitServer, S3, OpenSearch, Redis, MariaDB, RabbitMQ, Gcs, Azurite, Elasticsearch)
}


def bring(cluster: Cluster, part: type[P]) -> P:
    """Have a part in the cluster, whose images are there; it answers when this returns."""
    _await_end(cluster, part.name)
    cluster.apply(namespace(part.name))
    secret = _secret(cluster, part)
    for obj in part.objects():
        cluster.apply(obj, force=True)
    _await(cluster, part.name, 1)
    return part(cluster=cluster, secret=secret)


def bring_with_images(*parts: type[Part], more: c.Iterable[str] = ()) -> dict[str, Part]:
    """Have parts in the evaluation cluster, with their images and others; the parts by name."""
    load_images(*dict.fromkeys([*(image for part in parts for image in part.images), *more]))
    cluster = connect(CLUSTER)
    return {part.name: bring(cluster, part) for part in parts}


def take_away(cluster: Cluster, part: type[Part]) -> None:
    """Have a part and all its data no more; what is left of it goes by and by."""
    cluster.delete(kinds.named("Namespace"), part.name)


@contextlib.contextmanager
def brought(*parts: type[Part], more: c.Iterable[str] = ()) -> c.Iterator[dict[str, Part]]:
    """Parts for a while; they are taken away in the end."""
    made = bring_with_images(*parts, more=more)
    yield made
    for part in made.values():
        take_away(part.cluster, type(part))


def namespace(name: str) -> Object:
    """A namespace that takes only what is restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod_security(user: int) -> Object:
    """What is restricted, as any user that a part's image takes."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


CONTAINER_SECURITY: t.Final[Object] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

# In its own words: whoever has the password is let through.
_PROXY: t.Final = """\
server.port = 9443
server.document-root = "/tmp"
server.upload-dirs = ( "/tmp" )
server.modules = ( "mod_auth", "mod_authn_file", "mod_proxy", "mod_openssl" )
ssl.engine = "enable"
ssl.pemfile = "/etc/proxy/tls.pem"
auth.backend = "plain"
auth.backend.plain.userfile = "/etc/proxy/users"
auth.require = ( "" => ( "method" => "basic", "realm" => "opensearch", "require" => "valid-user" ) )
proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => 9200 )) )
"""


_GCS_PROXY: t.Final = """\
server.port = 8080
server.document-root = "/etc/proxy"
server.upload-dirs = ( "/tmp" )
server.http-parseopts = ( "url-path-2f-decode" => "disable" )
server.modules = ( "mod_access", "mod_proxy" )
$HTTP["url"] == "/token" {
  mimetype.assign = ( "" => "application/json" )
} else {
  $REQUEST_HEADER["Authorization"] != "Bearer TOKEN" { url.access-deny = ( "" ) }
  proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => 4443 )) )
}
$HTTP["url"] =~ "^/download/" {
  server.error-intercept = "enable"
  server.errorfile-prefix = "/etc/proxy/"
}
"""

_ELASTICSEARCH_PROXY: t.Final = """\
server.port = 9443
server.document-root = "/tmp"
server.upload-dirs = ( "/tmp" )
server.modules = ( "mod_access", "mod_proxy", "mod_openssl" )
ssl.engine = "enable"
ssl.pemfile = "/etc/proxy/tls.pem"
$REQUEST_HEADER["Authorization"] != "ApiKey KEY" { url.access-deny = ( "" ) }
proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => 9200 )) )
"""

# Azure's clients sign each request with the account's key.
_MAKE_CONTAINER: t.Final = """\
const [account, key] = process.env.AZURITE_ACCOUNTS.split(":");
const path = `/${account}/${process.argv[1]}`;
const headers = {"x-ms-date": new Date().toUTCString(), "x-ms-version": "2021-12-02"};
const lines = Object.entries(headers).map((header) => header.join(":"));
const signed = ["PUT", ...Array(11).fill(""), ...lines, `/${account}${path}`, "restype:container"].join("\\n");
const hash = require("crypto").createHmac("sha256", Buffer.from(key, "base64")).update(signed).digest("base64");
headers.Authorization = `SharedKey ${account}:${hash}`;
fetch(`http://localhost:10000${path}?restype=container`, {method: "PUT", headers}).then(async (answer) => {
  if (![201, 409].includes(answer.status)) throw new Error(await answer.text());
});
"""


def _secret(cluster: Cluster, part: type[Part]) -> Secret:
    """The part's Secret, made once: what it says holds for its pods and for all who know it."""
    live = cluster.get(kinds.named("Secret"), _CREDENTIALS, part.name)
    if live is None:
        made = {"name": _CREDENTIALS, "namespace": part.name}
        live = cluster.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": made, "stringData": part.credentials()}
        )
    return {key: base64.b64decode(value).decode() for key, value in live["data"].items()}


def _search_engine(name: str, images: tuple[str, ...], proxied: list[Object]) -> list[Object]:
    """One node that answers all who come, and before it a proxy that has TLS and asks for credentials."""
    program, server = images
    health = {"path": "/_cluster/health?local=true", "port": "http"}
    container = {
        "image": program,
        "ports": [{"name": "http", "containerPort": 9200}],
        "volumeMounts": [{"name": "data", "mountPath": f"/usr/share/{name}/data"}],
        "startupProbe": {"httpGet": health, "periodSeconds": 2, "failureThreshold": _LONGEST // 2},
        "readinessProbe": {"httpGet": health, "periodSeconds": 5, "timeoutSeconds": 5},
        "resources": _resources("1Gi", "1536Mi"),
    }
    proxy = {
        "name": "proxy",
        "image": server,
        "command": ["lighttpd", "-D", "-f", "/etc/proxy/lighttpd.conf"],
        "ports": [{"name": "https", "containerPort": 9443}],
        "volumeMounts": [{"name": "proxy", "mountPath": "/etc/proxy", "readOnly": True}],
        "readinessProbe": {"tcpSocket": {"port": "https"}, "periodSeconds": 2},
        "resources": _resources("16Mi", "64Mi"),
    }
    volumes: list[Object] = [
        {"name": "data", "emptyDir": {}},
        {"name": "proxy", "secret": {"secretName": _CREDENTIALS, "defaultMode": 0o440, "items": proxied}},
    ]
    return _workload(name, 1000, container, volumes, beside=proxy)


def _workload(
    name: str,
    user: int,
    container: Object,
    volumes: list[Object],
    *,
    before: Object | None = None,
    beside: Object | None = None,
) -> list[Object]:
    """A Deployment of one pod, and a Service for its ports."""
    containers = [{"name": name, **container}, *([beside] if beside else [])]
    meta = {"name": name, "namespace": name}
    labels = {"app": name}
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(user),
        "initContainers": [{**each, "securityContext": CONTAINER_SECURITY} for each in ([before] if before else [])],
        "containers": [{**each, "securityContext": CONTAINER_SECURITY} for each in containers],
        "volumes": volumes,
    }
    deployment = {
        "replicas": 1,
        # There is one of it, and its data is its own.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    ports = [
        {"name": port["name"], "port": port["containerPort"], "targetPort": port["name"]}
        for each in containers
        for port in each.get("ports", ())
    ]
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": labels, "ports": ports}},
    ]


def _await(cluster: Cluster, name: str, replicas: int) -> None:
    deadline = time.monotonic() + _LONGEST
    while True:
        live = cluster.get(kinds.named("Deployment"), name, name)
        assert live
        status = live["status"]
        if status.get("observedGeneration") == live["metadata"]["generation"]:
            counted = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
            if counted == {replicas}:
                return
        if time.monotonic() > deadline:
            pods = cluster.list(kinds.named("Pod"), name)
            told = json.dumps([pod["status"].get("containerStatuses") or pod["status"] for pod in pods])
            raise AssertionError(f"{name} does not answer after {_LONGEST} s: {told}")
        time.sleep(0.5)


def _await_end(cluster: Cluster, name: str) -> None:
    """Wait until a namespace that is on its way out is gone."""
    deadline = time.monotonic() + _LONGEST
    while (live := cluster.get(kinds.named("Namespace"), name)) and live["metadata"].get("deletionTimestamp"):
        assert time.monotonic() < deadline, f"Namespace {name} is not gone after {_LONGEST} s"
        time.sleep(0.5)


def _resources(memory: str, most: str) -> Object:
    return {"requests": {"cpu": "50m", "memory": memory}, "limits": {"memory": most}}


def _items(*keys: str) -> list[Object]:
    return [{"key": key, "path": key} for key in keys]


def _of_secret(variable: str, key: str) -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": _CREDENTIALS, "key": key}}}


def _counted(text: str) -> str:
    """Text as git's fast-import takes it."""
    return f"data {len(text.encode())}\n{text}"


def _private(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    kind = form.PrivateFormat.OpenSSH if isinstance(key, ed25519.Ed25519PrivateKey) else form.PrivateFormat.PKCS8
    return key.private_bytes(form.Encoding.PEM, kind, form.NoEncryption()).decode()


def _public(key: ed25519.Ed25519PrivateKey) -> str:
    text = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()
    return f"{text}\n"


def _certificate(host: str) -> tuple[str, str]:
    """A server's key and certificate in one file, and the certificate of the authority that nobody knows."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"An authority for {host}")])
    now = datetime.datetime.now(datetime.UTC)

    def signed(subject: x509.Name, of: ec.EllipticCurvePrivateKey, *more: tuple[x509.ExtensionType, bool]) -> str:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(of.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(authority_key, hashes.SHA256()).public_bytes(form.Encoding.PEM).decode()

    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName(f"{host}.cluster.local")])
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = signed(server, key, (names, False), (purpose, False))
    usage = x509.KeyUsage(
        **dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        ),
        key_cert_sign=True,
        crl_sign=True,
    )
    ca = signed(authority, authority_key, (x509.BasicConstraints(ca=True, path_length=0), True), (usage, True))
    return _private(key) + certificate, ca


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--down", action="store_true", help="take them away instead")
    parser.add_argument("parts", nargs="+", choices=sorted(PARTS))
    given = parser.parse_args()
    parts = [PARTS[name] for name in given.parts]
    if given.down:
        cluster = connect(CLUSTER)
        for part in parts:
            take_away(cluster, part)
    else:
        brought = bring_with_images(*parts)
        sys.stdout.write(json.dumps({name: part.facts() for name, part in brought.items()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
