# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks the cluster what the checks need, in few requests, and tells all obstacles at once.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import secrets
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secret_store import SecretStore
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine, scope, served
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Kind, Object, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import together
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import (
    checks,
    limit_ranges,
    log_shipper,
    pod_counts,
    quotas,
    teams,
    usage,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render import migration, pod_template, vertical
from ansible_collections.dagops.airflow.plugins.module_utils.render.names import ROLE_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec import capacity, references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below
from ansible_collections.dagops.airflow.plugins.module_utils.spec.team_rules import TEAMS
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
        idempotent=True,
    )
    # An authorizer by webhook (clouds have them) cannot list rules: then the API server's own words must do.
    return None if review["status"].get("incomplete") else review["status"].get("resourceRules") or []


def missing_references(cluster: Cluster, values: Values, objects: list[Object]) -> t.Iterator[str]:
    """Objects of the person's own that are not there."""
    made = {(item["kind"], item["metadata"]["name"]) for item in objects}
    made |= {("Secret", wanted.name) for wanted in secrets.required_secrets(values, {})}
    wanted = [one for one in references.references(values) if (one.kind, one.name) not in made]
    counts = collections.Counter(kind for _variable, kind, _name in wanted)
    there = {kind: _names(cluster, kind, values.namespace) for kind, count in counts.items() if count > 1}
    for variable, kind, name in wanted:
        known = there.get(kind)
        if name not in known if known is not None else _find(cluster, kind, name, values.namespace) is None:
            place = f" in namespace {values.namespace}" if named(kind).namespaced else ""
            yield f"{variable} names {kind} '{name}', which does not exist{place}: have it made first"


def unusable_teams(cluster: Cluster, values: Values, objects: list[Object]) -> t.Iterator[str]:
    """Namespaces of teams that cannot be used as they are."""
    for team in values.rbac.teams:
        name = values.team_namespace(team)
        found = allowed(lambda: cluster.get(named("Namespace"), name), ABSENT)  # noqa: B023  # called at once
        if found is not ABSENT:
            yield from teams.unusable(values, team, found)
        rules = rules_in(cluster, name)
        if rules is not None:
            here = in_namespace(name, objects)
            yield from checks.missing_permissions(rules, checks.applied(kinds_of(cluster, here, name)), name)
        yield from room_of_team(values, team, objects)
        for one in teams.needed(values, team, objects) if found else ():
            if _find(cluster, one.kind, one.name, name) is None:
                yield teams.missing(one, name)


def refused_at_first(cluster: Cluster, values: Values, objects: list[Object]) -> t.Iterator[str]:
    """What an instance that is not there yet would be refused, and a quota that has no room for it."""
    here = in_namespace(values.namespace, objects)
    yield from quotas.full(here, quotas_in(cluster, values), passing(values))
    yield from rehearsed(cluster, objects)


def shipper_out_of_place(cluster: Cluster, values: Values, objects: list[Object]) -> t.Iterator[str]:
    """Why the log shipper cannot run in its namespace, which may be another than the instance's."""
    there = values.shipper_namespace
    namespace = allowed(lambda: cluster.get(named("Namespace"), there), ABSENT)
    if namespace is not ABSENT:
        yield from log_shipper.wrong_namespace(values, namespace)
    if there == values.namespace or namespace is None:
        return
    rules = rules_in(cluster, there)
    if rules is not None:
        yield from checks.missing_permissions(rules, log_shipper.permissions(objects, there), there)
    # Else these may come of the person's own objects, such as an ExternalSecret.
    for variable, name in () if values.extra.manifests else log_shipper.secrets(values):
        if _find(cluster, "Secret", name, there) is None:
            yield f"{variable} names Secret '{name}', which does not exist in namespace {there}: have it made first"


