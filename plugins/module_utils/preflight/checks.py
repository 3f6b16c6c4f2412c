# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must be true of a cluster before an instance is applied: pure functions over what the cluster said.

Each yields a sentence for every obstacle: what, why, and what to do.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import decimal
import math
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Kind, Object
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import pod_counts, quotas, selectors
from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pod_template, team_placement, teams
from ansible_collections.dagops.airflow.plugins.module_utils.spec import counts, forms
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import USAGE, Values

# Kubernetes releases that Airflow is tested with (its README, 3.3.2 and 2.11.2), by Airflow's major version.
TESTED: dict[int, tuple[int, int]] = {3: (30, 35), 2: (26, 30)}
# The oldest release that knows all that we apply and ask for: since it, ValidatingAdmissionPolicy is stable, and a
# command in a pod is told that its input ends.
OLDEST_MINOR = 30

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class Permission(t.NamedTuple):
    """What one may do with a resource, in a namespace unless objects of the resource are in none."""

    group: str
    resource: str
    verbs: frozenset[str]
    namespaced: bool = True


APPLY_VERBS = frozenset(["get", "list", "create", "patch"])
# What the play does besides applying objects.
OPERATIONS: tuple[Permission, ...] = (
    Permission("", "secrets", frozenset(["get", "list", "create", "patch"])),
    Permission("", "pods", frozenset(["get", "list"])),
    Permission("", "pods/log", frozenset(["get"])),
    Permission("", "pods/exec", frozenset(["create", "get"])),
    Permission("", "pods/portforward", frozenset(["create", "get"])),
    Permission("", "services/proxy", frozenset(["get"])),
    Permission("", "events", frozenset(["list"])),
    Permission("batch", "jobs", frozenset(["get", "list", "create", "patch", "delete"])),
    Permission("coordination.k8s.io", "leases", frozenset(["get", "create", "patch", "update", "delete"])),
)


def minor_of(version: Object) -> int:
    """The minor version of a cluster; managed ones write ``30+``."""
    return int(re.sub(r"\D", "", version["minor"]))


def too_old(version: Object) -> t.Iterator[str]:
    """A cluster that would refuse our objects."""
    if minor_of(version) < OLDEST_MINOR:
        yield (
            f"the cluster runs Kubernetes {version['gitVersion']}, but the oldest that can be used is "
            f"1.{OLDEST_MINOR}: upgrade the cluster"
        )


def untested(values: Values, version: Object) -> t.Iterator[str]:
    """A cluster that works as far as we can tell, but that Airflow is not tested with: a warning."""
    oldest, newest = TESTED[3 if values.major >= 3 else 2]
    if not oldest <= minor_of(version) <= newest:
        yield (
            f"Airflow {values.instance.version} is tested with Kubernetes 1.{oldest} to 1.{newest}, and the cluster "
            f"runs {version['gitVersion']}"
        )


def unserved(
    values: Values, version: Object, declared: t.Sequence[Object], served: t.Sequence[Object]
) -> t.Iterator[str]:
    """What the instance does without on this cluster, and what is there instead: a warning."""
    if len(declared) == len(served):
        return
    folder = names.POD_TEMPLATE_FOLDER
    files = ", ".join(f"{folder}/{team_placement.template_file(team)}" for team in values.policy.placements)
    yield (
        f"the cluster ({version['gitVersion']}) serves no MutatingAdmissionPolicy, so a label of "
        "airflow_policy_placements puts no pod anywhere by itself: tasks of the KubernetesExecutor can choose a pod "
        f"template that does by executor_config={{'pod_template_file': ...}}, which is one of {files}"
    )


def permissions_needed(kinds: t.Iterable[Kind]) -> list[Permission]:
    """What the play does with resources."""
    return [*applied(kinds), *OPERATIONS]


def applied(kinds: t.Iterable[Kind]) -> list[Permission]:
    """What applying objects of these kinds takes."""
    return [Permission(kind.group, kind.plural, APPLY_VERBS, kind.namespaced) for kind in sorted(set(kinds))]


def allowed(rules: t.Iterable[Object], group: str, resource: str, verb: str) -> bool:
    """Whether rules of a SelfSubjectRulesReview allow a verb on all objects of a resource."""
    base, _slash, subresource = resource.partition("/")
    accepted = {resource, "*", f"*/{subresource}" if subresource else base}
    return any(
        not rule.get("resourceNames")
        and {group, "*"} & set(rule.get("apiGroups") or [])
        and accepted & set(rule.get("resources") or [])
        and {verb, "*"} & set(rule["verbs"])
        for rule in rules
    )


