# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Autoscalers that go by a share of what pods request, where pods request nothing that it could be a share of.

Kubernetes says so in a condition of the HorizontalPodAutoscaler alone, and never scales.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.preflight import limit_ranges, pod_counts, quotas


def without_request(objects: t.Sequence[Object], ranges: t.Sequence[Object]) -> t.Iterator[str]:
    """Each such autoscaler, by what it scales; ``ranges`` are the LimitRanges that give requests where none are."""
    pods = _pods(objects)
    for item in objects:
        if item["kind"] != "HorizontalPodAutoscaler":
            continue
        # A person's own object may be malformed; the API server says better than we what is wrong with it.
        with contextlib.suppress(ArithmeticError, AttributeError, KeyError, TypeError):
            spec, meta = item["spec"], item["metadata"]
            kind, name = spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]
            pod = pods.get((meta.get("namespace"), kind, name))
            for resource, container in _shares(spec) if pod else ():
                if lacking := _lacking(_completed(pod or {}, ranges), resource, container):
                    yield (
                        f"HorizontalPodAutoscaler/{meta['name']} goes by a share of the {resource} that pods request, "
                        f"but nothing is requested by container {' and '.join(lacking)} of {kind}/{name}, so it would "
                        f"never scale: set resources.requests.{resource} there (a default in airflow_rbac_limit_range "
                        "serves, too), or go by something else"
                    )


def _pods(objects: t.Iterable[Object]) -> dict[pod_counts.Key, Object]:
    """The spec of the pods of each workload."""
    found = {}
    for item in objects:
        if item["kind"] in pod_counts.WORKLOADS:
            with contextlib.suppress(AttributeError, KeyError, TypeError):
                found[pod_counts.key_of(item)] = item["spec"]["template"]["spec"]
    return found


def _shares(spec: Object) -> t.Iterator[tuple[str, str | None]]:
    """The resources of which an autoscaler looks at a share, each of one container or (None) of the whole pod."""
    for metric in spec.get("metrics") or ():
        source = metric.get("resource") or metric.get("containerResource") or {}
        if (source.get("target") or {}).get("type") == "Utilization":
            yield source["name"], source.get("container")


def _completed(pod: Object, ranges: t.Iterable[Object]) -> list[Object]:
    """The containers of a pod that run as long as it does, with what limits of the namespace give them."""
    items = [one for found in ranges for one in found["spec"]["limits"] if one["type"] == "Container"]
    beside = [one for one in pod.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    return [limit_ranges.with_defaults(one, items) for one in (*pod["containers"], *beside)]


def _lacking(containers: t.Iterable[Object], resource: str, only: str | None) -> list[str]:
    """Those whose request is missing; none where the autoscaler can reckon with what is there."""
    requested = {
        one["name"]: quotas.of_container(one).get(f"requests.{resource}")
        for one in containers
        if only in (None, one["name"])
    }
    # A request of 0 is one, as long as another container asks for more.
    return [name for name, amount in requested.items() if amount is None or not any(requested.values())]