def refused_later(cluster: Cluster, values: Values, objects: list[Object]) -> t.Iterator[str]:
    """A quota that even an empty namespace has no room in for the instance.

    What is used of it may be the instance's own. Others have quotas in namespaces that they give away; elsewhere the
    request is spared. What the API server would refuse of an instance that is there is found by each task before it
    applies.
    """
    if not values.rbac.namespace_managed:
        there = [*in_namespace(values.namespace, objects), *secrets_of_the_run(values)]
        yield from quotas.full(there, quotas_in(cluster, values), passing(values), count_used=False)


def unserved(cluster: Cluster, values: Values) -> t.Iterator[str]:
    """Kinds of others that the values ask for, and that the cluster does not have."""
    if values.instance.vertical_autoscaling.enabled and not cluster.serves(vertical.API_VERSION, vertical.KIND):
        yield (
            f"airflow_vertical_autoscaling.enabled is true, but the cluster has no {vertical.KIND} "
            f"({vertical.API_VERSION}): have the Vertical Pod Autoscaler installed first, or leave it out"
        )


def in_namespace(namespace: str, objects: list[Object]) -> list[Object]:
    """Those in one namespace: that of the instance, or one of a team, which has a quota of its own."""
    return [item for item in objects if item["metadata"].get("namespace") == namespace]


def of_kind(kind: str, objects: list[Object]) -> list[Object]:
    return [item for item in objects if item["kind"] == kind]


def room_by_itself(values: Values, objects: list[Object]) -> t.Iterator[str]:
    """What the instance's own quota and limits would keep out."""
    here, others = in_namespace(values.namespace, objects), passing(values)
    yield from quotas.full([*here, *secrets_of_the_run(values)], of_kind("ResourceQuota", here), others)
    yield from limit_ranges.forbidden([*here, *others], of_kind("LimitRange", here), "airflow_rbac_limit_range")


def room_of_team(values: Values, team: str, objects: list[Object]) -> t.Iterator[str]:
    """What the quota and limits that we make for a team would keep out of its namespace."""
    if values.rbac.teams[team].kubernetes_executor:
        theirs = in_namespace(values.team_namespace(team), objects)
        tasks, path = pod_template.pods_of(values), below(TEAMS, team)
        yield from quotas.full([], of_kind("ResourceQuota", theirs), tasks, variable=f"{path}.quota")
        yield from limit_ranges.forbidden(tasks, of_kind("LimitRange", theirs), f"{path}.limitRange")


def secrets_of_the_run(values: Values) -> list[Object]:
    """Secrets that are made besides the rendered objects, by their kind alone: those that keep something."""
    return [{"apiVersion": "v1", "kind": "Secret"} for _wanted in secrets.required_secrets(values, {})]


def quotas_in(cluster: Cluster, values: Values) -> list[Object]:
    """Those of the namespace; none where the credentials may not see them."""
    none: list[Object] = []
    return allowed(lambda: cluster.list(named("ResourceQuota"), values.namespace), none)


def passing(values: Values) -> list[Object]:
    """Pods that come and go besides the workloads: those of tasks, and of the migration."""
    return [*pod_template.pods_of(values), migration.job(values, "")]


def waiting_for_nodes(cluster: Cluster, values: Values, objects: list[Object]) -> list[str]:
    """Warnings of pods that no node takes; none where nodes are not to be seen."""
    none: list[Object] = []
    nodes = allowed(lambda: cluster.list(named("Node")), none)
    templates = [
        (f"{item['kind']}/{item['metadata']['name']}", item["spec"]["template"]["spec"])
        for item in objects
        if item["kind"] in ("Deployment", "StatefulSet") and item["metadata"]["labels"].get(ROLE_LABEL) != "extra"
    ]
    templates += [("tasks", item["spec"]) for item in pod_template.pods_of(values)]
    return [*checks.homeless(templates, nodes)] if nodes else []


ABSENT: t.Final[Object] = {}
"""Stands for what the credentials may not read: whether it is there is not known."""

T = t.TypeVar("T")
U = t.TypeVar("U")


def _find(cluster: Cluster, kind: str, name: str, namespace: str) -> Object | None:
    return allowed(lambda: cluster.get(named(kind), name, namespace), ABSENT)