def missing_permissions(rules: t.Sequence[Object], needed: t.Iterable[Permission], namespace: str) -> t.Iterator[str]:
    """Each resource with the verbs that are not allowed."""
    for one in needed:
        lacking = sorted(verb for verb in one.verbs if not allowed(rules, one.group, one.resource, verb))
        if lacking:
            full = f"{one.resource}.{one.group}" if one.group else one.resource
            place, role = f"in namespace {namespace}", "Role"
            if not one.namespaced:
                place, role = "of the cluster, which are in no namespace", "ClusterRole"
            yield (
                f"you may not {', '.join(lacking)} {full} {place}: ask for a {role} with these verbs, or use other "
                "credentials"
            )


def foreign_namespace(values: Values, namespace: Object | None) -> t.Iterator[str]:
    """A namespace that another instance or another tool keeps, or that is on its way out."""
    if namespace is None:
        if not values.rbac.namespace_managed:
            yield (
                f"namespace {values.namespace} does not exist and airflow_rbac_namespace_managed is false: have it "
                "made, or set airflow_rbac_namespace_managed to true"
            )
        return
    if namespace["metadata"].get("deletionTimestamp"):
        yield f"namespace {values.namespace} is being deleted: wait until it is gone"
    keeper = keeper_of(values, namespace)
    if values.rbac.namespace_managed and keeper:
        yield (
            f"namespace {values.namespace} {keeper}: choose another airflow_namespace, or set "
            "airflow_rbac_namespace_managed to false to share it"
        )


def keeper_of(values: Values, namespace: Object) -> str:
    """Who else keeps a namespace, in words; nothing where nobody does."""
    labels = namespace["metadata"].get("labels") or {}
    manager, owner = labels.get("app.kubernetes.io/managed-by"), labels.get("app.kubernetes.io/instance")
    if manager and manager != names.MANAGER:
        return f"is managed by {manager}"
    return f"belongs to the Airflow instance {owner}" if manager and owner != values.name else ""


# Which types of metrics a HorizontalPodAutoscaler asks of which API. Those of adapters may have any version, and know
# no metric yet.
METRICS: t.Final = (
    (USAGE, "metrics.k8s.io/v1beta1", "a metrics server"),
    ({"Pods", "Object"}, "custom.metrics.k8s.io", "an adapter of custom metrics"),
    ({"External"}, "external.metrics.k8s.io", "an adapter of external metrics"),
)


def autoscalers(values: Values) -> t.Iterator[tuple[str, str, str]]:
    """What scales: the variables that want it, the API that it brings, and what brings it."""
    wanted = values.autoscaling
    keda = {counts.WORKERS: wanted.workers, counts.TRIGGERER: wanted.triggerer}
    by_pods = {
        counts.WORKERS_HPA: [*wanted.workers_hpa.values()],
        counts.API_SERVER: [wanted.api_server] if wanted.api_server else [],
    }
    if given := [name for name, one in keda.items() if one]:
        yield " and ".join(given), "keda.sh/v1alpha1", "KEDA"
        # By it a HorizontalPodAutoscaler asks KEDA; without it there would never be more than one pod.
        yield " and ".join(given), "external.metrics.k8s.io/v1beta1", "KEDA's metrics server"
    for types, api, what in METRICS:
        if given := [name for name, some in by_pods.items() if any(one.metric_types & types for one in some)]:
            yield " and ".join(given), api, what


def claims(objects: t.Iterable[Object]) -> t.Iterator[tuple[str, str | None]]:
    """Every volume claim that the objects make, with its StorageClass (None: the default one)."""
    for item in objects:
        for claim in quotas.claims_of(item):
            yield f"{item['kind']}/{item['metadata']['name']}", (claim.get("spec") or {}).get("storageClassName")


