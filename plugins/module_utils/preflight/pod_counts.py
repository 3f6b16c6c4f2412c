# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How many pods the objects of an instance make, by workload: what is left to an autoscaler has a least and a most.

Overrides have been applied to these objects, and the person's own are among them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import contextlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

WORKLOADS: t.Final = frozenset({"Deployment", "StatefulSet"})

Key = tuple[t.Any, t.Any, t.Any]
"""Namespace, kind and name of a workload; those of a person's own object may be anything."""


class Count(t.NamedTuple):
    """Pods of one workload at least and at most, and the autoscalers that choose."""

    least: int
    most: int
    scalers: tuple[str, ...] = ()


class _Scaler(t.NamedTuple):
    label: str
    least: int
    most: int


# Where autoscalers have their bounds, and what these are where nothing is said.
_BOUNDS: t.Final[dict[str, tuple[tuple[str, int], tuple[str, int]]]] = {
    "HorizontalPodAutoscaler": (("minReplicas", 1), ("maxReplicas", 1)),
    "ScaledObject": (("minReplicaCount", 0), ("maxReplicaCount", 100)),
}


def counts(objects: t.Iterable[Object]) -> dict[Key, Count]:
    """Those of all workloads."""
    items = list(objects)
    scalers = _scalers(items)
    found: dict[Key, Count] = {}
    for item in items:
        if item["kind"] not in WORKLOADS:
            continue
        # A person's own object may be malformed; the API server says better than we what is wrong with it.
        with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
            key = key_of(item)
            chosen = scalers.get(key, [])
            declared = int((item.get("spec") or {}).get("replicas", 1))
            found[key] = Count(
                least=min((one.least for one in chosen), default=declared),
                most=max((one.most for one in chosen), default=declared),
                scalers=tuple(one.label for one in chosen),
            )
    return found


def key_of(item: Object) -> Key:
    """What a workload is known by."""
    return item["metadata"].get("namespace"), item["kind"], item["metadata"]["name"]


def _scalers(objects: t.Iterable[Object]) -> dict[Key, list[_Scaler]]:
    """Autoscalers by what they scale."""
    found: dict[Key, list[_Scaler]] = collections.defaultdict(list)
    for item in objects:
        bounds = _BOUNDS.get(item["kind"])
        if not bounds:
            continue
        with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
            spec, meta = item["spec"], item["metadata"]
            least, most = (int(spec.get(name, usual)) for name, usual in bounds)
            scaled = spec["scaleTargetRef"]
            key = (meta.get("namespace"), scaled.get("kind", "Deployment"), scaled["name"])
            found[key].append(_Scaler(label=f"{item['kind']}/{meta['name']}", least=least, most=most))
    return found


def contested(objects: t.Sequence[Object]) -> t.Iterator[str]:
    """Workloads whose number of pods two would set, as overrides and objects of one's own can make them."""
    found = counts(objects)
    for item in objects:
        if item["kind"] not in WORKLOADS:
            continue
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            scalers, name = found[key_of(item)].scalers, f"{item['kind']}/{item['metadata']['name']}"
            if len(scalers) > 1:
                yield (
                    f"{' and '.join(scalers)} both scale {name}, and would work against each other: leave one of them "
                    "out"
                )
            elif scalers and "replicas" in item["spec"]:
                yield (
                    f"{scalers[0]} scales {name}, whose spec.replicas each run would set again: leave one of the two "
                    "out (airflow_autoscaling_* does, where it can scale it)"
                )