def _names(cluster: Cluster, kind: str, namespace: str) -> set[str] | None:
    """The names of all objects of a kind; None where the credentials may not list them."""
    found = named(kind)
    return allowed(lambda: cluster.names(found, namespace if found.namespaced else None), None)


def allowed(ask: t.Callable[[], T], otherwise: U) -> T | U:
    """The answer, or ``otherwise`` where the credentials may not ask; what they lack is told by the permissions."""
    try:
        return ask()
    except ApiError as error:
        if error.status != 403:
            raise
        return otherwise


def unusable_secrets(cluster: Cluster, values: Values, given: secrets.Given) -> t.Iterator[str]:
    """Values of Secrets, given or there, that cannot be used: found before the first change instead of after it."""
    store = SecretStore(cluster, values, check_mode=True)
    try:
        plan = secrets.required_secrets(values, given)
    except Failure as failure:
        yield failure.message.rstrip(".")
        return
    for wanted in plan:
        try:
            store.check(wanted)
        except Failure as failure:
            yield failure.message.rstrip(".")
    reference = values.database.credentials
    if reference and (own := store.own(reference.name)) is not None:
        try:
            secrets.account(values, {}, own)
        except Failure as failure:
            yield failure.message.rstrip(".")
    scaler = values.autoscaling.database.credentials
    if scaler and values.uses_keda and (own := store.own(scaler.name)) is not None:
        try:
            secrets.scaler_account(values, {}, lambda _name: own)
        except Failure as failure:
            yield failure.message.rstrip(".")
    found = {one.name: store.own(one.name) for one in secrets.celery_references(values)}
    if None in found.values():
        return
    try:
        secrets.celery_accounts(values, {}, found.get)
    except Failure as failure:
        yield failure.message.rstrip(".")


def never_scaled(cluster: Cluster, values: Values, objects: list[Object]) -> list[str]:
    """Autoscalers by shares of requests that nobody makes.

    Others have limits, which give requests, in namespaces that they give away; where there are no problems without
    these, the request is spared.
    """
    ranges = of_kind("LimitRange", in_namespace(values.namespace, objects))
    problems = [*usage.without_request(objects, ranges)]
    if problems and not values.rbac.namespace_managed:
        none: list[Object] = []
        ranges += allowed(lambda: cluster.list(named("LimitRange"), values.namespace), none)
        problems = [*usage.without_request(objects, ranges)]
    return problems


def missing_autoscalers(cluster: Cluster, values: Values) -> t.Iterator[str]:
    """What scales is a part of the cluster that not every one has; the first part that somebody misses is told."""
    told: set[str] = set()
    for variables, api, what in checks.autoscalers(values):
        if variables not in told and not _is_served(cluster, api):
            told.add(variables)
            yield (
                f"{variables} needs {what}, but the cluster serves no {api}: have it installed first, or leave the "
                "variable out"
            )


def _is_served(cluster: Cluster, api: str) -> bool:
    try:
        # Of a group its versions, of a version its resources.
        found = cluster.request("GET", f"/apis/{api}", doing=f"find out whether {api} is served")
        return bool(found.get("versions") or found.get("resources"))
    except ApiError as error:
        # An APIService whose server is away answers with 503.
        if error.status in (404, 503):
            return False
        raise


def rehearsed(cluster: Cluster, objects: list[Object]) -> t.Iterator[str]:
    """What the API server would refuse to make, of an instance that is not there yet.

    Where the namespace is not there yet either, only what cannot be read is known.
    """

    def refusal_of(item: Object) -> str | None:
        try:
            cluster.create(item, dry_run=True)
        except ApiError as error:
            return None if error.missing or error.exists else error.message.rstrip(".")
        return None

    yield from filter(None, together(refusal_of, objects))


def kinds_of(cluster: Cluster, objects: list[Object], namespace: str) -> list[Kind]:
    """The kinds of what is applied in the namespace, or outside of all; of the person's own, those that are known."""
    here = (item for item in objects if item["metadata"].get("namespace") in (None, namespace))
    return [kind for item in here if (kind := cluster.kind(item["apiVersion"], item["kind"]))]


