# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where pods run, in the words of a pod's spec.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.placement import placed, task_nodes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Pods, Values, Workload

# A node that is lost takes a pod, a zone that is lost takes all in it: rather another zone than another node.
SPREAD = {"kubernetes.io/hostname": 50, "topology.kubernetes.io/zone": 100}


def spec(values: Values, component: str, shape: Pods, selector: Object | None = None) -> Object:
    """What a component's pods say of it; ``selector`` selects those that are alike, where others are of it, too."""
    wanted = placed(values, shape)
    selector = selector or {"matchLabels": names.selector(values, component)}
    return {
        "nodeSelector": wanted.node_selector,
        "affinity": affinity(values, shape, selector),
        "tolerations": wanted.tolerations,
        "topologySpreadConstraints": [
            # Without a selector it would count no pods.
            {"labelSelector": selector, **one}
            for one in wanted.topology_spread_constraints
        ],
        "priorityClassName": wanted.priority_class_name,
        "runtimeClassName": wanted.runtime_class_name,
        "schedulerName": wanted.scheduler_name,
        "hostAliases": wanted.host_aliases,
        "dnsPolicy": wanted.dns_policy,
        "dnsConfig": wanted.dns_config,
    }


def affinity(values: Values, shape: Pods, selector: Object) -> Object:
    """The person's own, else the usual one; and the nodes that tasks prefer."""
    own = placed(values, shape).affinity
    chosen = spread(selector) if own is None and isinstance(shape, Workload) else own or {}
    nodes = task_nodes(values, shape)
    if nodes.required or not nodes.labels:
        return chosen
    labels = [{"key": key, "operator": "In", "values": [value]} for key, value in sorted(nodes.labels.items())]
    term = {"weight": 100, "preference": {"matchExpressions": labels}}
    of_nodes = chosen.get("nodeAffinity") or {}
    preferred = [*(of_nodes.get("preferredDuringSchedulingIgnoredDuringExecution") or []), term]
    return {**chosen, "nodeAffinity": {**of_nodes, "preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def spread(selector: Object) -> Object:
    """Pods that are alike prefer different zones, and different nodes.

    Only those of which there may be several all the time: for pods of tasks it would cost the Kubernetes scheduler
    time with each of them, and keep nodes of an autoscaler half empty.
    """
    terms = [
        {
            "weight": weight,
            "podAffinityTerm": {"topologyKey": topology, "labelSelector": selector},
        }
        for topology, weight in SPREAD.items()
    ]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}
