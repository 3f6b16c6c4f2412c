# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The instance that a module works on, and its pods.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import inside
from ansible_collections.dagops.airflow.plugins.module_utils.face import ArgumentSpec, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, named
from ansible_collections.dagops.airflow.plugins.module_utils.render import scripts
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

TARGET_OPTIONS: t.Final[ArgumentSpec] = {
    "values": {"type": "dict"},
    "instance": {"type": "str"},
    "namespace": {"type": "str"},
}
TARGET_CONSTRAINTS: t.Final[dict[str, t.Any]] = {"mutually_exclusive": [["values", "instance"]]}

# Components whose pods have all of Airflow's environment, the quietest first.
AIRFLOW_COMPONENTS: t.Final = ("api-server", "webserver", "scheduler", "dag-processor", "triggerer")


# The script comes by standard input, too: a command is part of an address, which proxies and audit logs cut short.
_LOADER: t.Final = "import json, sys; exec(compile(json.loads(sys.stdin.readline()), 'inside', 'exec'))"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One instance. Its values are known where the task works on an inventory host, not where it names an instance."""

    instance: str
    namespace: str
    values: Values | None = None

    def name(self, suffix: str) -> str:
        """Name of one of the instance's objects."""
        return f"{self.instance}-{suffix}"

    def selector(self, *components: str) -> str:
        """Label selector for the pods and workloads of components; those of the official chart match, too."""
        which = f",component in ({','.join(components)})" if components else ""
        return f"tier=airflow,release={self.instance}{which}"


class Reach:
    """The cluster, connected to once it is needed: Airflow at a URL of its own, with a given user, needs none."""

    def __init__(self, params: dict[str, t.Any], notify: t.Callable[[str], None]) -> None:
        self._params = params
        self._notify = notify
        self._cluster: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        if self._cluster is None:
            self._cluster = connect(self._params, self._notify)
        return self._cluster

    @property
    def requests(self) -> int:
        """Requests that were sent to the Kubernetes API."""
        return self._cluster.requests if self._cluster else 0


def target(params: dict[str, t.Any]) -> Target:
    """The instance that the task's options name."""
    if params.get("values"):
        values = load(params["values"])
        return Target(instance=values.name, namespace=values.namespace, values=values)
    if not params.get("instance"):
        raise Failure("Name the instance by the option instance, or describe it by values.")
    return Target(instance=params["instance"], namespace=params.get("namespace") or params["instance"])


def described(params: dict[str, t.Any]) -> Values:
    """The values of the instance, for modules that cannot work without."""
    if not params.get("values"):
        raise Failure("The option values is required: the airflow_* variables that describe the instance.")
    return load(params["values"])


def component_of(obj: Object) -> str:
    """The component that an object belongs to."""
    return str(((obj["metadata"].get("labels")) or {}).get("component", ""))


def is_ready(pod: Object) -> bool:
    """Whether a pod answers, and will go on doing so."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def image_of(pod: Object) -> str:
    """The image of a pod's Airflow container, which is named after its component."""
    component = component_of(pod)
    return next((box["image"] for box in pod["spec"]["containers"] if box["name"] == component), "")


def newest_ready(pods: t.Iterable[Object], components: t.Sequence[str]) -> Object | None:
    """A ready pod of the first of ``components`` that has one; the newest, since a rollout leaves the others behind."""
    for component in components:
        ready = [pod for pod in pods if component_of(pod) == component and is_ready(pod)]
        if ready:
            return max(ready, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
    return None


def airflow_pods(cluster: Cluster, where: Target) -> list[Object]:
    """Pods that run Airflow all the time."""
    return cluster.list(named("Pod"), where.namespace, label_selector=where.selector(*AIRFLOW_COMPONENTS))


def source(script: types.ModuleType = inside) -> str:
    """The script that runs inside Airflow's image."""
    return scripts.source(script)


def run_inside(
    cluster: Cluster,
    pod: Object,
    command: str,
    *arguments: str,
    stdin: t.Any = None,
    timeout: float = 120,
    script: types.ModuleType = inside,
) -> dict[str, t.Any]:
    """Run a command of the script in a pod of Airflow; what it is told goes by standard input."""
    meta = pod["metadata"]
    result = cluster.exec(
        meta["namespace"],
        meta["name"],
        component_of(pod),
        ["python", "-c", _LOADER, command, *arguments],
        stdin=f"{json.dumps(source(script))}\n{json.dumps(stdin)}",
        timeout=timeout,
    )
    if result.rc != 0:
        lines = result.stderr.strip().splitlines() or ["it says nothing"]
        raise Failure(
            f"Pod/{meta['namespace']}/{meta['name']} could not tell or change what was asked ({command}): {lines[-1]}"
        )
    answer: dict[str, t.Any] = json.loads(result.stdout.strip().splitlines()[-1]) or {}
    return answer
