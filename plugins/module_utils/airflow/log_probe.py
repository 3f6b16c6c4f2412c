# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Finds out whether an instance's log store takes logs, before anything is changed that would need it.

A store that was found to work is noted in the Lease, which a run reads anyway: while nothing of it changes, no later
run looks again.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.jobs import Jobs
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import Target, described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.module_utils.render import log_probe
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def run(face: Face) -> dict[str, t.Any]:
    """Probe the store unless that is known to work; never ``changed``, since nothing stays."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    told = {"changed": False, "store": values.logging.store, "probed": False}
    if not log_probe.wanted(values):
        return {**told, "api_requests": cluster.requests}
    where = Target(instance=values.name, namespace=values.namespace, values=values)
    remembered: dict[str, str] | None = face.params["remembered"]
    part = Scope(instance=values.name, namespace=values.namespace, component=log_probe.COMPONENT)
    lock = engine.lock_of(cluster, part, remembered)
    notes = lock.read_once() if remembered is None else remembered
    wanted = log_probe.fingerprint(values)
    if notes.get(engine.LOG_STORE) == wanted or face.check_mode:
        return {**told, "api_requests": cluster.requests}
    jobs = Jobs(
        cluster,
        where,
        lock,
        timeout=face.params["wait_timeout"],
        notify=face.progress,
        component=log_probe.COMPONENT,
    )
    try:
        job, found = jobs.run(log_probe.named_job(values), "tries the log store")
    except Failure as failure:
        raise Failure(f"{about(values)} could not be tried. {failure.message}", **failure.details) from failure
    jobs.remove(job)
    judged(face, values, found or {"unknown": "its pod is gone, with what it had to tell"})
    if not (found or {}).get("unknown"):
        lock.rest({engine.LOG_STORE: wanted})
    return {**told, "probed": True, "api_requests": cluster.requests}


def about(values: Values) -> str:
    """The store, by its variable."""
    return f"airflow_logging_{values.logging.store}: the log store of instance {values.name}"


def judged(face: Face, values: Values, found: dict[str, t.Any]) -> None:
    """Raise ``Failure`` for what would lose logs, warn of the rest."""
    if found.get("problem"):
        raise Failure(
            f"{about(values)} does not work: {found['problem']}. The instance goes on as it was. Correct the variable, "
            "or what it names, and run again.",
            store=values.logging.store,
        )
    for note in found.get("notes") or ():
        face.warn(f"{about(values)} works, but {note}.")
    if found.get("unknown"):
        face.warn(f"{about(values)} was not tried: {found['unknown']}. See by the log of a task whether it works.")
