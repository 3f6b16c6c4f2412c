"""Instances that tests render: one for each way through the renderer."""

from __future__ import annotations

import typing as t

BASE: dict[str, t.Any] = {"airflow_instance": "airflow", "airflow_logging_store": "volume"}
# Airflow's own teams, under an auth manager that knows some.
MULTI_TEAM: dict[str, t.Any] = {
    "airflow_core_multi_team": True,
    "airflow_core_config": {
        "core": {"auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"}
    },
}

# What the Pod Security Standard of that name wants of every container.
RESTRICTED: dict[str, t.Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ4cJcyBGgmFpOqZ5Xl0mZ8tO0RzY8z6qWm6vJmH5ZkP"

# DAGs by every way there is, from every kind of place.
HTTPS: dict[str, t.Any] = {
    "url": "https://git.example.com/data/dags.git",
    "ref": "v1.2",
    "subPath": "teams/dags",
    "credentials": {"name": "git-token", "passwordKey": "token"},
    "ca": {"configMap": "corporate-ca"},
}
SSH: dict[str, t.Any] = {
    "url": "ssh://git@git.example.com:2222/ml/dags.git",
    "sshKey": {"name": "deploy-key"},
    "knownHosts": f"[git.example.com]:2222 ssh-ed25519 {HOST_KEY}\n",
}
REPOSITORIES: dict[str, t.Any] = {"data": HTTPS, "ml": SSH}

# Secrets that the cases name as their owner's, to read DAGs with.
OF_DAGS = {"git-token", "deploy-key", "s3-keys", "gcs-key"}

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
        "airflow_database_cleanup": {"enabled": True, "archive": "replace"},
    },
    "autoscaling": {
        "airflow_instance": "airflow",
        "airflow_logging_loss_accepted": True,
        "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
        "airflow_database_pgbouncer": {"enabled": True},
        "airflow_celery_workers": {
            "default": {},
            "big": {"queues": ["heavy", "gpu"], "concurrency": 2, "persistence": {"enabled": True}},
            "steady": {"queues": ["steady"], "replicas": 2},
            "busy": {"queues": ["busy"]},
        },
        "airflow_autoscaling_workers": {
            "default": {},
            "big": {
                "min": 1,
                "max": 4,
                "pollingInterval": 10,
                "cooldownPeriod": 300,
                "fallback": {"failureThreshold": 5, "replicas": 2},
                "advanced": {
                    "horizontalPodAutoscalerConfig": {
                        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
                    }
                },
            },
        },
        "airflow_autoscaling_workers_hpa": {"busy": {"cpu": 70, "memory": 80}},
        "airflow_autoscaling_triggerer": {"max": 3},
        "airflow_autoscaling_api_server": {
            "min": 2,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}},
        },
    },
    "autoscaling-2.11": {
        "airflow_instance": "old",
        "airflow_logging_loss_accepted": True,
        "airflow_version": "2.11.2",
        "airflow_core_executor": "CeleryKubernetesExecutor",
        "airflow_celery_workers": {"default": {"autoscale": {"min": 1, "max": 4}}},
        "airflow_database_provider": "external",
        "airflow_database_host": "postgres.example.com",
        "airflow_database_credentials": {"name": "my-database"},
        "airflow_autoscaling_workers": {"default": {"min": 1}},
        "airflow_autoscaling_triggerer": {},
        "airflow_autoscaling_api_server": {"min": 2, "cpu": 60},
        "airflow_autoscaling_database": {"credentials": {"name": "my-reader"}},
    },
    "mysql": {
        **BASE,
        "airflow_core_executor": "CeleryExecutor",
        "airflow_database_provider": "external",
        "airflow_database_kind": "mysql",
        "airflow_database_host": "mysql.example.com",
        "airflow_database_credentials": {"name": "my-database"},
        "airflow_autoscaling_workers": {"default": {"max": 4}},
        "airflow_autoscaling_triggerer": {},
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
    "teams": {
        "airflow_instance": "shared",
        "airflow_namespace": "airflow",
        "airflow_labels": {"cost-centre": "4711"},
        "airflow_logging_loss_accepted": True,
        "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
        "airflow_git_sync_repositories": {"ml": SSH},
        "airflow_rbac_teams": {
            "data": {
                "namespaceManaged": True,
                "labels": {"cost-centre": "4712"},
                "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/data"}},
                "imagePullSecrets": ["pull"],
                "jobs": True,
                "quota": {"pods": "20"},
                "limitRange": [{"type": "Container", "default": {"cpu": "1"}}],
            },
            "ml": {"namespace": "ml-tasks", "serviceAccount": {"name": "trainer"}, "kubernetesExecutor": True},
        },
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
        "airflow_database_cleanup": {"enabled": True, "timeZone": "Europe/Berlin", "tables": ["log", "xcom"]},
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
            "containers": [{"name": "sidecar", "image": "busybox", "securityContext": RESTRICTED}],
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
            "Pod/airflow-worker": {
                "spec": {"containers": [{"name": "sidecar", "image": "envoy", "securityContext": RESTRICTED}]}
            },
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
    "git-sync": {**BASE, "airflow_git_sync_repositories": REPOSITORIES},
    "git-sync-local": {
        "airflow_instance": "ml",
        "airflow_core_executor": "LocalExecutor",
        "airflow_git_sync_repositories": {"ml": SSH},
        "airflow_git_sync_period": "1m",
        "airflow_verify_canary": False,
    },
    "git-sync-2.11": {
        **BASE,
        "airflow_version": "2.11.2",
        "airflow_git_sync_repositories": REPOSITORIES,
        "airflow_core_dags_volume": {"enabled": True, "existingClaim": "my-dags", "accessMode": "ReadOnlyMany"},
    },
    "bundles": {
        **BASE,
        "airflow_core_dag_bundles": {
            "data": {**HTTPS, "kwargs": {"submodules": True}},
            "ml": {**SSH, "ref": "main", "refreshInterval": 5},
            "site": {"kind": "local", "url": "/srv/dags"},
            "lake": {
                "kind": "s3",
                "url": "s3://lake",
                "subPath": "dags",
                "credentials": {"name": "s3-keys"},
                "endpointUrl": "https://s3.example.com",
                "region": "eu-west-1",
            },
            "google": {"kind": "gcs", "url": "gs://dags", "keyFile": {"name": "gcs-key"}},
        },
    },
    "dags-volume": {
        **BASE,
        "airflow_core_dags_volume": {"enabled": True, "size": "1Gi", "storageClassName": "efs", "subPath": "live"},
    },
    "dags-volume-2.11-local": {
        "airflow_instance": "old",
        "airflow_version": "2.11.2",
        "airflow_core_executor": "LocalExecutor",
        "airflow_core_dags_volume": {"enabled": True},
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

# What tasks print, on its way to a search server.
_SHIPPER: dict[str, t.Any] = {
    "enabled": True,
    "namespace": "node-agents",
    "image": {"tag": "2026-08"},
    "credentials": {"name": "logs-writer"},
}
LOG_SHIPPERS: dict[str, dict[str, t.Any]] = {
    "opensearch": {
        "airflow_logging_store": "opensearch",
        "airflow_logging_opensearch": {**LOG_STORES["opensearch"]["airflow_logging_opensearch"], "write": "stdout"},
        "airflow_logging_shipper": {**_SHIPPER, "ca": {"name": "company-ca"}},
    },
    "elasticsearch": {
        "airflow_logging_store": "elasticsearch",
        "airflow_logging_elasticsearch": {
            **LOG_STORES["elasticsearch"]["airflow_logging_elasticsearch"],
            "write": "stdout",
        },
        "airflow_logging_shipper": {
            **_SHIPPER,
            "podsFolder": "/data/pods",
            "queueSize": "500Mi",
            "nodeSelector": {"pool": "airflow"},
            "tolerations": [],
            "priorityClassName": "high",
            "containerSecurityContext": {"seLinuxOptions": {"type": "spc_t"}},
        },
    },
}
