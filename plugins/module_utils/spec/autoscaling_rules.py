# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of autoscaling. Each yields a sentence for every mistake it finds.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import executors
from ansible_collections.dagops.airflow.plugins.module_utils.spec.counts import (
    TRIGGERER,
    WORKERS,
    WORKERS_HPA,
    scalers,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import below, said, suggestion
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    USAGE,
    KedaScaler,
    PodScaler,
    Values,
)

# KEDA makes a HorizontalPodAutoscaler whose name, the ScaledObject's with `keda-hpa-` before it, is a label's value.
LONGEST_NAME: t.Final = 63 - len("keda-hpa-")


def bounds(values: Values) -> t.Iterator[str]:
    """At least is not more than at most."""
    for path, _scaled, one in scalers(values):
        if one.min > one.max:
            yield f"{path}.min is {one.min}, which is more than {path}.max, {one.max}: exchange them"


def something_to_scale(values: Values) -> t.Iterator[str]:
    """What is to be scaled is there, and by one autoscaler alone."""
    wanted, sets = values.autoscaling, values.worker_sets
    for variable, named in ((WORKERS, wanted.workers), (WORKERS_HPA, wanted.workers_hpa)):
        if named and not values.runs_celery:
            yield (
                f"{variable} is given, but airflow_core_executor is {said(values.core.executor)}, which has no Celery "
                "workers: add CeleryExecutor to it, or leave the workers out"
            )
            continue
        for name in named:
            if name not in sets:
                yield (
                    f"{below(variable, name)} is no set of workers{suggestion(name, sets)}: name one of "
                    f"airflow_celery_workers ({', '.join(sets)})"
                )
    for name in sorted(wanted.workers.keys() & wanted.workers_hpa.keys()):
        yield (
            f"{below(WORKERS_HPA, name)} has an autoscaler by {WORKERS} already, and two of them would work against "
            "each other: leave one of them out"
        )
    if wanted.triggerer and not values.core.triggerer.enabled:
        yield f"{TRIGGERER} is given, but airflow_core_triggerer.enabled is false: leave one of the two out"


def names_of_scalers(values: Values) -> t.Iterator[str]:
    """Names that KEDA can take."""
    for name in values.autoscaling.workers:
        full = f"{values.name}-worker" + ("" if name == "default" else f"-{name}")
        if len(full) > LONGEST_NAME:
            yield (
                f"{below(WORKERS, name)} makes a ScaledObject with the name {full}, which is longer than the "
                f"{LONGEST_NAME} characters that KEDA takes: give the set a shorter name"
            )
    if values.autoscaling.triggerer and len(f"{values.name}-triggerer") > LONGEST_NAME:
        yield f"{TRIGGERER} makes a ScaledObject whose name is too long for KEDA: give the instance a shorter name"


def queues(values: Values) -> t.Iterator[str]:
    """A task counts once: for the only set that takes its queue."""
    takers: dict[str, list[str]] = collections.defaultdict(list)
    for name, one in values.worker_sets.items():
        for queue in dict.fromkeys(one.queues):
            takers[queue].append(name)
    for queue, names in takers.items():
        if len(names) > 1 and values.autoscaling.workers.keys() & set(names):
            yield (
                f"the queue '{queue}' is in the sets {' and '.join(names)} of airflow_celery_workers, so {WORKERS} "
                "would make workers for each of its tasks in each of them: give the queue to one set"
            )
    if any(one.name == "CeleryKubernetesExecutor" for one in executors.listed(values.core.executor)):
        section = values.core.config.get("celery_kubernetes_executor", {})
        own = str(section.get("kubernetes_queue") or "kubernetes")
        for name in takers.get(own, []):
            if name in values.autoscaling.workers:
                yield (
                    f"{below('airflow_celery_workers', name)}.queues has '{own}', whose tasks the "
                    "CeleryKubernetesExecutor runs in pods of their own: leave it out"
                )


def metrics(values: Values) -> t.Iterator[str]:
    """A HorizontalPodAutoscaler has something to go by."""
    for path, _scaled, one in scalers(values):
        if isinstance(one, PodScaler) and not (one.cpu or one.memory or one.metrics):
            yield f"{path} has nothing to go by: set cpu or memory, or give metrics"


def usage(values: Values) -> t.Iterator[str]:
    """Pods are not made more and larger for one and the same load.

    The Vertical Pod Autoscaler's known limitations forbid both for CPU or memory on one workload; of its modes, Off
    alone leaves the requests as they are.
    """
    vertical = values.instance.vertical_autoscaling
    if not vertical.enabled or vertical.mode == "Off":
        return
    for path, _scaled, one in scalers(values):
        if isinstance(one, PodScaler) and one.metric_types & USAGE:
            yield (
                f"{path} goes by CPU or memory, and so does airflow_vertical_autoscaling, whose mode "
                f"'{vertical.mode}' changes the requests that both go by: set the mode to 'Off', or name other metrics"
            )


def fallback(values: Values) -> t.Iterator[str]:
    """No more pods while the database does not answer than there may be while it does."""
    for path, _scaled, one in scalers(values):
        if isinstance(one, KedaScaler) and one.fallback and one.fallback.replicas > one.max:
            yield (
                f"{path}.fallback.replicas is {one.fallback.replicas}, which is more than {path}.max, {one.max}: set "
                "a smaller number"
            )


def database_user(values: Values) -> t.Iterator[str]:
    """KEDA's user may less than Airflow's, so it is another one."""
    own = values.autoscaling.database
    if values.uses_keda and not own.credentials and own.user == values.database.user:
        yield (
            f"airflow_autoscaling_database.user is '{own.user}', as Airflow's own user of the database, who may do "
            "everything: name another one"
        )


RULES: tuple[t.Callable[[Values], t.Iterator[str]], ...] = (
    bounds,
    something_to_scale,
    names_of_scalers,
    queues,
    metrics,
    usage,
    fallback,
    database_user,
)
