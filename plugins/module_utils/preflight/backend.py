# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks the cluster what the checks need, in few requests, and tells all obstacles at once.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Kind, Object, named
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import checks
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def rules_in(cluster: Cluster, namespace: str) -> list[Object] | None:
    """What the credentials may do in a namespace; None where the cluster cannot tell the whole."""
    review = cluster.request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
    )
    # An authorizer by webhook (clouds have them) cannot list rules: then the API server's own words must do.
    return None if review["status"].get("incomplete") else review["status"].get("resourceRules") or []


def missing_references(cluster: Cluster, values: Values) -> t.Iterator[str]:
    """Objects of the person's own that are not there."""
    for variable, kind, name in checks.references(values):
        if cluster.get(named(kind), name, values.namespace) is None:
            place = f" in namespace {values.namespace}" if named(kind).namespaced else ""
            yield f"{variable} names {kind} '{name}', which does not exist{place}: have it made first"


def kinds_of(cluster: Cluster, objects: list[Object], namespace: str) -> list[Kind]:
    """The kinds of what is applied in the namespace, or outside of all; of the person's own, those that are known."""
    here = (item for item in objects if item["metadata"].get("namespace") in (None, namespace))
    return [kind for item in here if (kind := cluster.kind(item["apiVersion"], item["kind"]))]


def run(face: Face) -> dict[str, t.Any]:
    """All checks; raises ``Failure`` that names every obstacle."""
    values = load(face.params["values"])
    cluster = connect(face.params, face.progress)
    objects = render_all(values)

    version = cluster.request("GET", "/version")
    namespace = cluster.get(named("Namespace"), values.namespace)
    problems = [*checks.too_old(version), *checks.foreign_namespace(values, namespace)]
    rules = rules_in(cluster, values.namespace)
    if rules is not None:
        needed = checks.permissions_needed(kinds_of(cluster, objects, values.namespace))
        problems += checks.missing_permissions(rules, needed, values.namespace)
    if any(True for _claim in checks.claims(objects)):
        problems += checks.missing_storage(objects, cluster.list(named("StorageClass")))
    problems += missing_references(cluster, values)
    for warning in checks.untested(values, version):
        face.warn(warning)
    if problems:
        count = "" if len(problems) == 1 else f"{len(problems)} obstacles: "
        raise Failure(
            f"Airflow instance {values.name} cannot be applied, and nothing was changed. {count}{'; '.join(problems)}.",
            problems=problems,
        )
    remembered = engine.begin(cluster, values.name, values.namespace, face, check_mode=face.check_mode)
    return {
        "changed": False,
        "kubernetes_version": version["gitVersion"],
        "permissions_known": rules is not None,
        "remembered": remembered,
        "api_requests": cluster.requests,
    }
