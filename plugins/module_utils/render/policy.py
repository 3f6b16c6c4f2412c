# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the API server itself demands of pods of tasks, and where it puts them; no webhook server has to run.

Selectors keep everything else out before an expression is looked at, so that a mistake in an expression stops no pod of
Airflow's own. In a namespace that was made for a team, every pod is one of a task; elsewhere those are that say so.

A Job of a task is judged as well, by the pod that it describes: why a pod of it is refused later is told to its
controller, and not to the author of the DAG. Its own labels do not say that it is one, so an expression has to look, in
the namespaces alone where tasks may make Jobs; none of Airflow's own are there.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pod_template, team_placement
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_, parsed
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import canary
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

GROUP: t.Final = "admissionregistration.k8s.io"
NAMESPACE_NAME: t.Final = "kubernetes.io/metadata.name"
# Airflow labels every pod of a task, of whichever executor or operator, and nobody's DAG can say otherwise.
OF_TASK: t.Final[Object] = {"key": "task_id", "operator": "Exists"}
NO_CANARY: t.Final[Object] = {"key": "dag_id", "operator": "NotIn", "values": [canary.DAG_ID]}
ACTIONS: t.Final = {"Deny": ["Deny"], "Warn": ["Warn", "Audit"], "Audit": ["Audit"]}
# Where the pod is in what is judged.
POD: t.Final = "object"
POD_OF_JOB: t.Final = "object.spec.template"
CONTAINERS: t.Final = ("containers", "initContainers", "ephemeralContainers")


def text(value: t.Any) -> str:
    """A literal of CEL."""
    return json.dumps(value, ensure_ascii=False)


def render(values: Values) -> list[Object]:
    """Objects of the role airflow_policy."""
    return [*validating(values), *mutating(values)]


def _namespaces(values: Values) -> list[str]:
    return [values.namespace, *(values.team_namespace(team) for team in values.rbac.teams)]


def _dedicated(values: Values) -> list[str]:
    """Namespaces that hold pods of tasks and nothing else."""
    return [values.team_namespace(name) for name, team in values.rbac.teams.items() if team.namespace_managed]


def _with_jobs(values: Values) -> list[str]:
    """Namespaces in which a task may make Jobs."""
    return [values.team_namespace(name) for name, team in values.rbac.teams.items() if team.jobs]


def _in(namespaces: list[str]) -> Object:
    return {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": namespaces}]}


def _object(values: Values, kind: str, component: str, spec: Object) -> Object:
    name = names.cluster_name(values, component)
    return object_(values, f"{GROUP}/v1", kind, component, name=name, namespaced=False, spec=spec)


def _bound(values: Values, kind: str, components: tuple[str, str], wanted: list[Object], spec: Object) -> list[Object]:
    """Bindings of a policy: beside Airflow's own pods to those with the ``wanted`` labels, elsewhere to every pod."""
    dedicated = _dedicated(values)
    shared = [one for one in _namespaces(values) if one not in dedicated]
    beside, elsewhere = components
    found = [(beside, {"namespaceSelector": _in(shared), "objectSelector": {"matchExpressions": wanted}})]
    found += [(elsewhere, {"namespaceSelector": _in(dedicated)})] if dedicated else []
    return [_object(values, kind, name, {**spec, "matchResources": resources}) for name, resources in found]


def _verdict(values: Values, component: str) -> Object:
    """What a binding says of its policy."""
    return {
        "policyName": names.cluster_name(values, component),
        "validationActions": ACTIONS[values.policy.action],
    }


def validating(values: Values) -> list[Object]:
    """The policy of what pods must be, and where it applies."""
    wanted = values.policy
    if not (wanted.labels or wanted.registries):
        return []
    kind, component = "ValidatingAdmissionPolicy", "tasks"
    return [
        _object(values, kind, component, _of_pods(values)),
        *_bound(values, f"{kind}Binding", (component, "teams"), [OF_TASK, NO_CANARY], _verdict(values, component)),
        *_jobs(values, kind),
    ]


def mutating(values: Values) -> list[Object]:
    """The policy of where pods go by the label of their team, and where it applies."""
    if not values.policy.placements:
        return []
    kind, component = "MutatingAdmissionPolicy", "placement"
    spec = {"policyName": names.cluster_name(values, component)}
    return [
        _object(values, kind, component, team_placement.mutation(values, _in(_namespaces(values)))),
        *_bound(values, f"{kind}Binding", (component, "placement-teams"), [OF_TASK], spec),
    ]


def _of_pods(values: Values) -> Object:
    registries = values.policy.registries
    # An image can be changed after a pod is made, by whoever may patch it; a label is asked for once.
    operations = ["CREATE", "UPDATE"] if registries else ["CREATE"]
    resources = ["pods", "pods/ephemeralcontainers"] if registries else ["pods"]
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": resources}
    return _validation(values, POD, _namespaces(values), rule)


def _jobs(values: Values, kind: str) -> list[Object]:
    """The policy of Jobs and its binding, where a team has them."""
    namespaces = _with_jobs(values)
    if not namespaces:
        return []
    component = "jobs"
    # The images of a Job that is there stay as they are.
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
    of_task = {"name": "of-a-task", "expression": f"{text(OF_TASK['key'])} in {_labels_of(POD_OF_JOB)}"}
    policy = {**_validation(values, POD_OF_JOB, namespaces, rule), "matchConditions": [of_task]}
    bound = {**_verdict(values, component), "matchResources": {"namespaceSelector": _in(namespaces)}}
    return [_object(values, kind, component, policy), _object(values, f"{kind}Binding", component, bound)]


def _validation(values: Values, pod: str, namespaces: list[str], rule: Object) -> Object:
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"namespaceSelector": _in(namespaces), "resourceRules": [rule]},
        "variables": [*_label_variables(values, pod), *_image_variables(values, pod)],
        "validations": [*_labels(values), *_registries(values)],
    }


