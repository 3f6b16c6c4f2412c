# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What serves the API and the user interface: the api-server of Airflow 3, the webserver of 2.11.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import autoscaling, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.config import base_path
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import (
    Object,
    deployment,
    disruption_budget,
    service,
)
from ansible_collections.dagops.airflow.plugins.module_utils.render.rbac import speaks_to_kubernetes
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values


def probes(values: Values) -> Object:
    """Readiness asks the health page, which touches the database; liveness does not, since no restart mends that.

    Airflow 3 builds its execution API at the first request for it, in two to four seconds in which it answers nobody.
    The startup probe is that request, so that no task has to be.
    """
    if values.major >= 3:
        started, alive, ready = "/execution/health", "/api/v2/version", "/api/v2/monitor/health"
    else:
        started = alive = ready = "/health"

    def get(path: str) -> Object:
        return {"httpGet": {"path": base_path(values) + path, "port": values.web_component}}

    return {
        "startupProbe": {**get(started), "periodSeconds": 1, "timeoutSeconds": 20, "failureThreshold": 300},
        "readinessProbe": {**get(ready), "periodSeconds": 10, "timeoutSeconds": 10, "failureThreshold": 3},
        "livenessProbe": {**get(alive), "periodSeconds": 20, "timeoutSeconds": 20, "failureThreshold": 6},
    }


def behind_proxy(values: Values) -> tuple[list[str], list[Object]]:
    """Arguments and environment by which uvicorn believes what a proxy says of scheme and client (Airflow 3).

    Without them, redirects of a site behind https lead to http. Airflow 2 has its own option for that.
    """
    if values.major < 3 or not values.core.base_url:
        return [], []
    # Which address an ingress controller's pod will have is not known; only the cluster reaches this port.
    return ["--proxy-headers"], [{"name": "FORWARDED_ALLOW_IPS", "value": "*"}]


def command(values: Values) -> list[str]:
    """Airflow 2's webserver would write the file of its process into Airflow's home, which nobody can write to."""
    return ["api-server"] if values.major >= 3 else ["webserver", "--pid", "/tmp/airflow-webserver.pid"]


def render(values: Values) -> list[Object]:
    """Service, Deployment and PodDisruptionBudget."""
    component, wanted = values.web_component, values.core.api_server
    arguments, environment = behind_proxy(values)
    container = pods.airflow_container(
        values,
        wanted,
        component,
        args=pods.airflow_args(*command(values), *arguments),
        env=[*pods.database_env(values), *pods.jwt_env(values), *pods.web_secret_env(values), *environment],
        mounts=[pods.config_mount(names.START_FILE), pods.config_mount("webserver_config.py")],
        ports=[{"name": component, "containerPort": names.WEB_PORT, "protocol": "TCP"}],
        **probes(values),
        # Endpoints forget a stopping pod a moment after it is told to stop: requests go on until then.
        lifecycle={"preStop": {"exec": {"command": ["sleep", "5"]}}},
    )
    template = pods.airflow_pod(
        values, component, wanted, container, automount=speaks_to_kubernetes(values, component), grace_seconds=60
    )
    front = wanted.service
    items = [
        service(values, component, front.port, target=component, type=front.type, annotations=front.annotations),
        deployment(values, component, wanted, template),
        *disruption_budget(values, component, wanted),
    ]
    return autoscaling.left_to(values.autoscaling.api_server, items)
