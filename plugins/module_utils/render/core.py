# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Airflow's own workloads and what they read.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import (
    celery_workers,
    config,
    dag_processor,
    dags,
    db_cleanup,
    pod_cleanup,
    pod_template,
    scheduler,
    teams,
    web,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def configuration(values: Values) -> list[Object]:
    """ConfigMaps that the workloads and the migration read."""
    read_by_tasks = [config.config_map(values), *config.canary_config_map(values)]
    return [*teams.with_copies(values, read_by_tasks), *pod_template.render(values)]


def workloads(values: Values) -> list[Object]:
    """What the first task needs."""
    return [
        *dags.claim(values),
        *web.render(values),
        *scheduler.render(values),
        *dag_processor.render(values),
        *celery_workers.render(values),
        *pod_template.budget(values),
        *pod_cleanup.render(values),
        *db_cleanup.render(values),
    ]
