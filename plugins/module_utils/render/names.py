# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names, labels and paths: one place for each.

Names, selectors and the labels ``tier``, ``component`` and ``release`` are those of the official chart, so that a
release of it can be adopted without making its workloads anew.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.spec.database_kinds import POSTGRESQL
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

MANAGER = "dagops.airflow"
ROLE_LABEL = "airflow.dagops/role"

AIRFLOW_HOME = "/opt/airflow"
DAGS_FOLDER = f"{AIRFLOW_HOME}/dags"
DAGS_VOLUME_FOLDER = f"{AIRFLOW_HOME}/dags-volume"
GIT_FOLDER = f"{AIRFLOW_HOME}/git"
GIT_LINK = "current"
LOGS_FOLDER = f"{AIRFLOW_HOME}/logs"
CANARY_FOLDER = f"{AIRFLOW_HOME}/canary"
CANARY_FILE = "dagops_canary.py"
POD_TEMPLATE_FOLDER = f"{AIRFLOW_HOME}/pod_templates"
POD_TEMPLATE_FILE = "pod_template_file.yaml"
HEARTBEAT_FILE = "heartbeat.py"
START_FILE = "start.py"
PING_FILE = "ping.py"
ADMIN_FOLDER = "/run/secrets/dagops/admin"
BUNDLES_FOLDER = "/run/secrets/dagops/bundles"

POSTGRES_PORT = POSTGRESQL.port
PGBOUNCER_PORT = 6543
WEB_PORT = 8080
REDIS_PORT = 6379
FLOWER_PORT = 5555
LOG_SERVER_PORT = 8793

# Keys of the Secret `<instance>-celery`.
BROKER_KEY = "broker-url"
RESULT_KEY = "result-backend"
FLOWER_KEY = "flower-basic-auth"

# Key of the Secret `<instance>-autoscaling-connection`.
SCALER_KEY = "connection"


def name(values: Values, component: str) -> str:
    """Name of the instance's object for a component: ``analytics-scheduler``."""
    return f"{values.name}-{component}"


def cluster_name(values: Values, component: str) -> str:
    """Name of an object outside of all namespaces, where instances of other namespaces have theirs, too."""
    return f"{values.namespace}-{name(values, component)}"


def service_account(values: Values, component: str) -> str:
    """Name of the ServiceAccount that a component's pods run under."""
    own = values.rbac.service_accounts.get(component)
    return own.name if own and own.name else name(values, component)


def selector(values: Values, component: str) -> dict[str, str]:
    """Labels that select a component's pods; immutable once a workload is made."""
    return {"tier": "airflow", "component": component, "release": values.name}


def labels(values: Values, component: str) -> dict[str, str]:
    """Labels of every object of a component."""
    return {
        **values.instance.labels,
        **selector(values, component),
        "app.kubernetes.io/name": "airflow",
        "app.kubernetes.io/instance": values.name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "airflow",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def worker_set(values: Values, set_name: str) -> str:
    """Name of a set of Celery workers: ``analytics-worker``, or ``analytics-worker-heavy``."""
    return name(values, "worker" if set_name == "default" else f"worker-{set_name}")


def host(values: Values, component: str) -> str:
    """Address of a component's Service inside the cluster."""
    return f"{name(values, component)}.{values.namespace}.svc"


def connection_id(bundle: str) -> str:
    """The connection of Airflow that a DAG bundle uses."""
    return f"dagops_bundle_{bundle.replace('-', '_')}"


def database_address(values: Values) -> tuple[str, int]:
    """Where Airflow connects to: PgBouncer if there is one, else the database itself."""
    if values.database.pgbouncer.enabled:
        return host(values, "pgbouncer"), PGBOUNCER_PORT
    return server_address(values)


def server_address(values: Values) -> tuple[str, int]:
    """Host and port of the database server itself."""
    if values.database.provider == "external":
        return values.database.host or "", values.database.port or values.database_kind.port
    return host(values, "postgresql"), POSTGRES_PORT