# --- labels ---------------------------------------------------------------------------------------------------------


def _labels_of(pod: str) -> str:
    return f"{pod}.?metadata.?labels.orValue({{}})"


def _label_variables(values: Values, pod: str) -> list[Object]:
    if not values.policy.labels:
        return []
    parts = " + ".join(_lacking(name, one.values) for name, one in sorted(values.policy.labels.items()))
    return [
        {"name": "labels", "expression": _labels_of(pod)},
        {"name": "lacking", "expression": parts},
    ]


def _lacking(name: str, allowed: list[str]) -> str:
    """A list with what is wrong with one label, in words."""
    label, choice = text(name), f" (one of {', '.join(allowed)})" if allowed else ""
    missing = f"[{text(f'has no label {name}{choice}')}]"
    if not allowed:
        return f"({label} in variables.labels && variables.labels[{label}] != '' ? [] : {missing})"
    told = f", which is none of {', '.join(allowed)}"
    wrong = f"[{text(f'has the label {name}=')} + variables.labels[{label}] + {text(told)}]"
    return f"(!({label} in variables.labels) ? {missing} : variables.labels[{label}] in {text(allowed)} ? [] : {wrong})"


def remedy(values: Values) -> str:
    """What the author of a DAG is to write."""
    example = {name: one.values[0] if one.values else "..." for name, one in sorted(values.policy.labels.items())}
    labels = ", ".join(f"'{name}': '{value}'" for name, value in example.items())
    operators = ["KubernetesPodOperator", *(["KubernetesJobOperator"] if _with_jobs(values) else [])]
    return (
        f"Add labels={{{labels}}} to the {' or '.join(operators)}; to another task, executor_config={{'pod_override': "
        f"k8s.V1Pod(metadata=k8s.V1ObjectMeta(labels={{{labels}}}))}}"
    )


def _labels(values: Values) -> list[Object]:
    if not values.policy.labels:
        return []
    advice = remedy(values)
    told = f"'This pod of an Airflow task ' + variables.lacking.join(' and ') + '. ' + {text(advice + '.')}"
    return [
        {
            "expression": "request.operation != 'CREATE' || size(variables.lacking) == 0",
            "message": f"This pod of an Airflow task lacks labels. {advice}.",
            "messageExpression": told,
        }
    ]


# --- registries -----------------------------------------------------------------------------------------------------


def _images(pod: str) -> str:
    parts = [
        f"(has({pod}.spec.{field}) ? {pod}.spec.{field}.map(c, has(c.image), c.image) : [])" for field in CONTAINERS
    ]
    return f"({' + '.join(parts)})"


def _own_repositories(values: Values) -> list[str]:
    """Those of the images that the collection itself puts into pods of tasks.

    A release changes tags and digests and leaves the policy alone; pods of before and after it are its own.
    """
    pods = pod_template.pods_of(values)
    containers = [one for pod in pods for field in CONTAINERS for one in pod["spec"].get(field) or ()]
    return sorted({parsed(str(one["image"])).repository or "" for one in containers})


def _image_variables(values: Values, pod: str) -> list[Object]:
    """What comes from elsewhere, with the registry that a container runtime adds; what was there before may stay."""
    registries = values.policy.registries
    if not registries:
        return []
    full = (
        "!i.contains('/') ? 'docker.io/library/' + i : "
        "i.split('/')[0].matches('[.:]|^localhost$') ? i : 'docker.io/' + i"
    )
    begins = text([f"{registry}/" for registry in registries])
    own = "|".join(map(re.escape, _own_repositories(values)))
    # Neither a tag nor a digest has a slash: after a name without one, a colon may begin the port of a registry.
    ours = f"!i.matches({text(f'^({own})([:@][^/]*)?$')}) && " if own else ""
    before = _images(pod.replace("object", "oldObject", 1))
    return [
        {"name": "before", "expression": f"request.operation == 'UPDATE' ? {before} : []"},
        {"name": "new", "expression": f"{_images(pod)}.filter(i, {ours}!(i in variables.before))"},
        {
            "name": "foreign",
            "expression": f"variables.new.map(i, {full}).filter(i, !{begins}.exists(r, i.startsWith(r)))",
        },
    ]


def _registries(values: Values) -> list[Object]:
    registries = values.policy.registries
    if not registries:
        return []
    advice = f"Tasks may use images from {', '.join(registries)}: have it copied there, and name it by that address."
    told = f"'This pod of an Airflow task runs ' + variables.foreign.join(', ') + '. ' + {text(advice)}"
    return [
        {
            "expression": "size(variables.foreign) == 0",
            "message": f"This pod of an Airflow task runs an image from elsewhere. {advice}",
            "messageExpression": told,
        }
    ]
