"""Instances that tests render: one for each way through the renderer."""

from __future__ import annotations

import typing as t

BASE: dict[str, t.Any] = {"airflow_instance": "airflow", "airflow_logging_volume": {"enabled": True}}

CASES: dict[str, dict[str, t.Any]] = {
    "kubernetes-executor": BASE,
    "local-executor": {"airflow_instance": "ml", "airflow_core_executor": "LocalExecutor"},
    "airflow-2.11": {**BASE, "airflow_version": "2.11.2"},
    "airflow-2.11-local": {
        "airflow_instance": "old",
        "airflow_version": "2.11.2",
        "airflow_core_executor": "LocalExecutor",
    },
    "celery-executor": {**BASE, "airflow_core_executor": "CeleryExecutor"},
    "airflow-2.11-celery": {
        **BASE,
        "airflow_version": "2.11.2",
        "airflow_core_executor": "CeleryKubernetesExecutor",
        "airflow_celery_flower": {"enabled": True},
        "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True}},
    },
    "several-executors": {
        "airflow_instance": "many",
        "airflow_logging_loss_accepted": True,
        "airflow_core_executor": "CeleryExecutor,KubernetesExecutor,LocalExecutor,edge:acme.executors.Edge",
        "airflow_core_kubernetes_executor": {
            "asyncCreation": True,
            "creationMaxConcurrency": 4,
            "podTemplate": {"spec": {"containers": [{"name": "base", "workingDir": "/tmp"}], "hostUsers": False}},
            "cleanup": {"enabled": True, "schedule": "*/15 * * * *", "pendingMinutes": 10},
        },
        "airflow_rbac_tasks_launch_pods": True,
        "airflow_celery_broker": {
            "provider": "external",
            "scheme": "amqps",
            "host": "rabbitmq.example.com",
            "database": "airflow",
            "credentials": {"name": "my-broker"},
        },
        "airflow_celery_result_backend": {"urlSecret": {"name": "my-results"}},
        "airflow_celery_workers": {
            "default": {"replicas": 2, "autoscale": {"min": 1, "max": 4}, "persistence": {"enabled": True}},
            "heavy": {
                "queues": ["heavy", "gpu"],
                "concurrency": 1,
                "nodeSelector": {"pool": "gpu"},
                "terminationGracePeriodSeconds": 7200,
            },
        },
        "airflow_celery_flower": {"enabled": True, "urlPrefix": "flower"},
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
        "airflow_logging_volume": {"enabled": True, "existingClaim": "my-logs"},
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
