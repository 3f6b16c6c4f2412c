# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the chosen log store brings: options of airflow.cfg, and the identity that pods show to it.

Options are those of Airflow's configuration references for 3.3 and 2.11 and of its providers. A secret reaches the pods
as an environment variable or a file from the person's own Secret, so that a new one is read by the next pod.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.render import log_config, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    AccessKeyRef,
    CloudwatchLogs,
    ElasticsearchLogs,
    GcsLogs,
    OpensearchLogs,
    S3Logs,
    SearchLogs,
    StackdriverLogs,
    Values,
    WasbLogs,
)

Settings = dict[str, dict[str, t.Any]]

# The connection that the collection describes itself. Only the log handler uses it: an access key in the variables that
# every AWS library reads would take the place of the identity that a task has.
CONNECTION = "dagops_logs"
CONNECTION_VARIABLE = f"AIRFLOW_CONN_{CONNECTION.upper()}"
KEY_ID_VARIABLE = "DAGOPS_LOGS_KEY_ID"
KEY_VARIABLE = "DAGOPS_LOGS_KEY"

FOLDER = "/run/secrets/dagops/logs"
KEY_FILE = f"{FOLDER}/key.json"
CA_FOLDER = "/run/secrets/dagops/logs-ca"
CA_FILE = f"{CA_FOLDER}/ca.crt"
KEY_VOLUME = "log-store"
CA_VOLUME = "log-store-ca"

# Airflow tries once to write a log: a search server that is slow for a while must not lose it. The clients wait 10 s.
WRITE_SECONDS = 60

LOG_CONFIG_FILE = "log_config.py"


# --- airflow.cfg --------------------------------------------------------------------------------------------------


def settings(values: Values) -> Settings:
    """All options that logging has, by section."""
    logging = values.logging
    options: dict[str, t.Any] = {
        "base_log_folder": names.LOGS_FOLDER,
        "colored_console_log": False,
        "logging_level": logging.level,
        "fab_logging_level": logging.fab_level,
        "namespace_levels": " ".join(f"{name}={level}" for name, level in sorted(logging.levels.items())) or None,
        "json_logs": logging.json or None,
        "logging_config_class": "log_config.LOGGING_CONFIG" if config_file(values) else None,
    }
    if logging.store in ("none", "volume"):
        return {"logging": options}
    # The copy in the pod has no other reader, and would fill the disk of pods that run for months.
    remote = {"remote_logging": True, "delete_local_logs": True}
    return {**_sections(values), "logging": {**options, **remote, **_logging(values)}}


def config_file(values: Values) -> str | None:
    """Content of log_config.py, if there is one."""
    return values.logging.config_file or log_config.content(values)


def _logging(values: Values) -> dict[str, t.Any]:
    """What stands in the section [logging] for the chosen store."""
    store = values.logging.chosen
    connection = getattr(store, "connection_id", None)
    if isinstance(store, S3Logs):
        folder = f"s3://{store.bucket}/{store.prefix or values.name}"
        own = {"remote_base_log_folder": folder, "encrypt_s3_logs": store.encrypt}
        return {**own, "remote_log_conn_id": connection or CONNECTION}
    if isinstance(store, CloudwatchLogs):
        folder = f"cloudwatch://{store.log_group_arn}"
        return {"remote_base_log_folder": folder, "remote_log_conn_id": connection or CONNECTION}
    if isinstance(store, GcsLogs):
        folder = f"gs://{store.bucket}/{store.prefix or values.name}"
        return {"remote_base_log_folder": folder, "remote_log_conn_id": connection, **_key_path(store)}
    if isinstance(store, WasbLogs):
        # Airflow before 3.3 takes the scheme of "wasb://" for a part of the path.
        folder = f"wasb-{store.prefix or values.name}"
        return {"remote_base_log_folder": folder, "remote_log_conn_id": connection or CONNECTION}
    if isinstance(store, StackdriverLogs):
        return {"remote_base_log_folder": f"stackdriver:///{store.log_name}", **_key_path(store)}
    if values.major < 3:
        # Airflow 2 passes these on to the handler, and knows no options for them.
        return {"remote_task_handler_kwargs": {"write_to_es": store.write == "direct", "target_index": index(values)}}
    # It names the provider that has the handler; the rest is in sections of the provider's own.
    return {"remote_base_log_folder": f"{values.logging.store}://"}


