# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The broker between the scheduler and Celery's workers, and how both reach it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import features, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    image,
    keeper,
    merged,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import UrlSecret, Values

REDIS_USER = 999
DATA_FOLDER = "/data"

# The configuration comes by standard input, since arguments are for everybody to read. A task that was handed over is
# on disk a second later, and nothing is thrown away for want of memory.
START = f"""\
exec redis-server - <<EOF
requirepass "$REDISCLI_AUTH"
dir {DATA_FOLDER}
appendonly yes
save ""
EOF
"""


def broker_env(values: Values) -> list[Object]:
    """Address of the broker."""
    return [_address(values, "AIRFLOW__CELERY__BROKER_URL", values.celery.broker.url_secret, names.BROKER_KEY)]


def environment(values: Values) -> list[Object]:
    """Addresses of the broker and of the result backend, for those that hand tasks over and that run them.

    Airflow would make the second of the metadata database's, which a worker of Airflow 3 does not have.
    """
    own = values.celery.result_backend.url_secret
    return [
        *broker_env(values),
        _address(values, "AIRFLOW__CELERY__RESULT_BACKEND", own, names.RESULT_KEY),
    ]


def command_mounts(values: Values) -> list[Object]:
    """Files of whoever runs Airflow's ``celery`` command.

    That of Airflow 2 makes webserver_config.py where there is none, which a read-only root does not let it.
    """
    files = [names.START_FILE, *(["webserver_config.py"] if values.major < 3 else [])]
    return [pods.config_mount(file) for file in files]


def _address(values: Values, variable: str, own: UrlSecret | None, key: str) -> Object:
    if own:
        return pods.secret_env(variable, own.name, own.key)
    return pods.secret_env(variable, names.name(values, "celery"), key)


def redis_container(values: Values) -> Object:
    """A server with a password, which its own client reads from REDISCLI_AUTH."""
    wanted = values.celery.redis
    ready = ["sh", "-c", 'test "$(redis-cli -h 127.0.0.1 ping)" = PONG']
    return {
        "name": "redis",
        "image": image(values, wanted.image),
        "imagePullPolicy": wanted.image.pull_policy,
        "command": ["sh", "-c", START],
        "env": pods.environment(
            pods.secret_env("REDISCLI_AUTH", names.name(values, "broker"), "password"),
            *wanted.env,
        ),
        "envFrom": wanted.env_from,
        "ports": [{"name": "redis", "containerPort": names.REDIS_PORT, "protocol": "TCP"}],
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
            {"name": "tmp", "mountPath": "/tmp"},
            *wanted.volume_mounts,
        ],
    }


def redis(values: Values) -> list[Object]:
    """One pod with a volume that outlives it."""
    wanted = values.celery.redis
    component = "redis"
    template = pods.pod(
        values,
        component,
        wanted,
        redis_container(values),
        security=pods.pod_security(REDIS_USER, REDIS_USER),
        volumes=[{"name": "tmp", "emptyDir": {}}],
        stays=True,
        grace_seconds=60,
    )
    return keeper(values, component, names.REDIS_PORT, wanted.storage, template)


def render(values: Values) -> list[Object]:
    """Objects of the part ``broker``."""
    if not values.runs_celery or values.celery.broker.provider == "external":
        return []
    return features.part_of(features.CELERY, redis(values))
