# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Jobs that try, with what tasks will have, something that an instance needs, before its configuration is changed.

They read nothing of the instance's own ConfigMaps, which are those of before, or not there yet.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import config, names, overrides, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.scripts import source
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    DagBundle,
    DagsVolume,
    GitRepository,
    Pods,
    ServiceAccount,
    Values,
    resources,
)

LONGEST = 900
"""Seconds after which nobody waits any more, since the run that has made a Job was killed."""


def tasks_run_in(values: Values) -> tuple[str, Pods]:
    """The component whose pods run tasks."""
    if values.runs_kubernetes:
        return "worker", values.core.workers
    if values.runs_celery:
        return "worker", next(iter(values.worker_sets.values()))
    return "scheduler", values.core.scheduler


def fingerprint(values: Values, *seen: t.Any) -> str:
    """What stands for all that a probe depends on, and for who tasks are: the same ones need no second look."""
    component, _shape = tasks_run_in(values)
    identity = dataclasses.asdict(values.rbac.service_accounts.get(component, ServiceAccount()))
    whole = json.dumps([*seen, identity, component], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def with_dags_of(
    values: Values, repositories: dict[str, GitRepository], bundles: dict[str, DagBundle], **git_sync: t.Any
) -> Values:
    """An instance whose DAGs come from these places, and from nowhere else."""
    return dataclasses.replace(
        values,
        core=dataclasses.replace(values.core, dag_bundles=bundles, dags_volume=DagsVolume()),
        git_sync=dataclasses.replace(values.git_sync, repositories=repositories, **git_sync),
    )


def options(values: Values, sections: t.Iterable[str], but: t.Collection[str] = ()) -> list[Object]:
    """Options of airflow.cfg as environment variables."""
    settings = config.settings(values)
    return [
        {"name": f"AIRFLOW__{section}__{name}".upper(), "value": plain(value)}
        for section in sections
        for name, value in sorted(settings.get(section, {}).items())
        if value is not None and name not in but
    ]


def plain(value: t.Any) -> str:
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else str(value)


def job(
    values: Values,
    name: str,
    script: types.ModuleType,
    *arguments: str,
    env: t.Sequence[Object],
    who: Pods | None = None,
    dags: Values | None = None,
    finish: t.Callable[[Object], None] = lambda _template: None,
) -> Object:
    """A Job that runs ``script`` in Airflow's image, with the person's overrides, which know it without a hash.

    Its pod is like those that run tasks, or like ``who`` of these. It gets DAGs as ``dags`` says; none, where that is
    not given. ``finish`` has the last word before the person.
    """
    component, shape = tasks_run_in(values)
    # Nothing that runs beside a task has to run beside this.
    alone = dataclasses.replace(
        who or shape, resources=resources("100m", "256Mi", "1Gi", "1")(), init_containers=[], containers=[]
    )
    container = pods.airflow_container(
        values,
        alone,
        name,
        args=["python", "-c", source(script), *arguments],
        env=env,
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    template = pods.airflow_pod(
        dags or values,
        component,
        alone,
        container,
        # It writes no log of a task, so it need not wait until there is a volume for them.
        volumes=[{"name": "logs", "emptyDir": {}}],
        with_dags=dags is not None,
        restartPolicy="Never",
    )
    spec = template["spec"]
    spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] != "config"]
    main = spec["containers"][0]
    main["volumeMounts"] = [mount for mount in main["volumeMounts"] if mount["name"] != "config"]
    # Not those of the component, whose Service, Deployment and budget would count it.
    template["metadata"]["labels"] = {**names.labels(values, name), **alone.labels}
    finish(template)
    body = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": LONGEST,
        "ttlSecondsAfterFinished": 3600,
        "template": template,
    }
    return overrides.applied(values, object_(values, "batch/v1", "Job", name, spec=body))