def _key_path(store: GcsLogs | StackdriverLogs) -> dict[str, t.Any]:
    return {"google_key_path": KEY_FILE} if store.credentials else {}


def _sections(values: Values) -> Settings:
    """What stands in sections of the store's own."""
    store = values.logging.chosen
    if isinstance(store, WasbLogs):
        return {"azure_remote_logging": {"remote_wasb_log_container": store.container}}
    if isinstance(store, OpensearchLogs):
        return _opensearch(values, store)
    if isinstance(store, ElasticsearchLogs):
        return _elasticsearch(values, store)
    return {}


def index(values: Values) -> str:
    """The index that the instance writes to: task logs of two instances can have the same ids."""
    return values.logging.chosen.index or f"{values.name}-logs"


def _search(values: Values, store: SearchLogs) -> dict[str, t.Any]:
    return {
        # Lines are found again by fields that only the JSON has.
        "json_format": True,
        "write_stdout": store.write == "stdout",
        "target_index": index(values),
        # An index that is not there before the first line comes is no error by a pattern, as it is by its name.
        "index_patterns": store.index_patterns or index(values) + ("*" if store.write == "stdout" else ""),
    }


def _opensearch(values: Values, store: OpensearchLogs) -> Settings:
    url = urllib.parse.urlsplit(store.url)
    secure = url.scheme == "https"
    return {
        "opensearch": {
            "host": f"{url.scheme}://{_host(url)}",
            "port": url.port or (443 if secure else 80),
            "write_to_os": store.write == "direct",
            **_search(values, store),
        },
        "opensearch_configs": {
            "use_ssl": secure,
            "verify_certs": secure and store.verify,
            # The client compares the certificate with this text, and with none where it is False, Airflow's default.
            "ssl_assert_hostname": url.hostname if secure and store.verify else False,
            "ca_certs": CA_FILE if store.ca else None,
            "timeout": WRITE_SECONDS,
        },
    }


def _elasticsearch(values: Values, store: ElasticsearchLogs) -> Settings:
    url = urllib.parse.urlsplit(store.url)
    secure = url.scheme == "https"
    # The client wants a port, whatever the scheme's own is.
    place = f"{url.scheme}://{_host(url)}:{url.port or (443 if secure else 80)}{url.path.rstrip('/')}"
    return {
        "elasticsearch": {"host": place, "write_to_es": store.write == "direct", **_search(values, store)},
        "elasticsearch_configs": {
            # Of a server without TLS there is nothing to verify, and the client refuses to be told so.
            "verify_certs": store.verify if secure else None,
            "ca_certs": CA_FILE if store.ca else None,
            "request_timeout": WRITE_SECONDS,
        },
    }


def _host(url: urllib.parse.SplitResult) -> str:
    host = url.hostname or ""
    return f"[{host}]" if ":" in host else host


# --- what pods get ------------------------------------------------------------------------------------------------


def identified(values: Values) -> tuple[str, ...]:
    """Components that show an identity to the store; the others get none."""
    # Airflow 2's scheduler writes into the logs of tasks whose end it sees before they do.
    scheduler = values.runs_local or values.major < 3
    # Its lines go there while they are written, and the DAG processor's loggers are made in the same way.
    streams = values.logging.store == "cloudwatch" and values.major >= 3
    return (
        values.web_component,
        "worker",
        "triggerer",
        *(["scheduler"] if scheduler else []),
        *(["dag-processor"] if streams else []),
    )


