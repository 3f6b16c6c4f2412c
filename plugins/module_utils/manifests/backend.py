# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The backend of `manifests`: what to declare, and which way to go with it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.versions import WEB_COMPONENTS
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import (
    engine,
    kinds,
    prune,
    remove,
    scope,
    served,
    wait,
)
from ansible_collections.dagops.airflow.plugins.module_utils.kube.apply import Consent
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.engine import Request
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.manifests import files
from ansible_collections.dagops.airflow.plugins.module_utils.render import dags_upload, features, teams
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import RENDERERS, render_all, render_parts
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load

ALL: t.Final = "all"
WAKES: t.Final = "core"
"""The part that an instance which sleeps is awake with."""
TRIMMED: t.Final = frozenset({"autoscaling"})
"""Parts of which playbooks/site.yml takes away what is not declared before it applies the others."""
_COMPONENT: t.Final = "manifests"
"""The part that objects belong to that come without the name of one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declared:
    """What the task declares."""

    objects: t.Sequence[Object]
    siblings: t.Sequence[Object] = ()
    instance: str | None = None
    namespace: str | None = None
    component: str | None = None
    unused: t.Collection[str] = ()
    """Features that the values have no use for."""
    superseded: t.Collection[str] = ()
    """Components that this version of Airflow has others for."""
    with_pods: t.Sequence[str] = ()
    """Namespaces in which pods of tasks may be."""
    abandons_pods: bool = False
    """Whether no KubernetesExecutor deletes ended pods of tasks any more."""


def declared(params: dict[str, t.Any]) -> Declared:
    """The objects given, or those that the values of the instance render to."""
    if params["objects"] is not None:
        return Declared(
            objects=params["objects"],
            instance=params["instance"],
            namespace=params["namespace"],
            component=params["component"] or _COMPONENT,
        )
    values = load(params["values"])
    component = params["component"] or ALL
    if component == ALL:
        if params["state"] != "rendered":
            raise Failure("component=all is for state=rendered only. Apply or remove one component at a time.")
        return Declared(objects=render_all(values), instance=values.name, namespace=values.namespace)
    if component not in RENDERERS:
        near = difflib.get_close_matches(component, RENDERERS, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise Failure(f"component is {component}, which is none of {', '.join(RENDERERS)}, {ALL}.{meant}")
    parts = render_parts(values)
    return Declared(
        objects=parts.pop(component),
        siblings=[obj for objects in parts.values() for obj in objects],
        instance=values.name,
        namespace=values.namespace,
        component=component,
        # An autoscaler that nobody declares any more would work against the number that is declared instead.
        unused=features.unused(values) | {features.AUTOSCALING},
        # The old one cannot work with the database of the new one, and would get in its way.
        superseded=set(WEB_COMPONENTS) - {values.web_component},
        with_pods=teams.with_pods(values),
        abandons_pods=component == "core" and not values.runs_kubernetes,
    )


def shown(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """The arguments without the values of Secrets."""
    objects = params["objects"]
    return {**params, "objects": objects and [files.without_values(obj) for obj in objects]}


def run(face: Face) -> dict[str, t.Any]:
    what = declared(face.params)
    if face.params["state"] == "rendered":
        return _render(face, what)
    cluster = connect(face.params, face.progress)
    what = dataclasses.replace(what, objects=served.as_served(cluster, what.objects))
    request = _request(face, what)
    if face.params["state"] == "absent":
        awaited = face.params["wait"] is not False
        strays = _strays(cluster, what)
        patience = face.params["wait_timeout"]
        outcome = remove.remove(cluster, request, face, wait=awaited, timeout=patience, strays=strays)
    else:
        outcome = engine.converge(cluster, request, face)
        if face.params["wait"] and not face.check_mode:
            wait.until_ready(
                cluster,
                [obj for step in outcome.steps if (obj := step.after or step.live) and step.desired],
                timeout=face.params["wait_timeout"],
                notify=face.progress,
                selector=request.scope.selector if request.scope else None,
                alive=outcome.alive,
            )
            if outcome.changed and what.abandons_pods:
                _delete_abandoned(cluster, what)
    if left := _left(outcome.left, face.params):
        face.warn(left)
    return {**outcome.result(), "api_requests": cluster.requests}


def _left(objects: t.Sequence[kinds.Object], params: dict[str, t.Any]) -> str:
    """What is there and not declared any more, in words; what holds data was left on purpose when all was removed."""
    if params["state"] == "absent":
        return ""
    idle = [kinds.label(obj) for obj in objects if prune.prunable(obj)]
    data = [kinds.label(obj) for obj in objects if not prune.prunable(obj)]
    told = []
    if idle:
        told.append(f"{', '.join(idle)}: set prune to true to delete (airflow_prune in playbooks/site.yml)")
    if data:
        told.append(f"{', '.join(data)}: never deleted by a run, since it may hold data; delete by hand")
    return f"Not declared any more, but still there: {'; '.join(told)}." if told else ""


def _strays(cluster: Cluster, what: Declared) -> list[kinds.Object]:
    """What migrations, tasks and uploads left: it would hold volumes, and the scheduler that kept tasks' goes."""
    if what.component != "core" or not what.namespace:
        return []
    left = [(what.namespace, "Job", "migrate"), (what.namespace, "Pod", "migrate")]
    left += [(namespace, "Pod", "worker") for namespace in what.with_pods]
    left.append((what.namespace, "Job", dags_upload.COMPONENT))
    return [
        found
        for namespace, kind, component in left
        for found in cluster.list(
            kinds.named(kind), namespace, f"release={what.instance},tier=airflow,component={component}"
        )
    ]


