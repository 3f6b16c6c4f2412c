# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""airflow.cfg of an instance: what the values ask for, with the person's own options laid over it.

Keys are those of Airflow's configuration reference for 3.3 and 2.11. No secret is in it: secrets reach the
containers as environment variables from Secrets.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import inspect
import json
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_bundles, dags, log_store, names, teams
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, object_
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import canary, heartbeat, ping, start
from ansible_collections.dagops.airflow.plugins.module_utils.render.scripts import source
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

Settings = dict[str, dict[str, t.Any]]

FAB_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"

# How a broker's certificate is verified, in the words of its driver (2 is Python's CERT_REQUIRED; no name is that of
# the address). The provider's own options want a client's certificate besides in the versions that Airflow 2.11 has;
# they win where they are set.
BROKER_TLS: dict[str, dict[str, t.Any]] = {
    "amqps": {"cert_reqs": 2, "server_hostname": None},
    "rediss": {"ssl_cert_reqs": "required", "ssl_check_hostname": True},
}

# Users log in against Airflow's own user table; roles for other logins give a file of their own.
WEBSERVER_CONFIG = """\
from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
"""


def base_path(values: Values) -> str:
    """Path below which Airflow answers: ``/airflow`` where it is not at the root, else the empty string."""
    return urllib.parse.urlsplit(values.core.base_url or "").path.rstrip("/")


def settings(values: Values) -> Settings:
    """All options of airflow.cfg by section."""
    computed = common(values)
    overlay(computed, airflow3(values) if values.major >= 3 else airflow2(values))
    if values.runs_kubernetes:
        overlay(computed, {"kubernetes_executor": kubernetes_executor(values)})
    if values.runs_celery:
        overlay(computed, celery(values))
    overlay(computed, values.core.config)
    return computed


def overlay(base: Settings, over: Settings) -> None:
    """Lay ``over`` over ``base`` in place, option by option."""
    for section, options in over.items():
        base.setdefault(section, {}).update(options)


def common(values: Values) -> Settings:
    """What 3.x and 2.11 share."""
    return {
        "core": {
            "executor": values.core.executor,
            "dags_folder": names.DAGS_FOLDER,
            "load_examples": False,
            # Pods of a Deployment have no name in DNS, so logs are fetched by address.
            "hostname_callable": "airflow.utils.net.get_host_ip_address",
            **dags.core_options(values),
        },
        **log_store.settings(values),
    }


def airflow3(values: Values) -> Settings:
    """Airflow 3: API server, Task SDK, DAG bundles."""
    bundles = dags.bundle_list(values)
    if values.verify.canary:
        canary_bundle = {"classpath": dag_bundles.LOCAL, "kwargs": {"path": names.CANARY_FOLDER}}
        bundles.append({"name": "dagops-canary", **canary_bundle})
    execution_api = f"http://{names.host(values, 'api-server')}:{values.core.api_server.service.port}"
    return {
        "core": {
            "auth_manager": FAB_MANAGER,
            "multi_team": values.core.multi_team or None,
            "execution_api_server_url": f"{execution_api}{base_path(values)}/execution/",
        },
        "api": {"base_url": values.core.base_url, "port": names.WEB_PORT, "workers": values.core.api_server.workers},
        "dag_processor": {"dag_bundle_config_list": bundles, **dags.processor_options(values)},
        "fab": {"enable_proxy_fix": bool(values.core.base_url)},
        "triggerer": {"capacity": values.core.triggerer.capacity},
        # Five seconds, the default, fail tasks where the API server is slow for a while: in a rollout, short of CPU.
        "workers": {"execution_api_timeout": 60},
    }


def airflow2(values: Values) -> Settings:
    """Airflow 2.11: webserver, standalone DAG processor."""
    return {
        "api": {
            "auth_backends": "airflow.api.auth.backend.session,"
            "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth"
        },
        "webserver": {
            "base_url": values.core.base_url,
            "enable_proxy_fix": bool(values.core.base_url),
            "web_server_port": names.WEB_PORT,
            "workers": values.core.api_server.workers,
        },
        "scheduler": {"standalone_dag_processor": True, **dags.scheduler_options(values)},
        "triggerer": {"default_capacity": values.core.triggerer.capacity},
    }


