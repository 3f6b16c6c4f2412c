# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Job that asks an external broker and a result backend of one's own, as Celery's workers will.

The address of a broker that is described by its parts is not among the instance's Secrets yet: workers that start anew
must not read one that nobody has tried. It comes in a Secret of the Job's own, which goes with it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pods, probe
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, named_by_content, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_broker
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import UrlSecret, Values

COMPONENT = "broker-probe"
NOTE = "airflow.dagops/addresses"
SECTIONS = ("celery", "celery_broker_transport_options", "celery_result_backend_transport_options", "secrets")
"""Options that say how they are spoken to."""


def described(values: Values) -> bool:
    """Whether a broker of the person's own is described by its parts, of which we make an address."""
    broker = values.celery.broker
    return values.runs_celery and broker.provider == "external" and broker.url_secret is None


def own(values: Values) -> dict[str, UrlSecret]:
    """Addresses that a person keeps, by what is asked."""
    if not values.runs_celery:
        return {}
    kept = {"broker": values.celery.broker.url_secret, "result_backend": values.celery.result_backend.url_secret}
    return {name: secret for name, secret in kept.items() if secret}


def asked(values: Values) -> dict[str, UrlSecret]:
    """What is asked, and where its address is; an embedded broker and the metadata database are waited for anyway."""
    ours = UrlSecret(name=names.name(values, COMPONENT), key=names.BROKER_KEY)
    return {**({"broker": ours} if described(values) else {}), **own(values)}


def options(values: Values) -> list[Object]:
    """Options of airflow.cfg as environment variables."""
    return probe.options(values, SECTIONS)


def fingerprint(values: Values, addresses: str) -> str:
    """Of all that says where they are, and of the fingerprint of their addresses: the same ones need no second look."""
    return probe.fingerprint(values, options(values), addresses)


def named_job(values: Values, addresses: str) -> Object:
    """The Job, whose name carries a hash of its content; with other addresses it is another one."""
    return named_by_content(job(values, addresses))


def job(values: Values, addresses: str = "") -> Object:
    """The Job with the person's overrides, which know it without the hash."""
    secrets = asked(values)

    def finish(template: Object) -> None:
        template["metadata"]["annotations"] = {**template["metadata"].get("annotations", {}), NOTE: addresses}

    return probe.job(
        values,
        COMPONENT,
        probe_broker,
        *sorted(secrets),
        env=[
            *(
                pods.secret_env(probe_broker.VARIABLES[name], one.name, one.key)
                for name, one in sorted(secrets.items())
            ),
            *options(values),
        ],
        who=next(iter(values.worker_sets.values())),
        finish=finish,
    )


def secret(values: Values, live: Object, address: str) -> Object:
    """The Secret that the Job reads, which Kubernetes deletes with it."""
    meta = live["metadata"]
    made = object_(
        values,
        "v1",
        "Secret",
        COMPONENT,
        data={names.BROKER_KEY: base64.b64encode(address.encode()).decode()},
    )
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
    return {**made, "metadata": {**made["metadata"], "ownerReferences": [owner]}}