def missing_storage(objects: t.Iterable[Object], classes: t.Sequence[Object]) -> t.Iterator[str]:
    """StorageClasses that the cluster does not have."""
    known = {item["metadata"]["name"] for item in classes}
    default = any((item["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" for item in classes)
    for owner, wanted in claims(objects):
        if wanted and wanted not in known:
            yield (
                f"{owner} asks for StorageClass '{wanted}', which the cluster does not have; it has "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        if not wanted and not default:
            yield (
                f"{owner} asks for the default StorageClass, and the cluster has none: name one by storageClassName, "
                f"of {', '.join(sorted(known)) or 'those that an administrator makes'}"
            )


def stuck_drains(objects: t.Sequence[Object]) -> t.Iterator[str]:
    """Budgets that spare no pod of a workload, as overrides and objects of one's own can make them."""
    workloads = [item for item in objects if item["kind"] in pod_counts.WORKLOADS]
    running = pod_counts.counts(objects)
    for item in objects:
        if item["kind"] != "PodDisruptionBudget":
            continue
        # A person's own object may be malformed; the API server says better than we what is wrong with it.
        with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            spec, namespace = item["spec"], item["metadata"].get("namespace")
            there = [
                running[pod_counts.key_of(one)]
                for one in workloads
                if one["metadata"].get("namespace") == namespace
                and selectors.matches(spec["selector"], one["spec"]["template"]["metadata"]["labels"])
            ]
            scalers = [label for one in there for label in one.scalers]
            # Where an autoscaler may leave none, the first pod that it makes is to be evicted.
            pods = sum(one.least for one in there) or min(1, len(scalers))
            for option, stay in (("minAvailable", True), ("maxUnavailable", False)):
                share = spec.get(option)
                # Percentages are rounded up, as the API server does it.
                amount = share if isinstance(share, int) else math.ceil(pods * int(str(share or "0").rstrip("%")) / 100)
                if share is not None and pods and (amount >= pods if stay else amount < 1):
                    few = f"as few as {pods} pods (by {' and '.join(scalers)})" if scalers else f"{pods} pods"
                    yield (
                        f"PodDisruptionBudget/{item['metadata']['name']} has {option} {share} for {few}, so a drain of "
                        "their nodes would wait for ever: leave one that may go"
                    )


def rival_budgets(values: Values, objects: t.Sequence[Object]) -> t.Iterator[str]:
    """Pods that several budgets are about: the eviction API refuses each of these, whatever the budgets allow."""
    for owner, namespace, labels in _labelled(values, objects):
        budgets = [
            f"PodDisruptionBudget/{item['metadata']['name']}" for item in objects if _spares(item, namespace, labels)
        ]
        if len(budgets) > 1:
            yield (
                f"{' and '.join(budgets)} are about the same pods, those of {owner}, and Kubernetes evicts no pod that "
                "has more than one budget, so a drain of their nodes would wait for ever: leave one "
                "(podDisruptionBudget.enabled of a component is false for no budget of the instance's own), or have "
                "the selectors take different pods"
            )


def _labelled(values: Values, objects: t.Iterable[Object]) -> t.Iterator[tuple[str, str | None, dict[str, str]]]:
    """The pods that workloads and tasks make: whose they are, in which namespace, and their labels."""
    for item in objects:
        # A person's own object may be malformed; the API server says better than we what is wrong with it.
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            if item["kind"] in pod_counts.WORKLOADS:
                meta = item["metadata"]
                labels = item["spec"]["template"]["metadata"]["labels"]
                yield f"{item['kind']}/{meta['name']}", meta.get("namespace"), labels
    for namespace in (values.namespace, *teams.namespaces(values)):
        for pod in pod_template.pods_of(values):
            yield f"tasks in namespace {namespace}", namespace, pod["metadata"]["labels"]


def _spares(item: Object, namespace: str | None, labels: t.Mapping[str, str]) -> bool:
    """Whether an object is a budget of pods with these labels."""
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
        there = item["kind"] == "PodDisruptionBudget" and item["metadata"].get("namespace") == namespace
        return there and selectors.matches(item["spec"]["selector"], labels)
    return False


def homeless(templates: t.Iterable[tuple[str, Object]], nodes: t.Sequence[Object]) -> t.Iterator[str]:
    """Pods that no node there is takes, by its labels, taints and size: they wait for one that does."""
    for name, spec in templates:
        with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError):
            fitting = [node for node in nodes if _takes(node, spec)]
            needs = {key: amount for key, amount in quotas.of_pod(spec).items() if key in ("cpu", "memory")}
            rooms = [{key: _allocatable(node, key) for key in needs} for node in fitting]
            if any(all(room[key] >= needs[key] for key in needs) for room in rooms):
                continue
            most = {key: max(room[key] for room in rooms) for key in needs} if rooms else {}
            place = ", ".join(f"{key}={value}" for key, value in sorted((spec.get("nodeSelector") or {}).items()))
            yield (
                f"no node of the cluster takes pods of {name} ({_size(needs)}"
                + (f", on nodes with {place}" if place else "")
                + (f"; the largest have {_size(most)}" if most else "")
                + "): they wait until there is one, which a cluster autoscaler may see to"
            )


def _takes(node: Object, spec: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    if (spec.get("nodeSelector") or {}).items() - labels.items():
        return False
    taints = [one for one in node.get("spec", {}).get("taints") or () if one["effect"] != "PreferNoSchedule"]
    return all(any(_tolerates(one, taint) for one in spec.get("tolerations") or ()) for taint in taints)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))


def _allocatable(node: Object, key: str) -> decimal.Decimal:
    return forms.amount(node["status"]["allocatable"].get(key, 0)) or quotas.NONE


def _size(amounts: quotas.Amounts) -> str:
    return ", ".join(f"{quotas.shown(key, amount)} of {key}" for key, amount in sorted(amounts.items()))
