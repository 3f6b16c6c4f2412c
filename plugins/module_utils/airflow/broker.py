# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Finds out whether Celery's broker answers, before anything is changed that would need it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import broker_words, secrets
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.jobs import Told
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.probe import Probe, known, tried
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.secret_store import SecretStore
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import described
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.module_utils.render import broker_probe, names
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def run(face: Face) -> dict[str, t.Any]:
    """Ask the broker and the result backend unless they are known to answer; then let pods have the address."""
    values = described(face.params)
    cluster = connect(face.params, face.progress)
    result: dict[str, t.Any] = {"changed": False, "probed": False, "api_requests": 0}
    if not broker_probe.asked(values):
        return result
    store = SecretStore(cluster, values, check_mode=face.check_mode)
    address = address_of(store, values, face.params["given"] or {})
    prints = store.fingerprint([address, *_addresses(store, values)])
    probe = Probe(
        about=f"{broker_words.BROKER}: the broker or the result backend of instance {values.name}",
        component=broker_probe.COMPONENT,
        note=engine.BROKER,
        fingerprint=broker_probe.fingerprint(values, prints),
        job=lambda: broker_probe.named_job(values, prints),
        doing="asks the broker",
        judged=lambda found: judged(face, values, found),
        beside=lambda job: [broker_probe.secret(values, job, address)] if address else [],
    )
    result["probed"] = tried(face, values, cluster, probe)
    name = names.name(values, "celery")
    # One that is not there yet is made with all that is in it.
    if address and store.own(name) is not None:
        result["changed"] = store.derive(name, {names.BROKER_KEY: address}).is_change
    return {**result, "api_requests": cluster.requests}


def address_of(store: SecretStore, values: Values, given: secrets.Given) -> str:
    """The address of a broker that is described by its parts; else nothing."""
    if not broker_probe.described(values):
        return ""
    kept = {wanted.name: store.texts(wanted) for wanted in secrets.celery_secrets(values, given)}
    return secrets.broker_url(values, secrets.celery_accounts(values, kept, store.own).broker)


def _addresses(store: SecretStore, values: Values) -> t.Iterator[str]:
    """Addresses that a person keeps."""
    for name, secret in sorted(broker_probe.own(values).items()):
        found = (store.own(secret.name) or {}).get(secret.key, "")
        yield f"{name} {secret.name} {secret.key} {found}"


def judged(face: Face, values: Values, found: Told) -> bool:
    """Raise ``Failure`` for what does not answer; whether all is known to answer."""
    problems = [broker_words.meaning(values, name, one) for name, one in (found.get("said") or {}).items()]
    return known(face, f"The broker of instance {values.name} was not asked", problems, found)