def env(values: Values, component: str) -> list[Object]:
    """Environment variables of a component: names of the store's keys, and the connection that is made of them."""
    store = values.logging.chosen
    if component not in identified(values):
        return []
    if isinstance(store, (S3Logs, CloudwatchLogs)) and not store.connection_id:
        return [*_access_key(store.credentials), {"name": CONNECTION_VARIABLE, "value": _aws_connection(store)}]
    if isinstance(store, WasbLogs) and not store.connection_id:
        return _wasb_env(store)
    if isinstance(store, OpensearchLogs) and store.credentials:
        own = store.credentials
        return [
            _secret("AIRFLOW__OPENSEARCH__USERNAME", own.name, own.username_key),
            _secret("AIRFLOW__OPENSEARCH__PASSWORD", own.name, own.password_key),
        ]
    if isinstance(store, ElasticsearchLogs) and store.credentials:
        return [_secret("AIRFLOW__ELASTICSEARCH_CONFIGS__API_KEY", store.credentials.name, store.credentials.key)]
    return []


def _secret(variable: str, secret: str, key: str) -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _access_key(own: AccessKeyRef | None) -> list[Object]:
    if own is None:
        return []
    return [_secret(KEY_ID_VARIABLE, own.name, own.id_key), _secret(KEY_VARIABLE, own.name, own.secret_key)]


def _aws_connection(store: S3Logs | CloudwatchLogs) -> str:
    """A connection whose key the kubelet puts in from the variables before it."""
    login = {"login": f"$({KEY_ID_VARIABLE})", "password": f"$({KEY_VARIABLE})"} if store.credentials else {}
    extra: dict[str, t.Any] = {}
    if isinstance(store, S3Logs):
        extra = {"region_name": store.region, "endpoint_url": store.endpoint_url, "verify": CA_FILE if store.ca else ""}
    return _connection({"conn_type": "aws", **login}, extra)


def _wasb_env(store: WasbLogs) -> list[Object]:
    if store.credentials:
        value = _connection({"conn_type": "wasb"}, {"connection_string": f"$({KEY_VARIABLE})"})
        return [
            _secret(KEY_VARIABLE, store.credentials.name, store.credentials.key),
            {"name": CONNECTION_VARIABLE, "value": value},
        ]
    account = f"https://{store.account}.blob.core.windows.net"
    return [{"name": CONNECTION_VARIABLE, "value": _connection({"conn_type": "wasb", "host": account}, {})}]


def _connection(body: dict[str, t.Any], extra: dict[str, t.Any]) -> str:
    given = {key: value for key, value in extra.items() if value}
    return json.dumps({**body, **({"extra": given} if given else {})}, sort_keys=True)


def volumes(values: Values, component: str) -> list[Object]:
    """Volumes of a component, each with one file.

    The clients of search servers read the authority's as Airflow starts, whatever it does then.
    """
    store, shown = values.logging.chosen, component in identified(values)
    found: list[Object] = []
    if isinstance(store, (GcsLogs, StackdriverLogs)) and store.credentials and shown:
        found.append(_file(KEY_VOLUME, store.credentials.name, store.credentials.key, "key.json"))
    if isinstance(store, (S3Logs, SearchLogs)) and store.ca and (shown or isinstance(store, SearchLogs)):
        found.append(_file(CA_VOLUME, store.ca.name, store.ca.key, "ca.crt"))
    return found


def _file(volume: str, secret: str, key: str, path: str) -> Object:
    return {"name": volume, "secret": {"secretName": secret, "items": [{"key": key, "path": path}]}}


def mounts(values: Values, component: str) -> list[Object]:
    """Where the main container of a component finds these files, and log_config.py."""
    folders = {KEY_VOLUME: FOLDER, CA_VOLUME: CA_FOLDER}
    files = [
        {"name": volume["name"], "mountPath": folders[volume["name"]], "readOnly": True}
        for volume in volumes(values, component)
    ]
    if not config_file(values):
        return files
    config = {
        "name": "config",
        "mountPath": f"{names.AIRFLOW_HOME}/config/{LOG_CONFIG_FILE}",
        "subPath": LOG_CONFIG_FILE,
        "readOnly": True,
    }
    return [config, *files]