def asleep(values: Values, remembered: t.Mapping[str, str]) -> t.Iterator[str]:
    """What a converge does to an instance that was put to sleep."""
    if since := remembered.get(engine.HIBERNATES):
        yield (
            f"Instance {values.name} hibernates since {since}. A converge wakes it: it brings all of its pods back, "
            "and runs the DAGs that were due meanwhile as their schedules say."
        )


def run(face: Face) -> dict[str, t.Any]:
    """All checks; raises ``Failure`` that names every obstacle."""
    values = load(face.params["values"])
    cluster = connect(face.params, face.progress)
    declared = render_all(values)
    objects = served.as_served(cluster, declared)

    version = cluster.request("GET", "/version")
    if too_old := [*checks.too_old(version)]:
        raise refusal(values, too_old)
    rules = rules_in(cluster, values.namespace)
    problems: list[str] = []
    if rules is not None:
        needed = checks.permissions_needed(kinds_of(cluster, objects, values.namespace))
        problems += checks.missing_permissions(rules, needed, values.namespace)
    namespace = allowed(lambda: cluster.get(named("Namespace"), values.namespace), ABSENT)
    if namespace is not ABSENT:
        problems += checks.foreign_namespace(values, namespace)
    problems += unusable_teams(cluster, values, objects)
    if any(True for _claim in checks.claims(objects)):
        classes = allowed(lambda: cluster.list(named("StorageClass")), None)
        problems += checks.missing_storage(objects, classes) if classes is not None else []
    problems += missing_references(cluster, values, objects)
    if values.logging.shipper.enabled:
        problems += shipper_out_of_place(cluster, values, objects)
    problems += missing_autoscalers(cluster, values)
    problems += allowed(lambda: [*unusable_secrets(cluster, values, face.params["given"] or {})], [])
    problems += room_by_itself(values, objects)
    problems += checks.stuck_drains(objects)
    problems += checks.rival_budgets(values, objects)
    problems += pod_counts.contested(objects)
    problems += never_scaled(cluster, values, objects)
    problems += unserved(cluster, values)
    warnings = [*checks.untested(values, version), *checks.unserved(values, version, declared, objects)]
    remembered: dict[str, str] = {}
    if not problems:
        remembered = engine.begin(cluster, values.name, values.namespace, face, check_mode=face.check_mode)
        there = bool(scope.notes_of_kinds(remembered))
        problems += (refused_later if there else refused_at_first)(cluster, values, objects)
        warnings += [] if there else waiting_for_nodes(cluster, values, objects)
    for warning in (*warnings, *asleep(values, remembered)):
        face.warn(warning)
    if problems:
        raise refusal(values, problems)
    return {
        "changed": False,
        "kubernetes_version": version["gitVersion"],
        "permissions_known": rules is not None,
        "remembered": remembered,
        "capacity": needed_by(values, objects),
        "api_requests": cluster.requests,
    }


def needed_by(values: Values, objects: list[Object]) -> dict[str, t.Any]:
    """The sums, for people who plan."""
    parts = capacity.shares(values)
    here = in_namespace(values.namespace, objects)
    wanted, more = quotas.demand(here), quotas.on_top(here, passing(values))
    return {
        "tasks_at_once": capacity.tasks_at_once(values) or None,
        "connections": {
            "kept": {share.component: share.kept for share in parts},
            "most": {share.component: share.most for share in parts},
            "at_the_server": capacity.kept(values)[0],
            "granted": capacity.granted(values),
        },
        "all_the_time": {name: quotas.shown(name, amount) for name, amount in sorted(wanted.items())},
        "on_top": {name: quotas.shown(name, amount) for name, amount in sorted(more.items())},
    }


def refusal(values: Values, problems: list[str]) -> Failure:
    """All obstacles in one sentence."""
    count = "" if len(problems) == 1 else f"{len(problems)} obstacles: "
    told = "; ".join(problems)
    return Failure(
        f"Airflow instance {values.name} cannot be applied, and nothing was changed. {count}{told}.", problems=problems
    )
