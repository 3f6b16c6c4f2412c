# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a module reaches Airflow's API: at a URL, or by a port forwarded to a ready pod, which needs no ingress.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import rest
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    Reach,
    Target,
    component_of,
    newest_ready,
)
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import (
    AIRFLOW_2,
    AIRFLOW_3,
    WEB_COMPONENTS,
    Facts,
    facts_of_component,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import ArgumentSpec, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, named

API_OPTIONS: t.Final[ArgumentSpec] = {
    "api_url": {"type": "str"},
    "api_username": {"type": "str"},
    "api_password": {"type": "str", "no_log": True},
    "api_validate_certs": {"type": "bool", "default": True},
    "api_ca_cert": {"type": "path"},
}
API_CONSTRAINTS: t.Final[dict[str, t.Any]] = {"required_together": [["api_username", "api_password"]]}


@contextlib.contextmanager
def opened(params: dict[str, t.Any], reach: Reach, where: Target) -> t.Iterator[rest.Rest]:
    """Airflow's API, closed in the end."""
    with contextlib.ExitStack() as stack:
        client = _at_url(params, reach, where) if params.get("api_url") else _forwarded(params, reach, where, stack)
        stack.callback(client.close)
        yield client


def credentials(params: dict[str, t.Any], reach: Reach, where: Target) -> rest.Credentials:
    """The task's user, else the administrator whose Secret the instance keeps."""
    if params.get("api_username"):
        return rest.Credentials(
            username=params["api_username"], password=params["api_password"], source="options of the task"
        )
    name = where.name("admin")
    secret = reach.cluster.get(named("Secret"), name, where.namespace)
    content = texts(secret) if secret else {}
    if not content.get("username") or not content.get("password"):
        raise rest.Away(
            f"Secret/{where.namespace}/{name} with the keys username and password is not there, and the task names no "
            "user: set api_username and api_password, or apply the instance's secrets first."
        )
    return rest.Credentials(
        username=content["username"], password=content["password"], source=f"Secret/{where.namespace}/{name}"
    )


def texts(secret: Object) -> dict[str, str]:
    """Content of a Secret; what is no text is none of ours."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        with contextlib.suppress(UnicodeDecodeError):
            found[key] = base64.b64decode(value).decode()
    return found


# --- by a forwarded port ---


def web_pod(cluster: Cluster, where: Target) -> Object:
    """A ready pod that serves the API."""
    pods = cluster.list(named("Pod"), where.namespace, label_selector=where.selector(*WEB_COMPONENTS))
    pod = newest_ready(pods, WEB_COMPONENTS)
    if pod is None:
        state = f"none of its {len(pods)} pods is ready" if pods else "it has no pods"
        raise rest.Away(
            f"Airflow's API in namespace {where.namespace} cannot be reached: no api-server (or webserver) of instance "
            f"{where.instance} answers, {state}. Apply the instance and wait for it, or set api_url."
        )
    return pod


def health_path(pod: Object) -> str:
    """Path of the readiness probe: it tells below which path Airflow answers."""
    container = _container(pod)
    return str(((container.get("readinessProbe") or {}).get("httpGet") or {}).get("path", ""))


def base_path(pod: Object, facts: Facts) -> str:
    """What stands before Airflow's own paths in this pod: ``/team/airflow``, or nothing."""
    return health_path(pod).removesuffix(facts.health).removesuffix(facts.version).rstrip("/")


def web_port(pod: Object) -> int:
    """The port that the container serves."""
    ports = _container(pod).get("ports") or [{"containerPort": 8080}]
    return int(ports[0]["containerPort"])


def _container(pod: Object) -> Object:
    component = component_of(pod)
    containers: list[Object] = pod["spec"]["containers"]
    return next((box for box in containers if box["name"] == component), containers[0])


class Forwarding:
    """A port of a ready pod, forwarded anew for each connection, since some servers close theirs after each answer."""

    def __init__(self, cluster: Cluster, where: Target, pod: Object) -> None:
        self._cluster = cluster
        self._where = where
        self._pod: Object | None = pod
        self._open = contextlib.ExitStack()

    def dial(self) -> http.client.HTTPConnection:
        """A new connection, to the same pod while it answers."""
        self.close()
        self._pod = self._pod or web_pod(self._cluster, self._where)
        meta = self._pod["metadata"]
        connection = http.client.HTTPConnection("localhost", timeout=rest.TIMEOUT)
        try:
            connection.sock = self._open.enter_context(
                self._cluster.port_forward(meta["namespace"], meta["name"], web_port(self._pod))
            )
        except ApiError as error:
            if error.status in (401, 403):
                raise
            raise rest.Away(error.message) from error
        connection.sock.settimeout(rest.TIMEOUT)
        # Only a new forwarding can open it again.
        connection.auto_open = 0
        return connection

    def lost(self) -> None:
        """Look for a pod again: this one may be gone."""
        self._pod = None

    def close(self) -> None:
        self._open.close()


def _forwarded(params: dict[str, t.Any], reach: Reach, where: Target, stack: contextlib.ExitStack) -> rest.Rest:
    pod = web_pod(reach.cluster, where)
    facts = facts_of_component(component_of(pod))
    forwarding = Forwarding(reach.cluster, where, pod)
    stack.callback(forwarding.close)
    return rest.Rest(
        forwarding.dial, facts, base_path(pod, facts), credentials(params, reach, where), lost=forwarding.lost
    )


# --- at a URL ---


def _at_url(params: dict[str, t.Any], reach: Reach, where: Target) -> rest.Rest:
    url = urllib.parse.urlsplit(params["api_url"])
    if url.scheme not in ("http", "https") or not url.hostname:
        raise Failure(f"api_url is '{params['api_url']}', but must begin with http:// or https:// and a host.")
    host, port = url.hostname, url.port

    def dial() -> http.client.HTTPConnection:
        if url.scheme == "http":
            connection = http.client.HTTPConnection(host, port, timeout=rest.TIMEOUT)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=rest.TIMEOUT, context=_tls(params))
        connection.connect()
        connection.auto_open = 0
        return connection

    path = url.path.rstrip("/")
    facts = _facts_at(dial, path, params["api_url"])
    return rest.Rest(dial, facts, path, credentials(params, reach, where))


def _tls(params: dict[str, t.Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=params.get("api_ca_cert"))
    except (OSError, ssl.SSLError) as error:
        raise Failure(f"api_ca_cert {params['api_ca_cert']} cannot be used: {rest.said(error)}.") from error
    if not params["api_validate_certs"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _facts_at(dial: rest.Dial, path: str, url: str) -> Facts:
    """Which version answers at a URL."""
    try:
        for facts in (AIRFLOW_3, AIRFLOW_2):
            connection = dial()
            connection.request("GET", path + facts.version, headers={"Accept": "application/json"})
            reply = connection.getresponse()
            body = reply.read()
            connection.close()
            if reply.status == 200 and "version" in json.loads(body):
                return facts
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"Airflow's API at {url} cannot be reached: {rest.said(error)}. Is api_url right?") from error
    except ValueError:
        pass
    raise Failure(f"What answers at {url} is not the API of Airflow: it has no {AIRFLOW_3.version}. Is api_url right?")
