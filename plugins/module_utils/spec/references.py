# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects of the person's own that the values name, and that must be there.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import dag_rules, placement, rules
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    DagBundle,
    DagSecret,
    GitSource,
    PodPlacement,
    SecretRef,
    Values,
)

# What reads an object of the person's own: key, kind and where its name is.
READS = (
    ("secretKeyRef", "Secret", "name"),
    ("configMapKeyRef", "ConfigMap", "name"),
    ("secretRef", "Secret", "name"),
    ("configMapRef", "ConfigMap", "name"),
    ("secret", "Secret", "secretName"),
    ("configMap", "ConfigMap", "name"),
    ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"),
)


class Reference(t.NamedTuple):
    """An object, and the variable that names it."""

    variable: str
    kind: str
    name: str


def references(values: Values) -> t.Iterator[Reference]:
    """All of them; those that may come with the person's own manifests are left out."""
    for secret in values.instance.image_pull_secrets:
        yield Reference("airflow_image_pull_secrets", "Secret", secret)
    if values.database.credentials:
        yield Reference("airflow_database_credentials.name", "Secret", values.database.credentials.name)
    if values.uses_keda and values.autoscaling.database.credentials:
        own = values.autoscaling.database.credentials
        yield Reference("airflow_autoscaling_database.credentials.name", "Secret", own.name)
    if values.logging.store == "volume" and values.logging.volume.existing_claim:
        yield Reference(
            "airflow_logging_volume.existingClaim", "PersistentVolumeClaim", values.logging.volume.existing_claim
        )
    if values.ingress.enabled and values.ingress.tls_secret:
        yield Reference("airflow_ingress_tls_secret", "Secret", values.ingress.tls_secret)
    if values.ingress.enabled and values.ingress.class_name:
        yield Reference("airflow_ingress_class_name", "IngressClass", values.ingress.class_name)
    for component, account in values.rbac.service_accounts.items():
        if account.name:
            yield Reference(f"airflow_rbac_service_accounts.{component}.name", "ServiceAccount", account.name)
    yield from of_pods(values)


def of_pods(values: Values) -> t.Iterator[Reference]:
    """Those of which pods read something."""
    yield from _of_celery(values)
    yield from _of_dags(values)
    yield from _of_pods(values)


def _of_dags(values: Values) -> t.Iterator[Reference]:
    volume = values.core.dags_volume
    if volume.enabled and volume.existing_claim:
        yield Reference(f"{dag_rules.VOLUME}.existingClaim", "PersistentVolumeClaim", volume.existing_claim)
    if not values.extra.manifests:
        # Else these may come of the person's own objects, such as an ExternalSecret.
        yield from _read_with_dags(values)


def _read_with_dags(values: Values) -> t.Iterator[Reference]:
    given: list[tuple[str, GitSource]] = [
        *((f"{dag_rules.REPOSITORIES}.{name}", one) for name, one in values.git_sync.repositories.items()),
        *((f"{dag_rules.BUNDLES}.{name}", one) for name, one in values.core.dag_bundles.items()),
    ]
    for path, source in given:
        secrets: dict[str, SecretRef | DagSecret | None] = {"credentials": source.credentials, "sshKey": source.ssh_key}
        if isinstance(source, DagBundle):
            secrets["keyFile"] = source.key_file
        yield from (Reference(f"{path}.{name}.name", "Secret", one.name) for name, one in secrets.items() if one)
        for name, reference in (("knownHostsFrom", source.known_hosts_from), ("ca", source.ca)):
            if reference and reference.secret:
                yield Reference(f"{path}.{name}.secret", "Secret", reference.secret)
            elif reference and reference.config_map:
                yield Reference(f"{path}.{name}.configMap", "ConfigMap", reference.config_map)


def _of_celery(values: Values) -> t.Iterator[Reference]:
    celery = values.celery
    own = [
        ("airflow_celery_broker.urlSecret.name", celery.broker.url_secret),
        ("airflow_celery_broker.credentials.name", celery.broker.credentials),
        ("airflow_celery_result_backend.urlSecret.name", celery.result_backend.url_secret),
        ("airflow_celery_flower.credentials.name", celery.flower.credentials if celery.flower.enabled else None),
    ]
    yield from (Reference(path, "Secret", one.name) for path, one in own if one and values.runs_celery)


def _of_pods(values: Values) -> t.Iterator[Reference]:
    places: list[tuple[str, PodPlacement]] = [(path, shape) for path, _main, shape in rules.pods(values)]
    for path, place in [(placement.VARIABLE, values.instance.placement), *places]:
        if place.priority_class_name:
            yield Reference(f"{path}.priorityClassName", "PriorityClass", place.priority_class_name)
        if place.runtime_class_name:
            yield Reference(f"{path}.runtimeClassName", "RuntimeClass", place.runtime_class_name)
    if values.logging.shipper.enabled and values.logging.shipper.priority_class_name:
        name = values.logging.shipper.priority_class_name
        yield Reference("airflow_logging_shipper.priorityClassName", "PriorityClass", name)
    if not values.extra.manifests:
        # Else these may come of the person's own objects, such as an ExternalSecret.
        yield from _read(values)
        yield from _of_log_store(values)
        yield from _of_log_shipper(values)


def _of_log_shipper(values: Values) -> t.Iterator[Reference]:
    shipper = values.logging.shipper
    # Those in another namespace the preflight looks for itself.
    if not shipper.enabled or values.shipper_namespace != values.namespace:
        return
    for option, own in (("credentials", shipper.credentials), ("ca", shipper.ca)):
        if own:
            yield Reference(f"airflow_logging_shipper.{option}.name", "Secret", own.name)


def _of_log_store(values: Values) -> t.Iterator[Reference]:
    for option in ("credentials", "ca"):
        own = getattr(values.logging.chosen, option, None)
        if own:
            yield Reference(f"airflow_logging_{values.logging.store}.{option}.name", "Secret", own.name)


def _read(values: Values) -> t.Iterator[Reference]:
    """ConfigMaps, Secrets and claims that the person's own environment variables and volumes read."""
    places = [("airflow_core_env", values.core.env), ("airflow_core_env_from", values.core.env_from)]
    for path, _main, shape in rules.pods(values):
        places += [(f"{path}.env", shape.env), (f"{path}.envFrom", shape.env_from), (f"{path}.volumes", shape.volumes)]
    for path, items in places:
        for number, item in enumerate(items):
            for source in (item, item.get("valueFrom") or {}):
                yield from _named_by(f"{path}[{number}]", source)


def _named_by(path: str, source: dict[str, t.Any]) -> t.Iterator[Reference]:
    for key, kind, field in READS:
        found = source.get(key)
        if isinstance(found, dict) and found.get(field) and not found.get("optional"):
            yield Reference(f"{path}.{key}", kind, found[field])
