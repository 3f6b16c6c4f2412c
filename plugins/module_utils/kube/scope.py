# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whose objects are at hand, and how the cluster remembers it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import diff, fields, kinds, quantities
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Kind, Object
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import Place, key

INSTANCE: t.Final = "app.kubernetes.io/instance"
MANAGED_BY: t.Final = "app.kubernetes.io/managed-by"
COMPONENT: t.Final = "airflow.dagops/role"
FEATURE: t.Final = "airflow.dagops/feature"
"""The label of what is there for the sake of one choice, which whoever declares the objects may say is made no more."""
HOME: t.Final = "airflow.dagops/namespace"
"""The label of what is outside of its instance's namespace: another instance of that name may live elsewhere."""
_KINDS: t.Final = "airflow.dagops/kinds-"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scope:
    """One part (``component``) of one instance: what a task declares in full."""

    instance: str
    namespace: str
    component: str

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object of the instance."""
        return {INSTANCE: self.instance, MANAGED_BY: FIELD_MANAGER}

    @property
    def selector(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.labels.items())

    @property
    def note(self) -> str:
        """The annotation of the Lease that tells where objects of this part are."""
        return f"{_KINDS}{self.component}"

    def owns(self, live: Object) -> bool:
        """Whether we made ``live`` as an object of this part."""
        labels = live["metadata"].get("labels") or {}
        ours = {**self.labels, COMPONENT: self.component}
        at_home = labels.get(HOME, self.namespace) == self.namespace
        # Controllers copy labels to what they make of our objects.
        return at_home and ours.items() <= labels.items() and fields.managed(live, FIELD_MANAGER)

    def makers(self, live: Object) -> str:
        """Who made ``live``, where that was not us: field managers, in words. A namespace may be anybody's."""
        labels = live["metadata"].get("labels") or {}
        if live["kind"] == "Namespace" or self.labels.items() <= labels.items() or fields.managed(live, FIELD_MANAGER):
            return ""
        managers = {str(entry.get("manager")) for entry in live["metadata"].get("managedFields") or ()}
        return ", ".join(sorted(managers)) or "somebody else"

    def foreign(self, live: Object) -> str | None:
        """The other instance to which ``live`` belongs, in words."""
        labels = live["metadata"].get("labels") or {}
        other, home = labels.get(INSTANCE), labels.get(HOME, self.namespace)
        if labels.get(MANAGED_BY) != FIELD_MANAGER or (other, home) == (self.instance, self.namespace):
            return None
        return other if home == self.namespace else f"{other} in namespace {home}"


def remembered(note: str) -> set[Place]:
    """The places that a note names."""
    places = set()
    for item in filter(None, note.split(",")):
        resource, _at, namespace = item.partition("@")
        api_version, _colon, kind = resource.rpartition(":")
        places.add(Place(api_version, kind, namespace))
    return places


def notes_of_kinds(notes: t.Mapping[str, str]) -> dict[str, str]:
    """Those annotations of the Lease that tell where objects are; none where no part of the instance has any."""
    return {name: note for name, note in notes.items() if name.startswith(_KINDS)}


def note_of(places: t.Iterable[Place]) -> str:
    """A note that names ``places``: ``apps/v1:Deployment@airflow,v1:ConfigMap@airflow``."""
    return ",".join(f"{one.api_version}:{one.kind}@{one.namespace}".rstrip("@") for one in sorted(places))


class FindKind(t.Protocol):
    """How a kind is found by its API version and name."""

    def __call__(self, api_version: str, name: str, /) -> Kind | None:
        """The kind, None when nobody knows it."""


def prepared(
    objects: t.Iterable[Object],
    scope: Scope | None,
    namespace: str | None,
    find_kind: FindKind,
) -> list[Object]:
    """``objects`` as they are applied: complete addresses, our labels, nothing that only the API server writes."""
    result = [_prepared(obj, scope, namespace, find_kind) for one in objects for obj in _flat(one)]
    seen = set()
    for obj in result:
        if key(obj) in seen:
            raise Failure(f"{kinds.label(obj)} is declared twice. Give one of the two another name, or leave it out.")
        seen.add(key(obj))
    return result


def _flat(obj: t.Any) -> t.Iterator[Object]:
    if not isinstance(obj, dict):
        raise Failure(f"An object must be a mapping with apiVersion, kind and metadata, not {type(obj).__name__}.")
    if str(obj.get("kind")).endswith("List") and isinstance(obj.get("items"), list):
        for item in obj["items"]:
            yield from _flat(item)
    else:
        yield obj


def _prepared(obj: Object, scope: Scope | None, namespace: str | None, find_kind: FindKind) -> Object:
    api_version, name = obj.get("apiVersion"), obj.get("kind")
    meta = obj.get("metadata")
    if not (isinstance(api_version, str) and isinstance(name, str) and isinstance(meta, dict) and meta.get("name")):
        which = kinds.label(obj) if isinstance(meta, dict) else name
        raise Failure(f"An object ({which}) lacks apiVersion, kind or metadata.name. Add what it lacks.")
    result = copy.deepcopy({field: value for field, value in obj.items() if field != "status"})
    meta = result["metadata"]
    for field in diff.SERVER_SIDE:
        meta.pop(field, None)
    kind = find_kind(api_version, name)
    if kind is not None and not kind.namespaced:
        meta.pop("namespace", None)
    elif not meta.get("namespace"):
        if not namespace:
            raise Failure(f"{kinds.label(obj)} has no namespace. Set metadata.namespace, or the option namespace.")
        meta["namespace"] = namespace
    if scope:
        away = {HOME: scope.namespace} if name != "Namespace" and meta.get("namespace") != scope.namespace else {}
        meta["labels"] = {COMPONENT: scope.component, **(meta.get("labels") or {}), **scope.labels, **away}
    if name == "Secret" and result.get("stringData"):
        # The API server would turn it into data, and the next apply could not see that nothing changes.
        texts = {field: _base64(value) for field, value in result.pop("stringData").items()}
        result["data"] = {**(result.get("data") or {}), **texts}
    if name == "Deployment" and isinstance(result.get("spec"), dict):
        _own_strategy(result["spec"])
    return quantities.normalised(result)


def _own_strategy(spec: Object) -> None:
    """Say what the API server would add, so that it goes when the strategy becomes Recreate, which refuses it."""
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        defaults = {"maxSurge": "25%", "maxUnavailable": "25%"}
        strategy["rollingUpdate"] = {**defaults, **(strategy.get("rollingUpdate") or {})}


def _base64(text: t.Any) -> str:
    return base64.b64encode(str(text).encode()).decode()
