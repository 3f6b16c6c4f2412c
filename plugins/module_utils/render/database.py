# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The embedded database and PgBouncer.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    deployment,
    disruption_budget,
    image,
    keeper,
    merged,
    service,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec import capacity
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

DATA_FOLDER = "/var/lib/postgresql/data"


def postgres_container(values: Values) -> Object:
    """PGDATA is a folder below the volume's root, since initdb refuses a root that holds ``lost+found``."""
    wanted = values.database.postgres
    secret = names.name(values, "postgresql")
    # -q and the database's name keep the probe from filling the server's log.
    ready = ["sh", "-c", 'exec pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"']
    return {
        "name": "postgresql",
        "image": image(values, wanted.image),
        "imagePullPolicy": wanted.image.pull_policy,
        "args": ["postgres", "-c", f"max_connections={capacity.at_server(values)}"],
        "env": pods.environment(
            pods.secret_env("POSTGRES_USER", secret, "username"),
            pods.secret_env("POSTGRES_PASSWORD", secret, "password"),
            {"name": "POSTGRES_DB", "value": values.database.name},
            {"name": "PGDATA", "value": f"{DATA_FOLDER}/pgdata"},
            *wanted.env,
        ),
        "envFrom": wanted.env_from,
        "ports": [{"name": "postgresql", "containerPort": names.POSTGRES_PORT, "protocol": "TCP"}],
        "resources": wanted.resources,
        "securityContext": merged(pods.CONTAINER_SECURITY, wanted.container_security_context),
        "startupProbe": {
            "exec": {"command": ready},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 300,
        },
        "readinessProbe": {"exec": {"command": ready}, "periodSeconds": 10, "timeoutSeconds": 5},
        "livenessProbe": {
            "exec": {"command": ready},
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
        "volumeMounts": [
            {"name": "data", "mountPath": DATA_FOLDER},
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "tmp", "mountPath": "/tmp"},
            *wanted.volume_mounts,
        ],
    }


def postgres(values: Values) -> list[Object]:
    """One pod with a volume that outlives it."""
    if values.database.provider == "external":
        return []
    wanted = values.database.postgres
    component = "postgresql"
    template = pods.pod(
        values,
        component,
        wanted,
        postgres_container(values),
        security=pods.pod_security(pods.POSTGRES_USER, pods.POSTGRES_USER),
        volumes=[{"name": "run", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
        stays=True,
        # A shutdown writes a checkpoint; cut short, the next start has to recover.
        grace_seconds=120,
    )
    return keeper(values, component, names.POSTGRES_PORT, wanted.storage, template)


def pgbouncer(values: Values) -> list[Object]:
    """A pool of connections, since each of Airflow's processes opens some of its own."""
    wanted = values.database.pgbouncer
    if not wanted.enabled:
        return []
    component = "pgbouncer"
    probe = {"tcpSocket": {"port": component}, "timeoutSeconds": 5}
    container = {
        "name": component,
        "image": image(values, wanted.image),
        "imagePullPolicy": wanted.image.pull_policy,
        "command": ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"],
        "env": wanted.env,
        "envFrom": wanted.env_from,
        "ports": [{"name": component, "containerPort": names.PGBOUNCER_PORT, "protocol": "TCP"}],
        "resources": wanted.resources,
        "securityContext": merged(pods.CONTAINER_SECURITY, wanted.container_security_context),
        "readinessProbe": {**probe, "periodSeconds": 5},
        "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 3},
        # Endpoints forget a stopping pod a moment after it is told to stop.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "10"]}}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/pgbouncer", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            *wanted.volume_mounts,
        ],
    }
    template = pods.pod(
        values,
        component,
        wanted,
        container,
        security=pods.pod_security(pods.NOBODY, pods.NOBODY),
        volumes=[
            {"name": "config", "secret": {"secretName": names.name(values, "pgbouncer-config")}},
            {"name": "tmp", "emptyDir": {}},
        ],
        grace_seconds=60,
    )
    return [
        service(values, component, names.PGBOUNCER_PORT, target=component),
        deployment(values, component, wanted, template),
        *disruption_budget(values, component, wanted),
    ]


def render(values: Values) -> list[Object]:
    """Objects of the role airflow_database."""
    return [*postgres(values), *pgbouncer(values)]
