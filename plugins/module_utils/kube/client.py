# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The cluster as the backends see it: a few verbs over HTTP, without discovery.

Authentication is kubernetes.core's, option by option; everything else is ours, because a generated client costs more
time than the requests do.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import _core, errors, kinds, streams, transport
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Kind, Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.streams import ExecResult

CLUSTER_OPTIONS = _core.CLUSTER_OPTIONS
FIELD_MANAGER: t.Final = "dagops.airflow"

APPLY: t.Final = "application/apply-patch+yaml"
MERGE: t.Final = "application/merge-patch+json"
JSON_PATCH: t.Final = "application/json-patch+json"

_METADATA_LIST: t.Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE: t.Final = 500
_VERBS: t.Final = {"GET": "read", "POST": "create", "PUT": "replace", "PATCH": "change", "DELETE": "delete"}


def connect(params: dict[str, t.Any], notify: transport.Notify | None = None) -> Cluster:
    """The cluster that kubernetes.core's options in ``params`` name; nothing is sent yet."""
    return Cluster(transport.Transport(_core.configure(params), notify))


class Cluster:
    """One API server, seen with one set of credentials. Safe to use from several threads."""

    def __init__(self, connection: transport.Transport) -> None:
        self._connection = connection
        self._discovered: dict[tuple[str, str], Kind] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._connection.requests

    @property
    def server(self) -> str:
        return self._connection.server

    def request(
        self,
        method: str,
        path: str,
        *,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content_type: str = "application/json",
        timeout: float = transport.READ_TIMEOUT,
        doing: str | None = None,
        idempotent: bool | None = None,
    ) -> Object:
        """The JSON answer; ``doing`` (``apply Deployment/airflow/web``) is how errors call the request.

        ``idempotent`` tells whether it does no harm when it comes twice, where the method does not tell.
        """
        answer: Object = json.loads(
            self._send(
                method,
                path,
                query=query,
                body=body,
                content_type=content_type,
                timeout=timeout,
                doing=doing,
                idempotent=idempotent,
            )
        )
        return answer

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = transport.READ_TIMEOUT,
        doing: str | None = None,
        retry_statuses: bool = True,
        idempotent: bool | None = None,
    ) -> bytes:
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        reply = self._connection.send(
            method,
            path,
            query=query,
            body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
            headers=headers,
            timeout=timeout,
            idempotent=method != "POST" and content_type != JSON_PATCH if idempotent is None else idempotent,
            retry_statuses=retry_statuses,
        )
        if reply.status >= 400:
            raise self._refused(reply.status, reply.body, doing or f"{_VERBS.get(method, method)} {path}")
        return reply.body

    def _refused(self, status: int, body: bytes, doing: str) -> ApiError:
        credentials = self._connection.credentials() if status == 401 else ""
        return errors.refused(status, body, doing, self.server, credentials)

    # Objects

    def kind(self, api_version: str, name: str) -> Kind | None:
        """The kind ``name`` of ``api_version``; the API server is asked for kinds that we do not know only."""
        found = kinds.known(api_version, name) or self._discovered.get((api_version, name))
        if found is None and (found := self._discover(api_version, name)):
            self._discovered[api_version, name] = found
        return found

    def offers(self, api_version: str, name: str) -> bool:
        """Whether the API server tells of the kind in this version, which is asked also for kinds that we know."""
        if (api_version, name) not in self._discovered and (found := self._discover(api_version, name)):
            self._discovered[api_version, name] = found
        return (api_version, name) in self._discovered

    def serves(self, api_version: str, name: str) -> bool:
        """Whether objects of the kind can be asked for now: it is told of, and its path answers, be it with a no."""
        kind = self.kind(api_version, name)
        if kind is None:
            return False
        try:
            self.request("GET", kind.path(), query={"limit": 1}, doing=f"list {name}")
        except ApiError as error:
            return error.status == 403
        return True

    def _discover(self, api_version: str, name: str) -> Kind | None:
        group, _slash, version = api_version.rpartition("/")
        path = f"/apis/{api_version}" if group else f"/api/{api_version}"
        try:
            served = self.request("GET", path, doing=f"find out what {api_version} serves")
        except ApiError as error:
            if error.missing:
                return None
            raise
        for resource in served["resources"]:
            if resource["kind"] == name and "/" not in resource["name"]:
                return Kind(
                    group=group, version=version, kind=name, plural=resource["name"], namespaced=resource["namespaced"]
                )
        return None

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None when there is none."""
        try:
            return self.request("GET", kind.path(namespace, name), doing=f"read {_label(kind, namespace, name)}")
        except ApiError as error:
            if error.missing:
                return None
            raise

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> list[Object]:
        """All objects that match; a kind that the cluster does not know has none."""
        query: dict[str, t.Any] = {}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        # The items of a list do not say what they are.
        about = {"apiVersion": kind.api_version, "kind": kind.kind}
        return [{**about, **item} for item in self._items(kind, namespace, query, "application/json")]

    def names(self, kind: Kind, namespace: str | None = None) -> set[str]:
        """The names of all objects of a kind: what they hold is not asked for."""
        return {item["metadata"]["name"] for item in self._items(kind, namespace, {}, _METADATA_LIST)}

    def _items(
        self, kind: Kind, namespace: str | None, query: t.Mapping[str, t.Any], accept: str
    ) -> t.Iterator[Object]:
        """The items of a list, page by page."""
        wanted = {**query, "limit": _PAGE}
        doing = f"list {kind.resource}" + (f" in namespace {namespace}" if namespace else "")
        while True:
            try:
                page = json.loads(self._send("GET", kind.path(namespace), query=wanted, accept=accept, doing=doing))
            except ApiError as error:
                if error.missing:
                    return
                raise
            yield from page["items"] or ()
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            wanted["continue"] = token

    def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """The object as created; an ``ApiError`` with ``exists`` when it is there already.

        That is also how it ends where the connection was cut once the API server had made it: it has a name, so no
        second one can come of another try.
        """
        kind, namespace, name = self._place(obj)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **_dry_run(dry_run)}
        doing = f"create {_label(kind, namespace, name)}"
        with _secrets_hidden(obj):
            return self.request("POST", kind.path(namespace), query=query, body=obj, doing=doing, idempotent=True)

    def apply(self, obj: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """The object after a server-side apply."""
        kind, namespace, name = self._place(obj)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **_dry_run(dry_run)}
        if force:
            query["force"] = "true"
        doing = f"apply {_label(kind, namespace, name)}"
        with _secrets_hidden(obj):
            path = kind.path(namespace, name)
            return self.request("PATCH", path, query=query, body=obj, content_type=APPLY, doing=doing)

    def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: t.Any,
        *,
        content_type: str = MERGE,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """The object after ``patch`` (a merge patch, unless ``content_type`` says otherwise)."""
        path = kind.path(namespace, name) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": FIELD_MANAGER, **_dry_run(dry_run)}
        doing = f"change {_label(kind, namespace, name)}"
        return self.request("PATCH", path, query=query, body=patch, content_type=content_type, doing=doing)

    def replace(self, obj: Object, *, dry_run: bool = False) -> Object:
        """The object after a PUT; with ``metadata.resourceVersion`` it fails when somebody else changed the object."""
        kind, namespace, name = self._place(obj)
        query = {"fieldManager": FIELD_MANAGER, **_dry_run(dry_run)}
        doing = f"replace {_label(kind, namespace, name)}"
        with _secrets_hidden(obj):
            return self.request("PUT", kind.path(namespace, name), query=query, body=obj, doing=doing)

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        dry_run: bool = False,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> bool:
        """Delete the object (only the one with ``uid``, where given); whether there was one."""
        # With options in the body, the API server reads none from the query.
        body: Object = {"propagationPolicy": propagation}
        if dry_run:
            body["dryRun"] = ["All"]
        if uid:
            body["preconditions"] = {"uid": uid}
        doing = f"delete {_label(kind, namespace, name)}"
        try:
            self.request("DELETE", kind.path(namespace, name), body=body, doing=doing)
        except ApiError as error:
            if error.missing:
                return False
            raise
        return True

    def kind_of(self, obj: Object) -> Kind:
        """The kind of an object; an ``ApiError`` when the cluster does not know it."""
        kind = self.kind(obj["apiVersion"], obj["kind"])
        if kind is None:
            what = f"{obj['kind']} in {obj['apiVersion']}"
            raise ApiError(
                404, "NotFound", f"Cannot use {kinds.label(obj)}: the cluster has no {what}. Install what brings it."
            )
        return kind

    def _place(self, obj: Object) -> tuple[Kind, str | None, str]:
        meta = obj["metadata"]
        return self.kind_of(obj), meta.get("namespace"), meta["name"]

    # Pods and services

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        tail: int | None = None,
        previous: bool = False,
    ) -> str:
        """What a container printed (the last ``tail`` lines, or its ``previous`` run)."""
        query: dict[str, t.Any] = {}
        if container:
            query["container"] = container
        if tail is not None:
            query["tailLines"] = tail
        if previous:
            query["previous"] = "true"
        path = kinds.named("Pod").path(namespace, pod) + "/log"
        doing = f"read the log of Pod/{namespace}/{pod}"
        return self._send("GET", path, query=query, accept="*/*", doing=doing).decode(errors="replace")

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: t.Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float = 60,
    ) -> ExecResult:
        """Run ``command`` in a container. It is visible in audit logs and process lists: secrets go by ``stdin``."""
        query = {"container": container, "stdout": "true", "stderr": "true"}
        if stdin is not None:
            query["stdin"] = "true"
        path = kinds.named("Pod").path(namespace, pod) + "/exec"
        doing = f"run {command[0]} in Pod/{namespace}/{pod}"
        with streams.opened(self._connection, path, {**query, "command": command}, self._refused, doing) as socket:
            return streams.run(socket, stdin, timeout, doing)

    @contextlib.contextmanager
    def port_forward(self, namespace: str, pod: str, port: int) -> t.Iterator[t.Any]:
        """A connected socket to a port of a pod: ``connection = HTTPConnection(...); connection.sock = socket``."""
        path = kinds.named("Pod").path(namespace, pod) + "/portforward"
        doing = f"reach port {port} of Pod/{namespace}/{pod}"
        with streams.opened(self._connection, path, {"ports": port}, self._refused, doing) as socket:
            yield streams.Forwarded(socket)

    def service_proxy(self, namespace: str, service: str, port: int | str, path: str) -> t.Any:
        """The JSON answer to a GET through the API server, which takes Authorization headers away."""
        proxied = f"{kinds.named('Service').path(namespace, f'{service}:{port}')}/proxy/{path.lstrip('/')}"
        doing = f"get {path} of Service/{namespace}/{service}"
        # What the service itself answers is the caller's to judge, so no status is tried again.
        answer = self._send("GET", proxied, doing=doing, retry_statuses=False)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise Failure(f"Cannot {doing}: it does not answer with JSON.") from error


def _label(kind: Kind, namespace: str | None, name: str) -> str:
    return kinds.label({"kind": kind.kind, "metadata": {"namespace": kind.namespaced and namespace, "name": name}})


def _dry_run(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


@contextlib.contextmanager
def _secrets_hidden(obj: Object) -> t.Iterator[None]:
    """Keep the values of a Secret out of what the API server says about it."""
    try:
        yield
    except ApiError as error:
        if obj.get("kind") != "Secret":
            raise
        values = [*(obj.get("data") or {}).values(), *(obj.get("stringData") or {}).values()]
        message = error.message
        for value in sorted({str(value) for value in values if value}, key=len, reverse=True):
            message = message.replace(value, "(hidden)").replace(urllib.parse.quote(value), "(hidden)")
        raise ApiError(error.status, error.reason, message) from None
