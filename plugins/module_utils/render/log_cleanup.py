# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What keeps a log volume from filling: once a day, files of more than some days go.

A CronJob rather than a container beside each component: one walk over the volume, and nothing that runs all day.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import inspect

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, image, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import clean_logs
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    PodPlacement,
    Pods,
    Values,
    resources,
)

COMPONENT = "log-cleanup"
SCHEDULE = "17 3 * * *"


def wanted(values: Values) -> bool:
    """Whether files go at all."""
    return values.logging.store == "volume" and values.logging.retention_days > 0


def render(values: Values) -> list[Object]:
    """The CronJob, where files go."""
    if not wanted(values):
        return []
    scheduler = values.core.scheduler
    # Where the scheduler may run, the volume can be mounted.
    place = {field.name: getattr(scheduler, field.name) for field in dataclasses.fields(PodPlacement)}
    shape = Pods(resources=resources("20m", "32Mi", "128Mi", "500m")(), **place)
    container = {
        "name": COMPONENT,
        "image": image(values, values.instance.image, values.instance.version),
        "imagePullPolicy": values.instance.image.pull_policy,
        # Past the image's entrypoint, which would look for a database.
        "command": ["python", "-c", inspect.getsource(clean_logs)],
        "args": [names.LOGS_FOLDER, str(values.logging.retention_days)],
        "resources": shape.resources,
        "securityContext": pods.CONTAINER_SECURITY,
        "volumeMounts": [{"name": "logs", "mountPath": names.LOGS_FOLDER}],
    }
    template = pods.pod(
        values,
        COMPONENT,
        shape,
        container,
        security=pods.pod_security(pods.AIRFLOW_USER, 0),
        volumes=[pods.log_volume(values)],
        restartPolicy="Never",
    )
    job = {"backoffLimit": 1, "activeDeadlineSeconds": 6 * 60 * 60, "template": template}
    spec = {
        "schedule": SCHEDULE,
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"spec": job},
    }
    return [object_(values, "batch/v1", "CronJob", COMPONENT, spec=spec)]
