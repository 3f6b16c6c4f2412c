# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How many pods there are of a workload, at least and at most, and which variable says so.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    CeleryWorkers,
    Scaler,
    Values,
    Workload,
)

WORKERS: t.Final = "airflow_autoscaling_workers"
WORKERS_HPA: t.Final = "airflow_autoscaling_workers_hpa"
TRIGGERER: t.Final = "airflow_autoscaling_triggerer"
API_SERVER: t.Final = "airflow_autoscaling_api_server"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Count:
    """Where an autoscaler sets the number, what needs room counts the most, and what has to stay counts the least."""

    least: int
    most: int
    least_by: str
    """The variable that says it."""
    most_by: str

    @property
    def autoscaled(self) -> bool:
        return self.least_by != self.most_by


def scalers(values: Values) -> t.Iterator[tuple[str, str, Scaler]]:
    """Every autoscaler with the path of its variable, and of that of the workload that it scales."""
    wanted = values.autoscaling
    for variable, named in ((WORKERS, wanted.workers), (WORKERS_HPA, wanted.workers_hpa)):
        for name, one in named.items():
            yield below(variable, name), below("airflow_celery_workers", name), one
    if wanted.triggerer:
        yield TRIGGERER, "airflow_core_triggerer", wanted.triggerer
    if wanted.api_server:
        yield API_SERVER, "airflow_core_api_server", wanted.api_server


def count(values: Values, path: str, workload: Workload) -> Count:
    """Those of the workload that the variable ``path`` describes."""
    for variable, scaled, scaler in scalers(values):
        if scaled == path:
            return Count(least=scaler.min, most=scaler.max, least_by=f"{variable}.min", most_by=f"{variable}.max")
    replicas = f"{path}.replicas"
    return Count(least=workload.replicas, most=workload.replicas, least_by=replicas, most_by=replicas)


def api_servers(values: Values) -> Count:
    """The API servers, or webservers."""
    return count(values, "airflow_core_api_server", values.core.api_server)


def triggerers(values: Values) -> Count:
    """The triggerers, if there are any."""
    if not values.core.triggerer.enabled:
        enabled = "airflow_core_triggerer.enabled"
        return Count(least=0, most=0, least_by=enabled, most_by=enabled)
    return count(values, "airflow_core_triggerer", values.core.triggerer)


def workers(values: Values, set_name: str) -> Count:
    """Those of a set of Celery's workers."""
    return count(values, below("airflow_celery_workers", set_name), values.worker_sets[set_name])


def processes(wanted: CeleryWorkers) -> int:
    """Tasks that one worker runs at once, at most."""
    return wanted.autoscale.max if wanted.autoscale else wanted.concurrency
