# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is known of airflow.cfg without an Airflow: sections, what a variable of ours is for, and what 3 renamed.

From the configuration references of 2.11 and 3.3 and what ``airflow config lint`` says.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

Option = tuple[str, str]

# Secrets that the collection keeps itself, and the variable that may give each.
KEPT_SECRETS: t.Final[dict[Option, str]] = {
    ("database", "sql_alchemy_conn"): "airflow_database_password",
    ("database", "sql_alchemy_conn_async"): "airflow_database_password",
    ("core", "sql_alchemy_conn"): "airflow_database_password",
    ("core", "fernet_key"): "airflow_core_fernet_key",
    ("api_auth", "jwt_secret"): "airflow_core_jwt_secret",
    ("api", "secret_key"): "airflow_core_api_secret_key",
    ("webserver", "secret_key"): "airflow_core_api_secret_key",
    ("celery", "broker_url"): "airflow_celery_broker",
    ("celery", "result_backend"): "airflow_celery_result_backend",
    ("celery", "flower_basic_auth"): "airflow_celery_flower",
}

# Options that objects of the instance depend on, and what to set instead; nothing where there is no other way.
KEPT_OPTIONS: t.Final[dict[Option, str]] = {
    ("core", "executor"): "airflow_core_executor",
    ("core", "multi_team"): "airflow_core_multi_team",
    # Probes find the heartbeat of their pod by its address.
    ("core", "hostname_callable"): "",
    ("api", "base_url"): "airflow_core_base_url",
    ("webserver", "base_url"): "airflow_core_base_url",
    ("api", "port"): "airflow_core_api_server.service.port",
    ("webserver", "web_server_port"): "airflow_core_api_server.service.port",
    ("api", "workers"): "airflow_core_api_server.workers",
    ("webserver", "workers"): "airflow_core_api_server.workers",
    ("triggerer", "capacity"): "airflow_core_triggerer.capacity",
    ("triggerer", "default_capacity"): "airflow_core_triggerer.capacity",
    ("kubernetes_executor", "namespace"): "airflow_namespace",
    ("kubernetes_executor", "pod_template_file"): "airflow_core_workers",
    ("kubernetes_executor", "multi_namespace_mode"): "airflow_rbac_teams",
    ("kubernetes_executor", "multi_namespace_mode_namespace_list"): "airflow_rbac_teams",
    ("logging", "base_log_folder"): "airflow_logging_volume",
    ("celery", "flower_port"): "airflow_celery_flower.service.port",
    ("celery", "flower_url_prefix"): "airflow_celery_flower.urlPrefix",
    ("celery", "worker_autoscale"): "airflow_celery_workers.<set>.autoscale",
    ("celery", "worker_concurrency"): "airflow_celery_workers.<set>.concurrency",
}

SECTIONS: t.Final = (
    *("core", "database", "logging", "metrics", "traces", "secrets", "api", "operators", "webserver", "email", "smtp"),
    *("sentry", "scheduler", "triggerer", "kerberos", "sensors", "lineage", "debug", "cli"),
    *("api_auth", "execution_api", "dag_processor", "workers", "sdk", "profiling", "callbacks", "policy", "fab"),
    *("kubernetes_executor", "celery", "celery_kubernetes_executor", "celery_broker_transport_options", "standalone"),
    *("celery_result_backend_transport_options",),
    *("local_kubernetes_executor", "elasticsearch", "elasticsearch_configs", "opensearch", "opensearch_configs", "aws"),
    *("azure_remote_logging", "openlineage", "dask", "edge", "imap", "ldap", "atlas", "hive", "state_store"),
    *("connection_test", "aws_batch_executor", "aws_ecs_executor", "keycloak_auth_manager", "common.io", "docker"),
)

# Of Airflow 2.11 and not of 3: what it is called there, or nothing where it is gone.
RENAMED: t.Final[dict[Option, str]] = {
    ("api", "auth_backends"): "fab.auth_backends",
    ("core", "check_slas"): "",
    ("core", "dag_file_processor_timeout"): "dag_processor.dag_file_processor_timeout",
    ("core", "dataset_manager_class"): "core.asset_manager_class",
    ("core", "enable_xcom_pickling"): "",
    ("core", "task_runner"): "",
    ("database", "load_default_connections"): "",
    ("scheduler", "allow_trigger_in_future"): "",
    ("scheduler", "dag_dir_list_interval"): "dag_processor.refresh_interval",
    ("scheduler", "file_parsing_sort_mode"): "dag_processor.file_parsing_sort_mode",
    ("scheduler", "local_task_job_heartbeat_sec"): "scheduler.task_instance_heartbeat_sec",
    ("scheduler", "max_callbacks_per_loop"): "dag_processor.max_callbacks_per_loop",
    ("scheduler", "min_file_process_interval"): "dag_processor.min_file_process_interval",
    ("scheduler", "parsing_processes"): "dag_processor.parsing_processes",
    ("scheduler", "print_stats_interval"): "dag_processor.print_stats_interval",
    ("scheduler", "scheduler_zombie_task_threshold"): "scheduler.task_instance_heartbeat_timeout",
    ("scheduler", "stale_dag_threshold"): "dag_processor.stale_dag_threshold",
    ("scheduler", "zombie_detection_interval"): "scheduler.task_instance_heartbeat_timeout_detection_interval",
    ("webserver", "cookie_samesite"): "fab.cookie_samesite",
    ("webserver", "cookie_secure"): "fab.cookie_secure",
    ("webserver", "default_wrap"): "api.default_wrap",
    ("webserver", "enable_proxy_fix"): "fab.enable_proxy_fix",
    ("webserver", "enable_swagger_ui"): "api.enable_swagger_ui",
    ("webserver", "expose_config"): "api.expose_config",
    ("webserver", "hide_paused_dags_by_default"): "api.hide_paused_dags_by_default",
    ("webserver", "instance_name"): "api.instance_name",
    ("webserver", "log_fetch_timeout_sec"): "api.log_fetch_timeout_sec",
    ("webserver", "navbar_color"): "fab.navbar_color",
    ("webserver", "session_lifetime_minutes"): "fab.session_lifetime_minutes",
    ("webserver", "show_recent_stats_for_completed_runs"): "",
    ("webserver", "web_server_host"): "api.host",
    ("webserver", "web_server_worker_timeout"): "api.worker_timeout",
    ("webserver", "worker_class"): "",
    ("webserver", "x_frame_enabled"): "",
}
# Sections of Airflow 3 only, and options that 2.11 has under another name; FAB's are those of a provider of either.
SECTIONS_OF_3: t.Final = ("api_auth", "execution_api", "dag_processor", "workers", "sdk", "state_store")
FORMER: t.Final[dict[str, Option]] = {
    new: old for old, new in RENAMED.items() if new and not new.startswith(("fab.", "dag_processor."))
}
