# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects that come and go with a choice of the person's: that of the executors, and whether logs are shipped.

Whoever writes another one has said that what only the old one needed may go. So such objects carry a label, by
which a run takes them away without the consent that it wants for everything else that nobody declares any more.
What holds data has none.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import FEATURE
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

CELERY: t.Final = "celery"
KUBERNETES: t.Final = "kubernetes"
WORKERS: t.Final = "workers"
LOG_SHIPPER: t.Final = "log-shipper"
AUTOSCALING: t.Final = "autoscaling"
TASK_POD: t.Final = "kubernetes_executor=True"
"""The label that a KubernetesExecutor gives to pods of tasks (cncf.kubernetes provider, pod_generator.py)."""


def part_of(feature: str, items: t.Iterable[Object]) -> list[Object]:
    """``items`` with the label of the feature that they are for."""
    return [
        {**item, "metadata": {**item["metadata"], "labels": {**item["metadata"]["labels"], FEATURE: feature}}}
        for item in items
    ]


def unused(values: Values) -> frozenset[str]:
    """Features that the instance has no use for."""
    used = {
        CELERY: values.runs_celery,
        KUBERNETES: values.runs_kubernetes,
        WORKERS: values.runs_celery or values.runs_kubernetes,
        LOG_SHIPPER: values.logging.shipper.enabled,
    }
    return frozenset(feature for feature, is_used in used.items() if not is_used)
