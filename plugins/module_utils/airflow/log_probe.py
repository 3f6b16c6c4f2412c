# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Finds out whether an instance's log store takes logs, before anything is changed that would need it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.probe import Probe, refusal, tried
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.module_utils.render import log_probe
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def run(face: Face) -> dict[str, t.Any]:
    """Probe the store unless that is known to work; never ``changed``, since nothing stays."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    probe = Probe(
        about=about(values),
        component=log_probe.COMPONENT,
        note=engine.LOG_STORE,
        fingerprint=log_probe.fingerprint(values),
        job=lambda: log_probe.named_job(values),
        doing="tries the log store",
        judged=lambda found: judged(face, values, found),
    )
    probed = log_probe.wanted(values) and tried(face, values, cluster, probe)
    return {"changed": False, "store": values.logging.store, "probed": probed, "api_requests": cluster.requests}


def about(values: Values) -> str:
    """The store, by its variable."""
    return f"airflow_logging_{values.logging.store}: the log store of instance {values.name}"


def judged(face: Face, values: Values, found: dict[str, t.Any]) -> bool:
    """Raise ``Failure`` for what would lose logs, warn of the rest; whether the store is known to work."""
    if problem := found.get("problem"):
        raise refusal([f"{about(values)} does not work: {problem}"], store=values.logging.store)
    for note in found.get("notes") or ():
        face.warn(f"{about(values)} works, but {note}.")
    if found.get("unknown"):
        face.warn(f"{about(values)} was not tried: {found['unknown']}. See by the log of a task whether it works.")
    return not found.get("unknown")
