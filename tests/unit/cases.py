"""Instances that tests render: one for each way through the renderer."""

from __future__ import annotations

import typing as t

BASE: dict[str, t.Any] = {"airflow_instance": "airflow", "airflow_logging_store": "volume"}

CASES: dict[str, dict[str, t.Any]] = {
    "kubernetes-executor": BASE,
    "local-executor": {"airflow_instance": "ml", "airflow_core_executor": "LocalExecutor"},
    "airflow-2.11": {**BASE, "airflow_version": "2.11.2"},
    "airflow-2.11-local": {
        "airflow_instance": "old",
        "airflow_version": "2.11.2",
        "airflow_core_executor": "LocalExecutor",
    },
    "everything": {
        **BASE,
        "airflow_namespace": "data",
        "airflow_image": {"repository": "docker.io/acme/airflow", "digest": "sha256:" + "0" * 64},
        "airflow_image_registry": "registry.example.com/mirror",
        "airflow_image_pull_secrets": ["pull"],
        "airflow_labels": {"cost-centre": "4711"},
        "airflow_annotations": {"example.com/owner": "data"},
        "airflow_rbac_quota": {"pods": "100"},
        "airflow_rbac_limit_range": [{"type": "Container", "default": {"cpu": "1"}}],
        "airflow_rbac_tasks_launch_pods": True,
        "airflow_rbac_service_accounts": {
            "worker": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/worker"}},
            "scheduler": {"name": "my-scheduler"},
        },
        "airflow_database_provider": "external",
        "airflow_database_host": "postgres.example.com",
        "airflow_database_sslmode": "verify-full",
        "airflow_database_credentials": {"name": "my-database"},
        "airflow_database_pgbouncer": {"enabled": True, "replicas": 2},
        "airflow_core_base_url": "https://airflow.example.com/data",
        "airflow_core_config": {"core": {"parallelism": 64}, "smtp": {"smtp_host": "100%.example.com"}},
        "airflow_core_env": [{"name": "TZ", "value": "UTC"}],
        "airflow_core_env_from": [{"configMapRef": {"name": "shared"}}],
        "airflow_core_webserver_config": "AUTH_TYPE = 1\n",
        "airflow_core_api_server": {"replicas": 2, "workers": 2, "service": {"type": "NodePort", "port": 80}},
        "airflow_core_scheduler": {
            "replicas": 2,
            "nodeSelector": {"pool": "airflow"},
            "tolerations": [{"key": "airflow", "operator": "Exists"}],
            "volumes": [{"name": "extra", "emptyDir": {}}],
            "volumeMounts": [{"name": "extra", "mountPath": "/extra"}],
            "containers": [{"name": "sidecar", "image": "busybox"}],
            "terminationGracePeriodSeconds": 0,
        },
        "airflow_core_triggerer": {"enabled": False},
        "airflow_core_workers": {"resources": {"limits": {"memory": "4Gi"}}},
        "airflow_logging_store": "volume",
        "airflow_logging_volume": {"existingClaim": "my-logs"},
        "airflow_ingress_enabled": True,
        "airflow_ingress_class_name": "nginx",
        "airflow_ingress_tls_secret": "tls",
        "airflow_verify_canary": False,
        "airflow_overrides": {
            "Deployment/*": {"spec": {"progressDeadlineSeconds": 900}},
            "Deployment/airflow-scheduler": {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [{"name": "sidecar", "env": [{"name": "A", "value": "b"}]}],
                            "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["ldap.example.com"]}],
                        }
                    }
                }
            },
            "Job/airflow-migrate": {"spec": {"activeDeadlineSeconds": 1800}},
            "Pod/airflow-worker": {"spec": {"containers": [{"name": "sidecar", "image": "envoy"}]}},
        },
        "airflow_json_patches": {
            "Service/airflow-api-server": [{"op": "add", "path": "/spec/externalTrafficPolicy", "value": "Local"}]
        },
        "airflow_extra_manifests": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "airflow-motd", "labels": {"component": "motd"}},
                "data": {"motd": "Hello"},
            }
        ],
    },
}

ACCESS_KEY = {"name": "logs", "idKey": "id", "secretKey": "key"}

# Where logs can go besides the volume: each by the way in that has the most to render.
LOG_STORES: dict[str, dict[str, t.Any]] = {
    "s3": {
        "airflow_logging_store": "s3",
        "airflow_logging_s3": {
            "bucket": "company-logs",
            "prefix": "airflow/one",
            "region": "eu-central-1",
            "endpointUrl": "https://s3.example.com",
            "encrypt": True,
            "ca": {"name": "company-ca"},
            "credentials": ACCESS_KEY,
        },
    },
    "gcs": {
        "airflow_logging_store": "gcs",
        "airflow_logging_gcs": {"bucket": "company-logs", "credentials": {"name": "logs"}},
    },
    "wasb": {
        "airflow_logging_store": "wasb",
        "airflow_logging_wasb": {"container": "logs", "credentials": {"name": "logs", "key": "connection"}},
    },
    "opensearch": {
        "airflow_logging_store": "opensearch",
        "airflow_logging_opensearch": {
            "url": "https://search.example.com:9200",
            "ca": {"name": "company-ca", "key": "company.pem"},
            "credentials": {"name": "logs"},
        },
    },
    "elasticsearch": {
        "airflow_logging_store": "elasticsearch",
        "airflow_logging_elasticsearch": {
            "url": "https://search.example.com/path",
            "index": "airflow",
            "indexPatterns": "airflow*,old-*",
            "credentials": {"name": "logs"},
        },
    },
    "cloudwatch": {
        "airflow_logging_store": "cloudwatch",
        "airflow_logging_cloudwatch": {
            "logGroupArn": "arn:aws:logs:eu-central-1:123456789012:log-group:/airflow/one",
            "credentials": ACCESS_KEY,
        },
    },
    "stackdriver": {
        "airflow_logging_store": "stackdriver",
        "airflow_logging_stackdriver": {"logName": "airflow-tasks", "credentials": {"name": "logs"}},
    },
}
