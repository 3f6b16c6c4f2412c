# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where pods of a team's tasks go: the author of a DAG writes one label, and need not know of taints and affinities.

Where the API server has MutatingAdmissionPolicy, it adds them to every pod of a task that has the label. Everywhere
there is a pod template for each team, which a task names. Both mean the same nodes: what a node selector says of one of
their labels gives way to what the team has.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Placement, Values

REQUIRED: t.Final = "requiredDuringSchedulingIgnoredDuringExecution"


def _terms(wanted: Placement) -> list[Object]:
    expressions = [
        {"key": key, "operator": "In", "values": [value]} for key, value in sorted(wanted.node_labels.items())
    ]
    return [{"matchExpressions": expressions}]


# --- the template ---------------------------------------------------------------------------------------------------


def template_file(team: str) -> str:
    """The file of a team's pod template, in ``names.POD_TEMPLATE_FOLDER``."""
    return f"team-{team}.yaml"


def placed(values: Values, template: Object, team: str) -> Object:
    """The pod template of the instance as one of a team."""
    wanted = values.policy.placements[team]
    meta, spec = template["metadata"], dict(template["spec"])
    labels = {**(meta.get("labels") or {}), values.policy.team_label: team}
    if wanted.tolerations:
        spec["tolerations"] = [*(spec.get("tolerations") or []), *wanted.tolerations]
    if wanted.node_labels:
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **wanted.node_labels}
    return {**template, "metadata": {**meta, "labels": labels}, "spec": spec}


def templates(values: Values, template: Object) -> dict[str, str]:
    """Files of all teams' templates; JSON is YAML."""
    return {
        template_file(team): json.dumps(placed(values, template, team), indent=2, sort_keys=True) + "\n"
        for team in values.policy.placements
    }


# --- the policy -----------------------------------------------------------------------------------------------------


def mutation(values: Values, namespaces: Object) -> Object:
    """The spec of the policy that adds tolerations and affinity to pods with the label of a team."""
    wanted = values.policy
    label = {"key": wanted.team_label, "operator": "In", "values": sorted(wanted.placements)}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return {
        # A pod that lands elsewhere is better than one that is refused.
        "failurePolicy": "Ignore",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "namespaceSelector": namespaces,
            "objectSelector": {"matchExpressions": [label]},
            "resourceRules": [rule],
        },
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": expression(wanted.team_label, team, placement)}}
            for team, placement in sorted(wanted.placements.items())
        ],
    }


def expression(label: str, team: str, wanted: Placement) -> str:
    """The patches of a pod, none if its label names another team."""
    parts = [_tolerations(wanted)] if wanted.tolerations else []
    parts += [_affinity(wanted)] if wanted.node_labels else []
    patches = " + ".join(f"({part})" for part in parts)
    return f"object.metadata.labels[{json.dumps(label)}] != {json.dumps(team)} ? [] : {patches}"


def _literal(value: t.Any, kind: str) -> str:
    """A value of CEL; mappings become objects of the type that the pod has at that place."""
    if isinstance(value, dict):
        fields = ", ".join(f"{key}: {_literal(item, f'{kind}.{key}')}" for key, item in value.items())
        return f"{kind}{{{fields}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal(item, kind) for item in value)}]"
    return json.dumps(value)


def _add(path: str, value: str) -> str:
    return f'JSONPatch{{op: "add", path: {json.dumps(path)}, value: {value}}}'


def _tolerations(wanted: Placement) -> str:
    kind = "Object.spec.tolerations"
    one_by_one = ", ".join(_add("/spec/tolerations/-", _literal(item, kind)) for item in wanted.tolerations)
    together = _add("/spec/tolerations", _literal(wanted.tolerations, kind))
    return f"has(object.spec.tolerations) ? [{one_by_one}] : [{together}]"


def _affinity(wanted: Placement) -> str:
    """Node affinity, or a node selector where it has to be one.

    Terms of a pod's own node affinity are alternatives, which one more would widen; and where its node selector has one
    of the labels (of the nodes of all tasks, say), no node could be both.
    """
    kind = "Object.spec.affinity"
    required: Object = {REQUIRED: {"nodeSelectorTerms": _terms(wanted)}}
    node = f"{kind}.nodeAffinity"
    labels = sorted(wanted.node_labels.items())
    named = " || ".join(f"{json.dumps(key)} in object.spec.nodeSelector" for key, value in labels)
    selected = ", ".join(_add(f"/spec/nodeSelector/{_escaped(key)}", json.dumps(value)) for key, value in labels)
    selector = _add("/spec/nodeSelector", json.dumps(wanted.node_labels, sort_keys=True))
    return (
        f"has(object.spec.nodeSelector) && ({named}) ? [{selected}] : "
        f"!has(object.spec.affinity) ? [{_add('/spec/affinity', _literal({'nodeAffinity': required}, kind))}] : "
        f"!has(object.spec.affinity.nodeAffinity) ? "
        f"[{_add('/spec/affinity/nodeAffinity', _literal(required, node))}] : "
        f"!has(object.spec.affinity.nodeAffinity.{REQUIRED}) ? "
        f"[{_add(f'/spec/affinity/nodeAffinity/{REQUIRED}', _literal(required[REQUIRED], f'{node}.{REQUIRED}'))}] : "
        f"has(object.spec.nodeSelector) ? [{selected}] : [{selector}]"
    )


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
