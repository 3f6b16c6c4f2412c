# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whose the number of pods of a workload is: ours, or an autoscaler's.

A field that leaves the applied set of its only owner falls back to its default: a Deployment of seven pods would have
one. So a number that an autoscaler is to set stays in the applied set until that one has set another, by which
Kubernetes makes it the owner. On the way back the field is taken from the autoscaler, which is gone by then, and
nothing else with it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

AUTOSCALED: t.Final = "airflow.dagops/autoscaled-from"
"""The annotation of a workload whose number of pods an autoscaler sets; its value is the least of them."""
PATH: t.Final = ".spec.replicas"


def least(obj: Object) -> int | None:
    """The least number of pods that an autoscaler sets; None for a workload whose number is its declarer's."""
    told = (obj["metadata"].get("annotations") or {}).get(AUTOSCALED)
    return None if told is None else int(told)


def held(desired: Object, live: Object | None) -> Object:
    """``desired`` with the number of pods that stands until the autoscaler sets one."""
    bottom = least(desired)
    if bottom is None or "replicas" in desired["spec"]:
        return desired
    if live is None:
        return _with(desired, bottom)
    if not _only_ours(live) and not _without_pods(bottom, live):
        return desired
    return _with(desired, max(live["spec"].get("replicas", 1), bottom))


def anew(desired: Object, live: Object) -> Object:
    """``desired`` for an object that is made anew in the place of ``live``: as many pods as there are."""
    bottom = least(desired)
    return desired if bottom is None else _with(desired, max(live["spec"].get("replicas", 1), bottom))


def released(desired: Object) -> Object:
    """``desired`` without a number of pods."""
    return {**desired, "spec": {name: value for name, value in desired["spec"].items() if name != "replicas"}}


def taken_back(desired: Object, live: Object | None) -> bool:
    """Whether the number of pods may be taken from another: it was left to an autoscaler, and is declared again.

    Or it is the one that we declared: who set the same, as an autoscaler of the past may have, owns it beside us. Or
    there is no pod, so that the autoscaler of now would not begin.
    """
    if live is None:
        return False
    if (bottom := least(desired)) is not None:
        return _without_pods(bottom, live)
    return least(live) is not None or any(map(_is_ours, _owners(live)))


def still_managed(refusal: str, going: t.Iterable[Object]) -> bool:
    """Whether KEDA refuses to scale what one of ``going`` scales, which is gone by then; a dry run sees it still."""
    return any(
        f"is already managed by the hpa '{obj['metadata']['name']}'" in refusal
        for obj in going
        if obj["kind"] == "HorizontalPodAutoscaler"
    )


def _without_pods(bottom: int, live: Object) -> bool:
    """Whether KEDA, say, took the last pod of what a HorizontalPodAutoscaler is to scale: it leaves that alone."""
    return bottom > 0 and live["spec"].get("replicas") == 0


def _with(desired: Object, count: int) -> Object:
    return {**desired, "spec": {**desired["spec"], "replicas": count}}


def _only_ours(live: Object) -> bool:
    owners = _owners(live)
    return bool(owners) and all(map(_is_ours, owners))


def _owners(live: Object) -> list[Object]:
    """Who owns the number of pods: entries of managedFields."""
    return [
        entry
        for entry in live["metadata"].get("managedFields") or ()
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]


def _is_ours(entry: Object) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
