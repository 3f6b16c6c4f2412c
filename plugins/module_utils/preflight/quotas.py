# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an instance counts for in quotas, and quotas that have no room for it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import contextlib
import decimal
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, known, named
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import pod_counts
from ansible_collections.dagops.airflow.plugins.module_utils.spec import forms

Amounts = dict[str, decimal.Decimal]
"""By the names that quotas have for them."""

ONE: t.Final = decimal.Decimal(1)
NONE: t.Final = decimal.Decimal(0)
PER_OBJECT: t.Final = "count/"
_MAKERS: t.Final = frozenset({"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"})
# What quotas limit by another name, too.
_COUNTED: t.Final = ("configmaps", "persistentvolumeclaims", "resourcequotas", "secrets", "services")


def demand(objects: t.Iterable[Object]) -> Amounts:
    """What objects, their pods and claims count for in a quota while all of them are there.

    Where an autoscaler chooses how many pods there are, all that it may start.
    """
    items = list(objects)
    counts = pod_counts.counts(items)
    total: Amounts = collections.defaultdict(decimal.Decimal)
    for item in items:
        # A person's own object may be malformed; the API server says better than we what is wrong with it.
        with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError):
            for name, amount in [*_as_object(item), *_demanded(item, counts)]:
                total[name] += amount
    return dict(total)


def on_top(objects: t.Iterable[Object], others: t.Iterable[Object] = ()) -> Amounts:
    """What comes on top for a while: the largest pod that a rollout or a CronJob starts, or one of ``others``."""
    total: Amounts = {}
    for item in [*(one for one in objects if one["kind"] in ("CronJob", "Deployment")), *others]:
        with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError):
            job = _as_object({"apiVersion": "batch/v1", "kind": "Job"}) if item["kind"] in ("CronJob", "Job") else ()
            for name, amount in [*of_pod(pod_made_by(item) or {}).items(), *job]:
                total[name] = max(total.get(name, NONE), amount)
    return total


def _as_object(item: Object) -> t.Iterator[tuple[str, decimal.Decimal]]:
    kind = known(item["apiVersion"], item["kind"])
    if kind:
        yield f"{PER_OBJECT}{kind.resource}", ONE
    if kind and kind.resource in _COUNTED:
        yield kind.resource, ONE
    if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer":
        yield "services.loadbalancers", ONE


def _demanded(
    item: Object, counts: t.Mapping[pod_counts.Key, pod_counts.Count]
) -> t.Iterator[tuple[str, decimal.Decimal]]:
    spec = item.get("spec") or {}
    replicas = ONE
    if item["kind"] in pod_counts.WORKLOADS:
        replicas = decimal.Decimal(counts[pod_counts.key_of(item)].most)
        for name, amount in of_pod(spec["template"]["spec"]).items():
            yield name, amount * replicas
    # Each pod of a StatefulSet has claims of its own.
    for _template in spec.get("volumeClaimTemplates", []):
        for name, _one in _as_object({"apiVersion": "v1", "kind": "PersistentVolumeClaim"}):
            yield name, replicas
    for claim in claims_of(item):
        yield "requests.storage", (forms.amount(claim["spec"]["resources"]["requests"]["storage"]) or NONE) * replicas


def claims_of(item: Object) -> list[Object]:
    """The volume claim that an object is, or those that each of its pods gets."""
    if item["kind"] == "PersistentVolumeClaim":
        return [item]
    return (item.get("spec") or {}).get("volumeClaimTemplates") or []


def pod_made_by(item: Object) -> Object | None:
    """The spec of the pod that an object is or makes, if it makes any."""
    spec: Object = item.get("spec") or {}
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if item["kind"] == "Pod":
        return spec
    return spec["template"]["spec"] if item["kind"] in _MAKERS else None


def of_pod(spec: Object) -> Amounts:
    """What one pod counts for: its containers together, or the largest of those that end before they start."""
    lasting: Amounts = collections.defaultdict(decimal.Decimal)
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        alone = of_container(container)
        if container.get("restartPolicy") == "Always":
            for name, amount in alone.items():
                lasting[name] += amount
            alone = {}
        for name in {**alone, **lasting}:
            peak[name] = max(peak.get(name, NONE), lasting.get(name, NONE) + alone.get(name, NONE))
    for container in spec["containers"]:
        for name, amount in of_container(container).items():
            lasting[name] += amount
    total = {name: max(lasting.get(name, NONE), peak.get(name, NONE)) for name in {**lasting, **peak}}
    return {"pods": ONE, f"{PER_OBJECT}{named('Pod').resource}": ONE, **total}


def of_container(container: Object) -> Amounts:
    """Requests and limits of a container."""
    resources = container.get("resources") or {}
    # A request that is not given is the limit; and a quota of "cpu" is one of "requests.cpu".
    limits = resources.get("limits") or {}
    found: Amounts = {}
    for part, amounts in (("limits", limits), ("requests", {**limits, **(resources.get("requests") or {})})):
        for name, quantity in amounts.items():
            found[f"{part}.{name}"] = forms.amount(quantity) or NONE
            if part == "requests":
                found[name] = found[f"{part}.{name}"]
    return found


def full(
    objects: t.Sequence[Object],
    quotas: t.Iterable[Object],
    others: t.Iterable[Object] = (),
    *,
    count_used: bool = True,
    variable: str = "airflow_rbac_quota where it is the instance's own",
) -> t.Iterator[str]:
    """Quotas that do not take all that there is to be, and one pod more at a time (``others``: of tasks, of Jobs).

    What is used already counts besides, unless it may be the instance's own (``count_used``).
    """
    wanted, more = demand(objects), on_top(objects, others)
    scaled = [
        f"{kind}/{name} {one.most}"
        for (_namespace, kind, name), one in pod_counts.counts(objects).items()
        if one.scalers
    ]
    lasting = f"with all pods that autoscalers may start ({', '.join(scaled)})" if scaled else "all the time"
    for quota in quotas:
        spec = quota.get("spec") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue
        used = (quota.get("status") or {}).get("used") or {} if count_used else {}
        for name, hard in sorted((spec.get("hard") or {}).items()):
            limit, taken = forms.amount(hard), forms.amount(used.get(name, 0)) or 0
            stays, comes = wanted.get(name, NONE), more.get(name, NONE)
            if limit is not None and stays + comes + taken > limit:
                parts = [f"{shown(name, stays)} {lasting}"] if comes or scaled else []
                parts += [f"{shown(name, comes)} for a pod that a rollout, a CronJob or a task starts"] if comes else []
                sums = f" ({', '.join(parts)})" if parts else ""
                others_use = f", besides {used[name]} that others use" if taken else ""
                yield (
                    f"ResourceQuota/{quota['metadata']['name']} allows {hard} of {name}, but the instance needs "
                    f"{shown(name, stays + comes)}{sums}{others_use}: raise it ({variable}), or ask for less"
                )


def shown(name: str, amount: decimal.Decimal) -> str:
    """An amount as people write it."""
    if name.endswith(("memory", "storage")):
        return f"{int(amount / 2**20)}Mi"
    return f"{amount.normalize():f}"
