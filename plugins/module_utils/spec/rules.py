# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What no single variable can tell: rules across variables. Each rule yields a sentence for every mistake it finds.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Image, Values

MINIMUM_VERSION = (2, 11)


def version(values: Values) -> t.Iterator[str]:
    """The collection knows Airflow from 2.11 on."""
    major, minor = (int(part) for part in values.instance.version.split(".")[:2])
    if (major, minor) < MINIMUM_VERSION:
        yield f"airflow_version is {values.instance.version}, but the oldest Airflow that can be run is 2.11"


def external_database(values: Values) -> t.Iterator[str]:
    """An external database has a host, an embedded one none."""
    database = values.database
    if database.provider == "external" and not database.host:
        yield "airflow_database_host is required where airflow_database_provider is 'external'"
    if database.provider == "embedded" and database.host:
        yield (
            f"airflow_database_host is '{database.host}', but airflow_database_provider is 'embedded', which runs a "
            "database of its own: set airflow_database_provider to 'external'"
        )
    if database.provider == "embedded" and database.credentials:
        yield "airflow_database_credentials is for an external database; set airflow_database_provider to 'external'"


def logs_survive(values: Values) -> t.Iterator[str]:
    """A task pod's own file system is gone with it."""
    kept = values.logging.volume.enabled or values.logging.loss_accepted
    remote = str(values.core.config.get("logging", {}).get("remote_logging", "")).lower() == "true"
    if values.core.executor == "KubernetesExecutor" and not kept and not remote:
        yield (
            "airflow_logging_volume.enabled is false while airflow_core_executor is 'KubernetesExecutor': the logs of "
            "tasks would be lost with their pods. Enable a log volume or remote logging, or set "
            "airflow_logging_loss_accepted to true"
        )


def images_pinned(values: Values) -> t.Iterator[str]:
    """Where digests are demanded, every image that will run has one."""
    if not values.instance.image_digests_required:
        return
    for path, image in images(values):
        if not image.digest:
            yield f"{path}.digest is required, because airflow_image_digests_required is true"


def images(values: Values) -> t.Iterator[tuple[str, Image]]:
    """Every image that the instance runs, with the path of its variable."""
    yield "airflow_image", values.instance.image
    if values.database.provider == "embedded":
        yield "airflow_database_postgres.image", values.database.postgres.image
    if values.database.pgbouncer.enabled:
        yield "airflow_database_pgbouncer.image", values.database.pgbouncer.image


def protected_settings(values: Values) -> t.Iterator[str]:
    """Secrets do not belong into airflow.cfg, which is a ConfigMap."""
    secret = {
        ("database", "sql_alchemy_conn"): "airflow_database_password",
        ("core", "fernet_key"): "airflow_core_fernet_key",
        ("api_auth", "jwt_secret"): "airflow_core_jwt_secret",
        ("api", "secret_key"): "airflow_core_api_secret_key",
        ("webserver", "secret_key"): "airflow_core_api_secret_key",
    }
    for (section, key), variable in secret.items():
        if key in values.core.config.get(section, {}):
            yield (f"airflow_core_config.{section}.{key} would put a secret into a ConfigMap: use {variable} instead")


def ingress_has_address(values: Values) -> t.Iterator[str]:
    """An Ingress needs a host."""
    if values.ingress.enabled and not values.core.base_url:
        yield "airflow_core_base_url is required where airflow_ingress_enabled is true: it gives the Ingress its host"


RULES: tuple[t.Callable[[Values], t.Iterator[str]], ...] = (
    version,
    external_database,
    logs_survive,
    images_pinned,
    ingress_has_address,
    protected_settings,
)


def broken(values: Values) -> list[str]:
    """Every rule that the values break, as sentences."""
    return [problem for rule in RULES for problem in rule(values)]
