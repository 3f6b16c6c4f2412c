# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tells what an image of Airflow holds, with the configuration of an instance, before the instance runs it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import inspect
import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dag_ids
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.jobs import Jobs
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import contents
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Target, described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import image
from ansible_collections.dagops.airflow.plugins.module_utils.render.trial import COMPONENT, trial_job

Contents = dict[str, t.Any]


def run(face: Face) -> dict[str, t.Any]:
    """What the image holds; nothing of the instance is changed."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    where = Target(instance=values.name, namespace=values.namespace, values=values)
    reference = image(values, values.instance.image, values.instance.version)
    lock = engine.lock_of(cluster, Scope(instance=values.name, namespace=values.namespace, component=COMPONENT), None)
    jobs = Jobs(cluster, where, lock, timeout=face.params["wait_timeout"], notify=face.progress)
    job = trial_job(values, inspect.getsource(contents), values.instance.version)
    try:
        job = jobs.run_beside(job, f"looks at {reference}")
        told = last_line(jobs.output(job))
    except Failure as failure:
        raise Failure(
            f"The image {reference} could not be looked at. {failure.message}", **failure.details
        ) from failure
    if told is None:
        raise Failure(f"The image {reference} could not be looked at: its pod was gone before it was read. Try again.")
    jobs.remove(job)
    return {
        "changed": False,
        "image": reference,
        **told,
        "duplicates": duplicates(told["dags"]),
        "problems": list(problems(told, reference, values.instance.version)),
        "api_requests": cluster.requests,
    }


def last_line(output: str) -> Contents | None:
    """What the script told: DAG files may have printed before."""
    lines = output.strip().splitlines()
    if not lines:
        return None
    told: Contents = json.loads(lines[-1])
    return told


def duplicates(dags: t.Mapping[str, t.Sequence[str]]) -> dict[str, list[str]]:
    """DAG ids that several bundles hold, with the names of these: Airflow runs whichever it has read last."""
    holders = collections.defaultdict(list)
    for bundle, ids in sorted(dags.items()):
        for one in ids:
            holders[one].append(bundle)
    return {one: bundles for one, bundles in sorted(holders.items()) if len(bundles) > 1}


def problems(told: Contents, reference: str, version: str) -> t.Iterator[str]:
    """A sentence for everything that speaks against running the image."""
    if told["version"] != version:
        found = f"Airflow {told['version']}" if told["version"] else "no package apache-airflow"
        yield (
            f"airflow_version is {version}, but the image {reference} holds {found}. Release an image of that version, "
            "or set airflow_version and run site.yml, which migrates the database"
        )
    for bundle, errors in told["import_errors"].items():
        for file, error in errors.items():
            yield f"{file} of the bundle {bundle} cannot be imported: {(error or 'no reason told').splitlines()[-1]}"
    for one, bundles in duplicates(told["dags"]).items():
        yield dag_ids.sentence(one, bundles)