def namespaces(values: Values) -> dict[str, t.Any]:
    """Where else the executor may make pods: it watches each of a list, or the whole cluster where there is no list."""
    several = teams.namespaces(values)
    if values.rbac.all_namespaces:
        return {"multi_namespace_mode": True}
    if not several:
        return {}
    listed = ",".join([values.namespace, *several])
    return {"multi_namespace_mode": True, "multi_namespace_mode_namespace_list": listed}


def kubernetes_executor(values: Values) -> dict[str, t.Any]:
    """The image is in the pod template, so no repository and tag are set here: they would lose a digest."""
    executor = values.core.kubernetes_executor
    return {
        "namespace": values.namespace,
        **namespaces(values),
        "pod_template_file": f"{names.POD_TEMPLATE_FOLDER}/{names.POD_TEMPLATE_FILE}",
        "worker_pods_creation_batch_size": executor.creation_batch_size,
        **({"async_pod_creation": True} if executor.async_creation else {}),
        **({"pod_creation_max_concurrency": limit} if (limit := executor.creation_max_concurrency) else {}),
        # A full quota is no fault of a task, which waits for room while [scheduler] task_queued_timeout lets it.
        "task_publish_max_retries": -1,
        "delete_worker_pods": executor.delete_pods,
        "delete_worker_pods_on_failure": executor.delete_failed_pods,
    }


def celery(values: Values) -> Settings:
    """What the scheduler and the workers have to agree on; addresses come from a Secret."""
    broker, backend = values.celery.broker, values.celery.result_backend
    scheme = "" if broker.url_secret else broker.scheme if broker.provider == "external" else "redis"
    result: Settings = {
        # One second, the default, fails tasks where CPU is short while the first of them is handed over.
        "celery": {"operation_timeout": 10},
    }
    if not backend.url_secret:
        # The server may have come back since the last task ended.
        result["celery"]["result_backend_sqlalchemy_engine_options"] = {"pool_pre_ping": True}
    if scheme == "sqs":
        # It carries tasks only; Celery would make a queue for each answer that it waits for.
        result["celery"]["worker_enable_remote_control"] = False
    if scheme in BROKER_TLS:
        result["celery"]["extra_celery_config"] = {"broker_use_ssl": BROKER_TLS[scheme]}
    if scheme in ("redis", "rediss", "sqs"):
        # A day, as by default: a task that runs longer is handed over once more.
        result["celery_broker_transport_options"] = {"visibility_timeout": 86400}
    if values.celery.flower.enabled:
        prefix = values.celery.flower.url_prefix
        result["celery"] |= {"flower_port": names.FLOWER_PORT, "flower_url_prefix": prefix and f"/{prefix}"}
    return result


def text(value: t.Any) -> str:
    """An option's value as airflow.cfg writes it; ``%`` is doubled, since the file is read with interpolation."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, sort_keys=True)
    return str(value).rstrip("\n").replace("%", "%%").replace("\n", "\n    ")


def airflow_cfg(values: Values) -> str:
    """The file, with sections and options sorted."""
    lines: list[str] = []
    for section, options in sorted(settings(values).items()):
        lines.append(f"[{section}]")
        lines += [f"{key} = {text(value)}" for key, value in sorted(options.items()) if value is not None]
        lines.append("")
    return "\n".join(lines)


def config_map(values: Values) -> Object:
    """Files that all Airflow containers share."""
    data = {
        "airflow.cfg": airflow_cfg(values),
        "webserver_config.py": values.core.webserver_config or WEBSERVER_CONFIG,
        names.HEARTBEAT_FILE: source(heartbeat),
        names.START_FILE: inspect.getsource(start),
        **dag_bundles.known_hosts(values),
        **({names.PING_FILE: source(ping)} if values.runs_celery else {}),
    }
    log_config = log_store.config_file(values)
    if log_config:
        data[log_store.LOG_CONFIG_FILE] = log_config
    return object_(values, "v1", "ConfigMap", "config", data=data)


def canary_config_map(values: Values) -> list[Object]:
    """The canary DAG."""
    if not values.verify.canary:
        return []
    return [object_(values, "v1", "ConfigMap", "canary", data={names.CANARY_FILE: canary.dag(values.major)})]