def _delete_abandoned(cluster: Cluster, what: Declared) -> None:
    """Delete ended pods of tasks; to be called when the executor that was to do so is gone."""
    labels = f"release={what.instance},tier=airflow,component=worker,{features.TASK_POD}"
    pods = kinds.named("Pod")
    for namespace in what.with_pods:
        prune.delete(cluster, cluster.list(pods, namespace, labels, "status.phase=Succeeded"), dry_run=False)


def _request(face: Face, what: Declared) -> Request:
    params = face.params
    part = _scope(what)
    if params["prune"] and not part:
        raise Failure("prune needs instance: without it nobody knows which objects were declared before.")
    return Request(
        objects=what.objects,
        scope=part,
        namespace=what.namespace,
        siblings=what.siblings,
        secrets=params["secrets"] or {},
        remembered=params["remembered"],
        consent=Consent(replace=params["replace"], force_conflicts=params["force_conflicts"], adopt=params["adopt"]),
        prune=params["prune"],
        unused=what.unused,
        superseded=what.superseded,
        delete_data=params["delete_data"],
        trim=params["state"] == "trimmed",
        trimmed=params["state"] == "present" and what.component in TRIMMED,
        wakes=what.component == WAKES,
        check_mode=face.check_mode,
    )


def _scope(what: Declared) -> Scope | None:
    if not what.instance or not what.component:
        return None
    if not what.namespace:
        raise Failure("instance is given without namespace. Set namespace to where the instance lives.")
    return Scope(instance=what.instance, namespace=what.namespace, component=what.component)


def _render(face: Face, what: Declared) -> dict[str, t.Any]:
    namespace = what.namespace or "default"
    part = _scope(what)
    objects = files.rendered(scope.prepared(what.objects, part, namespace, kinds.known))
    result: dict[str, t.Any] = {"changed": False, "rendered": objects, "diff": [], "api_requests": 0}
    if face.params["dest"]:
        instance = what.instance or ""
        components = [part.component] if part else list(RENDERERS) if instance else [""]
        result["diff"] = files.write(
            face.params["dest"],
            files.texts(objects, namespace, instance),
            [files.mark(instance, component) for component in components],
            dry_run=face.check_mode,
        )
        result["changed"] = bool(result["diff"])
    return result
