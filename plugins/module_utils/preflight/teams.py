# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What keeps the namespaces of teams from being used.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import checksums, scope
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import checks
from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pod_template
from ansible_collections.dagops.airflow.plugins.module_utils.render.teams import TEAM_LABEL
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below
from ansible_collections.dagops.airflow.plugins.module_utils.spec.team_rules import TEAMS
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def unusable(values: Values, team: str, namespace: Object | None) -> t.Iterator[str]:
    """A namespace that is not there, is going, or is kept by somebody else."""
    path, name = f"{below(TEAMS, team)}", values.team_namespace(team)
    managed = values.rbac.teams[team].namespace_managed
    if namespace is None:
        if not managed:
            yield (
                f"{path}.namespace is '{name}', and namespace {name} does not exist: have it made first, or set "
                f"{path}.namespaceManaged to true"
            )
        return
    if namespace["metadata"].get("deletionTimestamp"):
        yield f"namespace {name} of {path} is being deleted: wait until it is gone"
    keeper = checks.keeper_of(values, namespace)
    if owner := _lives_there(namespace):
        yield (
            f"namespace {name} of {path} is that of the Airflow instance {owner} itself, whose Secrets a task that "
            f"makes pods there can read: choose another one by {path}.namespace"
        )
    elif managed and keeper:
        yield (
            f"namespace {name} of {path} {keeper}: choose another one, or set {path}.namespaceManaged to false to "
            "share it"
        )


def _lives_there(namespace: Object) -> str:
    """The instance whose own namespace it is, as its labels say; nothing where it is a team's, or somebody else's."""
    labels = namespace["metadata"].get("labels") or {}
    # One that came with airflow_extra_manifests is of another component.
    is_own = {scope.MANAGED_BY: names.MANAGER, "component": "namespace"}.items() <= labels.items()
    return str(labels.get(scope.INSTANCE) or "") if is_own and TEAM_LABEL not in labels else ""


class Needed(t.NamedTuple):
    """An object that has to be in a team's namespace, and what needs it."""

    kind: str
    name: str
    why: str


def needed(values: Values, team: str, objects: t.Sequence[Object]) -> list[Needed]:
    """What the person has to have put into the namespace of a team: the collection copies no Secret there."""
    wanted, path, namespace = values.rbac.teams[team], below(TEAMS, team), values.team_namespace(team)
    found = [Needed("Secret", name, f"{path}.imagePullSecrets names") for name in wanted.image_pull_secrets]
    if own := wanted.service_account.name:
        found.append(Needed("ServiceAccount", own, f"{path}.serviceAccount.name names"))
    if wanted.kubernetes_executor:
        found += _read_by_tasks(values, f"{path}.kubernetesExecutor is true, and pods of tasks use")
    made = {(one["kind"], one["metadata"]["name"]) for one in objects if one["metadata"].get("namespace") == namespace}
    return [one for one in dict.fromkeys(found) if one[:2] not in made]


def _read_by_tasks(values: Values, why: str) -> t.Iterator[Needed]:
    worker = names.service_account(values, "worker")
    yield Needed("ServiceAccount", worker, why)
    for pod in pod_template.pods_of(values):
        for secret in pod["spec"].get("imagePullSecrets") or ():
            yield Needed("Secret", secret["name"], why)
        for kind, name in sorted(checksums.read_by(pod["spec"])):
            yield Needed(kind, name, why)
        for volume in pod["spec"].get("volumes") or ():
            if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                yield Needed("PersistentVolumeClaim", claim, why)


def missing(one: Needed, namespace: str) -> str:
    """The sentence for an object that is not there."""
    return f"{one.why} {one.kind} '{one.name}', which does not exist in namespace {namespace}: have it made there, too"
