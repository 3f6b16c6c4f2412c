"""Break the rules of the renderer one at a time, and see that a test of behaviour finds each of them.

A mutation replaces a piece of source text that stands there once, in a copy of the checkout, and the tests of the
renderer must then fail. Golden renders are left out: they find any change, and say nothing of what is wrong with it.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path("plugins/module_utils")
TESTS = Path("tests/unit/plugins/module_utils")
LEFT_BEHIND = (".*_cache", ".ansible", ".git", ".hypothesis", "__pycache__", "build", "golden")
AT_ONCE = 2
# The inventories are rendered by a playbook, which takes seconds and adds nothing here.
LEFT_OUT = "not golden and not inventories"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutation:
    """``rule`` is what holds no more when ``old`` becomes ``new`` in ``file``."""

    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ("render",)

    def apply(self, root: Path) -> None:
        path = root / SOURCES / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.rule}: {self.old!r} stands {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


def of_file(file: str, *mutations: tuple[str, str, str], tests: tuple[str, ...] = ("render",)) -> list[Mutation]:
    return [Mutation(rule=rule, file=file, old=old, new=new, tests=tests) for rule, old, new in mutations]


MUTATIONS = (
    *of_file(
        "render/payload/start.py",
        ("the scheduler waits for tasks that run", "idle = 0 if self.given else idle + 1", "idle += 1"),
        ("a worker that stays is killed", "worker.kill()", "pass"),
        ("a scheduler gives no more than it may", "self.running.add(key)", "pass"),
        ("who begins has not ended", '-= 1 if result[1] != "running" else 0', "-= 1"),
    ),
    *of_file(
        "render/pods.py",
        ("a running task is not moved", "stays=runs_tasks", "stays=False"),
        ("a Job in the midst of its work is not moved", "stays or once", "stays"),
        ("cluster autoscalers are told what stays", 'safe-to-evict": "false"', 'safe-to-evict": "true"'),
        ("pods run as no root", '"runAsNonRoot": True', '"runAsNonRoot": False'),
        ("system calls are filtered", '"type": "RuntimeDefault"', '"type": "Unconfined"'),
        ("nothing gains privileges", '"allowPrivilegeEscalation": False', '"allowPrivilegeEscalation": True'),
        ("root file systems are read-only", '"readOnlyRootFilesystem": True', '"readOnlyRootFilesystem": False'),
        ("capabilities are dropped", '{"drop": ["ALL"]}', '{"drop": ["NET_RAW"]}'),
        ("volumes belong to the pod's group", '"fsGroup": group,', '"fsGroup": user,'),
        ("Airflow runs in group 0", "pod_security(AIRFLOW_USER, 0)", "pod_security(AIRFLOW_USER, AIRFLOW_USER)"),
        (
            "pods get no token unasked",
            '"automountServiceAccountToken": automount',
            '"automountServiceAccountToken": True',
        ),
        ("no variables for Services", '"enableServiceLinks": False', '"enableServiceLinks": True'),
        (
            "images are pulled with the Secrets named",
            '[{"name": name} for name in values.instance.image_pull_secrets]',
            "[]",
        ),
        ("pods have resources", '        "resources": pods.resources,\n', ""),
        ("heartbeats are probed", '"livenessProbe": {\n            "exec": {"command": command},', '"other": {'),
        ("a slow start is given time", '"failureThreshold": 150', '"failureThreshold": 10'),
        (
            "no second start for a look at the database",
            '{"name": "CONNECTION_CHECK_MAX_COUNT", "value": "0"}',
            '{"name": "CONNECTION_CHECK_MAX_COUNT", "value": "20"}',
        ),
        ("asyncpg has an address of its own", '"connection-async"', "key"),
        ("secrets are read from Secrets", '"secretKeyRef"', '"configMapKeyRef"'),
        (
            "environment of a component wins",
            "*values.core.env,\n            *pods.env,",
            "*pods.env, *values.core.env,",
        ),
        ("a canary is one file", '"subPath": names.CANARY_FILE, ', ""),
        ("a claim of a person's is used", "volume.existing_claim or ", ""),
    ),
    *of_file(
        "render/objects.py",
        ("data outlives its workload", '"whenDeleted": "Retain"', '"whenDeleted": "Delete"'),
        ("a StatefulSet has its headless Service", '"serviceName": headless', '"serviceName": component'),
        ("another Job has another name", "-{digest}", "-0"),
        (
            "drains are told",
            "if not workload.pod_disruption_budget.enabled",
            "if workload.pod_disruption_budget.enabled",
        ),
        (
            "selectors stay when labels change",
            'history_limit,\n        "selector": {"matchLabels": names.selector(',
            'history_limit,\n        "selector": {"matchLabels": names.labels(',
        ),
        ("a budget lets a drain go on", '"maxUnavailable": budget.max_unavailable', '"maxUnavailable": 0'),
        ("pods that are broken are in no drain's way", '"unhealthyPodEvictionPolicy": budget', '"other": budget'),
        ("a roll takes no pod away first", '"maxUnavailable": 0', '"maxUnavailable": 1'),
        ("Services find a port of the pods", '"targetPort": target', '"targetPort": "http"'),
        (
            "a Service selects its component",
            '"selector": names.selector(values, component),\n        "ports"',
            '"selector": names.selector(values, "airflow"),\n        "ports"',
        ),
        ("an empty volume stays one", '["emptyDir", ', "["),
        (
            "digests are kept",
            '(f"@{wanted.digest}" if wanted.digest else "")',
            '""',
        ),
        ("a site's registry is used", "if values.instance.image_registry:", "if not values.instance.image_registry:"),
        ("objects are in the instance's namespace", "values.namespace if namespaced else None", "None"),
    ),
    *of_file(
        "render/placement.py",
        (
            "pods of one component keep apart",
            '{"matchLabels": names.selector(values, component)}',
            '{"matchLabels": names.selector(values, "airflow")}',
        ),
        ("a spread counts the pods of its component", '{"labelSelector": selector, **one}', "one"),
        ("what is not alike is not counted", "selector = selector or", "selector ="),
        ("pods of tasks do not keep apart", "own is None and isinstance(shape, Workload)", "own is None"),
        ("nodes of tasks are preferred where they are not required", "if nodes.required or", "if True or"),
    ),
    *of_file(
        "spec/placement.py",
        ("nodes of tasks are for tasks", "if isinstance(shape, (Workers, CeleryWorkers)) else TaskNodes()", ""),
        ("taints of nodes of tasks are tolerated", "*map(_tolerated, nodes.taints), ", ""),
        ("a component's own labels win", "**(nodes.labels if nodes.required else {}), **shape.node_selector", ""),
        ("what the instance says holds for all", "value or getattr(common, name)", "value"),
    ),
    *of_file(
        "render/names.py",
        (
            "an own identity is used",
            "own.name if own and own.name else name(values, component)",
            "name(values, component)",
        ),
        (
            "instances do not select each other's pods",
            '"component": component, "release": values.name}',
            '"component": component}',
        ),
        (
            "labels of a person's do not replace ours",
            "        **values.instance.labels,\n        **selector(values, component),",
            "        **selector(values, component),\n        **values.instance.labels,",
        ),
        ("names fit", 'return f"{values.name}-{component}"', 'return f"{values.name}-airflow-{component}"'),
    ),
    *of_file(
        "render/config.py",
        ("a percent sign survives", '.replace("%", "%%")', ""),
        ("a text of lines survives", r""".replace("\n", "\n    ")""", ""),
        ("a person's options win", "    overlay(computed, values.core.config)\n", ""),
        ("the execution API is below the path", "{execution_api}{base_path(values)}/", "{execution_api}/"),
        (
            "no secret is in the configuration",
            '"load_examples": False,',
            '"load_examples": False, "fernet_key": "x",',
        ),
        ("pods of tasks are made here", '"namespace": values.namespace', '"namespace": values.name'),
        ("the pod template is found", '"{names.POD_TEMPLATE_FOLDER}/', '"{names.AIRFLOW_HOME}/'),
        ("the canary is found", '"kwargs": {"path": names.CANARY_FOLDER}', '"kwargs": {"path": names.DAGS_FOLDER}'),
        ("what probes run is in the ConfigMap", "        names.HEARTBEAT_FILE: source(heartbeat),\n", ""),
        ("DAGs are parsed apart", '"standalone_dag_processor": True', '"standalone_dag_processor": False'),
    ),
    *of_file(
        "render/pod_template.py",
        ("task pods of Airflow 3 hold no secret", "if values.major >= 3", "if values.major > 3"),
        ("a task starts no executor", '{"name": "AIRFLOW__CORE__EXECUTOR", "value": "LocalExecutor"}', ""),
        ("DAGs may name any of several executors", "[] if several else ", ""),
        ("a template of a person's own is laid over", "if patch else template", "if not patch else template"),
        ("a task runs once", 'restartPolicy="Never"', 'restartPolicy="OnFailure"'),
        ("a task has time to end", "grace_seconds=600", "grace_seconds=30"),
        ("the executor finds its container", 'CONTAINER = "base"', 'CONTAINER = "worker"'),
    ),
    *of_file(
        "render/rbac.py",
        (
            "nobody reads Secrets",
            '"resources": ["events"], "verbs": ["list", "watch"]',
            '"resources": ["events", "secrets"], "verbs": ["list", "watch"]',
        ),
        ("tasks make no pods unless they may", "if values.rbac.tasks_launch_pods:", "if True:"),
        ("the scheduler may make pods", '{"pod-launcher": ["scheduler"]', '{"pod-launcher": ["migrate"]'),
        ("identities carry no token", "automountServiceAccountToken=False", "automountServiceAccountToken=True"),
        ("the namespace enforces pod security", '("enforce", "audit", "warn")', '("audit", "warn")'),
        (
            "a binding names its role",
            '"name": names.name(values, role)}',
            '"name": role}',
        ),
        ("a binding names whom it is for", "service_account(values, component),", "component,"),
        (
            "every pod has its identity",
            '+= ["worker"] if values.runs_kubernetes or values.runs_celery else []\n    wanted',
            "+= []\n    wanted",
        ),
    ),
    *of_file(
        "render/celery_workers.py",
        ("a signal kills the tasks of a worker", "pods.SIGNAL_ONE_PROCESS,", ""),
        ("workers of a set are found by it", "{SET_LABEL: set_name}", '{SET_LABEL: "default"}'),
        ("workers take their queues", '",".join(wanted.queues)', '"default"'),
        (
            "Celery's larger number comes first",
            "{wanted.autoscale.max},{wanted.autoscale.min}",
            "{wanted.autoscale.min},{wanted.autoscale.max}",
        ),
        ("logs on a volume are found again", "*(stable if wanted.persistence.enabled else []),", ""),
        ("workers of Airflow 3 see no database", "if values.major < 3 else []", "if values.major else []"),
    ),
    *of_file(
        "render/autoscaling.py",
        ("a set counts its own queues", "AND {queue} IN ({own}) ", ""),
        ("KEDA asks the kind of database that there is", "values.database_kind.trigger,", '"postgresql",'),
        ("a set counts what runs, too", "('queued', 'running')", "('queued')"),
        ("callbacks come to the queue of theirs", " and CALLBACK_QUEUE in wanted.queues", ""),
        ("forgotten callbacks do not count", " AND deadline_time > CURRENT_TIMESTAMP - INTERVAL '1' HOUR", ""),
        ("tasks of other executors do not count", "if executors.CELERY in listed[0].runs else named", ""),
        (
            "triggers of a queue are for others",
            'f" WHERE {own}" if own else ""',
            '""',
        ),
        ("an autoscaler sets the number alone", 'if name != "replicas"}', "if name}"),
        (
            "who counts may read what is counted",
            '["state", "queue", "executor"]',
            '["state", "queue"]',
        ),
        ("workers on volumes are scaled, too", '"StatefulSet" if kept else "Deployment"', '"Deployment"'),
    ),
    *of_file(
        "spec/counts.py",
        ("workers are counted by what one runs", "wanted.autoscale.max if wanted.autoscale else", ""),
        ("what needs room counts the most that an autoscaler starts", "most=scaler.max", "most=scaler.min"),
        ("what has to stay counts the least that an autoscaler leaves", "least=scaler.min", "least=scaler.max"),
        tests=("spec/test_counts.py", "render/test_autoscaling.py"),
    ),
    *of_file(
        "preflight/pod_counts.py",
        ("a quota has room for all that an autoscaler starts", "most=max((one.most for", "most=min((one.least for"),
        ("a budget is held against what an autoscaler leaves", "least=min((one.least for", "least=max((one.most for"),
        ("one autoscaler for one workload", "if len(scalers) > 1:", "if len(scalers) > 2:"),
        ("no number of pods beside an autoscaler", 'elif scalers and "replicas" in item["spec"]:', "elif False:"),
        tests=("preflight",),
    ),
    *of_file(
        "render/overrides.py",
        ("no override sets what an autoscaler sets", '    "Deployment": (_REPLICAS,),\n', ""),
        ("bounds of autoscalers have their variables", "elif owner and path in _BOUNDS:", "elif False:"),
        (
            "an autoscaler scales what it was made for",
            '"ScaledObject": (_TARGET, *_BOUNDS)',
            '"ScaledObject": (*_BOUNDS,)',
        ),
        (
            "a workload stays marked as an autoscaler's",
            '    yield ("metadata", "annotations", replicas.AUTOSCALED)\n',
            "",
        ),
        ("a database has one pod", 'frozenset({"postgresql", "redis"})', 'frozenset({"redis"})'),
        tests=("render/test_overrides.py",),
    ),
    *of_file(
        "render/teams.py",
        ("nobody enters pods where no XCom is read", "values.rbac.tasks_read_xcom and (", "("),
        ("XComs of Jobs are read by the triggerer", 'role == "task-launcher" or jobs', 'role == "task-launcher"'),
    ),
    *of_file(
        "preflight/selectors.py",
        (
            "a budget's selector is read as a whole",
            ' and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())',
            "",
        ),
        tests=("preflight",),
    ),
    *of_file(
        "preflight/quotas.py",
        (
            "what runs before a pod counts where it is more",
            "max(lasting.get(name, NONE), peak.get(name, NONE))",
            "lasting.get(name, NONE)",
        ),
        ("what goes on beside a pod adds to it", 'container.get("restartPolicy") == "Always"', "False"),
        ("objects count in quotas", "[*_as_object(item), *_demanded(item, counts)]", "[*_demanded(item, counts)]"),
        tests=("preflight",),
    ),
    *of_file(
        "preflight/limit_ranges.py",
        ("limits forbid what is above them", 'if max(limit, request) > bound else ""', 'if False else ""'),
        ("limits give first what is not said", "limits = {**most, **limits}", "limits = {**limits}"),
        ("limits of pods are of their sums", 'yield "Pod", label, quotas.of_pod(filled)', "yield from ()"),
        ("limits hold for volume claims", "for claim in quotas.claims_of(item):", "for claim in ():"),
        tests=("preflight",),
    ),
    *of_file(
        "preflight/teams.py",
        ("no team is where another instance is", "if owner := _lives_there(namespace):", 'if owner := "":'),
        ("a team's namespace is no instance's own", "if is_own and TEAM_LABEL not in labels", "if is_own"),
        tests=("preflight",),
    ),
    *of_file(
        "preflight/usage.py",
        ("what starts pods alone is not scaled by", 'if one.get("restartPolicy") == "Always"', ""),
        ("limits give requests to scale by", "limit_ranges.with_defaults(one, items)", "one"),
        ("a share of nothing is told", "amount is None or not any(requested.values())", "amount is None"),
        tests=("preflight",),
    ),
    *of_file(
        "spec/capacity.py",
        ("processes of Celery keep a connection for results", "if _results_are_kept(values):", "if False:"),
        ("results elsewhere keep none", "not values.celery.result_backend.url_secret and forks", "forks"),
        ("without pools nothing is kept", "return 1, 1", "pass"),
        tests=("spec/test_capacity.py",),
    ),
    *of_file(
        "preflight/checks.py",
        ("what is in no namespace is not said to be in one", "if not one.namespaced:", "if False:"),
        ("no pod has two budgets", "if len(budgets) > 1:", "if len(budgets) > 2:"),
        tests=("preflight",),
    ),
    *of_file(
        "render/broker.py",
        ("Redis asks for a password", 'requirepass "$REDISCLI_AUTH"\n', ""),
        (
            "an external broker has no Redis",
            'not values.runs_celery or values.celery.broker.provider == "external"',
            "not values.runs_celery",
        ),
        (
            "an address of a person's own is read",
            "    if own:\n        return pods.secret_env(variable, own.name, own.key)\n",
            "",
        ),
    ),
    *of_file(
        "render/features.py",
        ("an executor leaves nothing behind", "if not is_used)", "if is_used)"),
    ),
    *of_file(
        "render/scheduler.py",
        ("a scheduler's own heartbeat is read", '"SchedulerJob"', '"TriggererJob"'),
        ("tasks in the scheduler have time to end", "600 if local else 30", "30"),
        ("a signal kills the tasks of a LocalExecutor", "pods.SIGNAL_ONE_PROCESS,", ""),
        (
            "the scheduler signs tokens",
            "            *pods.jwt_env(values),\n",
            "",
        ),
        ("logs of tasks in the scheduler are served", "if local else None", "if not local else None"),
    ),
    *of_file(
        "render/dag_processor.py",
        (
            "what runs people's code signs no tokens",
            "env=[*pods.database_env(values), ",
            "env=[*pods.database_env(values), *pods.jwt_env(values), ",
        ),
    ),
    *of_file(
        "render/triggerer.py",
        ("no triggerer where none is wanted", "if not wanted.enabled:", "if False:"),
        ("logs of triggers are served at their port", "LOG_SERVER_PORT = 8794", "LOG_SERVER_PORT = 8793"),
    ),
    *of_file(
        "render/web.py",
        (
            "liveness does not ask the database",
            '"/api/v2/version", "/api/v2/monitor/health"',
            '"/api/v2/monitor/health", "/api/v2/version"',
        ),
        ("probes are below the path", "base_path(values) + path", "path"),
        ("requests go on while a pod stops", '["sleep", "5"]', '["sleep", "0"]'),
        (
            "a proxy is believed only where there is one",
            "if values.major < 3 or not values.core.base_url:",
            "if values.major < 3:",
        ),
        ("a probe's port has a name", '"port": values.web_component}', '"port": "http"}'),
    ),
    *of_file(
        "render/database.py",
        ("a database has time to stop", "grace_seconds=120", "grace_seconds=10"),
        ("data is below the root of its volume", '"value": f"{DATA_FOLDER}/pgdata"', '"value": DATA_FOLDER'),
        ("no database beside an external one", 'if values.database.provider == "external":', "if False:"),
        (
            "PgBouncer is probed",
            '        "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 3},\n',
            "",
        ),
        (
            "passwords of PgBouncer are in a Secret",
            '"secret": {"secretName": names.name(values, "pgbouncer-config")}',
            '"configMap": {"name": names.name(values, "config")}',
        ),
        (
            "data is on its volume",
            '{"name": "data", "mountPath": DATA_FOLDER}',
            '{"name": "data", "mountPath": "/data"}',
        ),
    ),
    *of_file(
        "render/migration.py",
        (
            "a migration goes past the pooler",
            'pods.database_env(values, "connection-direct")',
            "pods.database_env(values)",
        ),
        ("a failed migration is not tried blindly", '"backoffLimit": 0', '"backoffLimit": 6'),
        ("a migration waits for no volume", '{"name": "logs", "emptyDir": {}}', "pods.log_volume(values)"),
        (
            "what a migration says last is kept",
            'terminationMessagePolicy="FallbackToLogsOnError"',
            'terminationMessagePolicy="File"',
        ),
    ),
    *of_file(
        "render/ingress.py",
        ("an Ingress leads to the Service", '"port": {"name": component}', '"port": {"name": "http"}'),
        ("an Ingress has its host", '"rules": [{"host": host, ', '"rules": [{'),
        ("a certificate is for the host", '"tls": [{"hosts": [host], ', '"tls": [{"hosts": ["localhost"], '),
        ("an Ingress has the path", 'base_path(values) or "/"', '"/"'),
    ),
    *of_file(
        "render/logs.py",
        ("no claim beside a person's", "if volume.existing_claim:", "if False:"),
        ("all pods share the logs", '"accessModes": [volume.access_mode]', '"accessModes": ["ReadWriteOnce"]'),
    ),
    *of_file(
        "render/log_store.py",
        ("the key comes before the connection", "[*_access_key(store.credentials), {", "[{"),
        ("no identity for those that need none", "if component not in identified(values):", "if False:"),
        ("Airflow 2's scheduler writes logs of tasks", "values.runs_local or values.major < 3", "values.runs_local"),
    ),
    *of_file(
        "render/dags.py",
        (
            "DAGs come to what reads them",
            'component in ("dag-processor", "worker")',
            'component in ("dag-processor",)',
        ),
        ("DAGs come to nothing else", "and values.major < 3)\n\n\ndef delivery", ")\n\n\ndef delivery"),
        ("a task's pod ends", "[] if once else git_sync.following", "git_sync.following"),
        (
            "a scheduler that runs tasks has DAGs",
            "return values.runs_local",
            "return False",
        ),
        ("nobody writes DAGs", 'volume_folder(values), "readOnly": True', 'volume_folder(values), "readOnly": False'),
        ("a person's claim of DAGs is used", 'wanted.existing_claim or names.name(values, "dags")', '"dags"'),
        ("no claim of DAGs beside a person's", "not wanted.enabled or wanted.existing_claim", "not wanted.enabled"),
        ("modules beside DAGs are found", '{"name": "PYTHONPATH"', '{"name": "PYTHON_PATH"'),
    ),
    *of_file(
        "render/git.py",
        ("the pod's group reads keys", "FILE_MODE = 0o440", "FILE_MODE = 0o400"),
    ),
    *of_file(
        "render/git_sync.py",
        ("git-sync has a name", "USER = 65533", "USER = 50000"),
        ("repositories have homes of their own", '"subPath": f"git-sync-{name}"', '"subPath": "git-sync"'),
        ("what comes before Airflow ends", '{"name": "GITSYNC_ONE_TIME", "value": "true"},\n', ""),
        ("a wrong repository is told", "values.git_sync.init_max_failures", "values.git_sync.max_failures"),
        ("host keys are looked at", "known = not repository.known_hosts_waived", "known = False"),
        ("git-sync's ports differ", "wanted.http_port + number", "wanted.http_port"),
        ("tokens are files", "/{git.PASSWORD}", "/{git.USERNAME}"),
    ),
    *of_file(
        "render/dag_bundles.py",
        ("host keys of bundles are looked at", '"yes" if known else "no"', '"no"'),
        ("keys of a bucket come first", "[*parts, {", "[{"),
        ("a token is for its repository", "credential.{bundle.url}.helper", "credential.helper"),
        ("Airflow gets no wrong folder", '"subdir": bundle.sub_path', '"subdir": bundle.url'),
    ),
    *of_file(
        "render/dag_source.py",
        (
            "a probe reads no host keys of before",
            '"projected") or {}).get("sources", [])',
            '"projected") or {}).get("", [])',
        ),
        ("other bundles are not tried", 'if bundle.kind == "git"}', "}"),
        ("a new refresh is no new source", '"refresh_interval": None', '"other": None'),
        ("a bundle finds no examples", '"AIRFLOW__CORE__LOAD_EXAMPLES", "value": "False"', '"X", "value": ""'),
    ),
    *of_file(
        "render/broker_probe.py",
        (
            "workers keep the broker of before",
            "name=names.name(values, COMPONENT)",
            'name=names.name(values, "celery")',
        ),
        ("a broker of one's own is asked", 'broker.provider == "external" and', "False and"),
        ("another address is another Job", "NOTE: addresses", 'NOTE: ""'),
        ("a broker is asked as workers do", "who=next(iter(values.worker_sets.values())),\n", ""),
        ("an address goes with its Job", '"ownerReferences": [owner]', '"ownerReferences": []'),
    ),
    *of_file(
        "render/probe.py",
        ("no Service counts a probe", "**names.labels(values, name), ", ""),
        ("a probe waits for no volume of logs", '[{"name": "logs", "emptyDir": {}}]', "[]"),
        ("a probe waits for no volume of DAGs", ", dags_volume=DagsVolume()", ""),
    ),
    *of_file(
        "render/policy.py",
        ("Airflow's own images are known by their repository", "([:@][^/]*)?$", "$"),
        ("a name is no beginning of another one", "([:@][^/]*)?$", ".*"),
        ("Airflow's own pods are not judged", "[OF_TASK, NO_CANARY]", "[NO_CANARY]"),
        ("Airflow's own pods are not moved", "[OF_TASK], spec)", "[], spec)"),
        ("a Job is judged by its pod", "_validation(values, POD_OF_JOB, ", "_validation(values, POD, "),
        ("Jobs of no task are let in", ', "matchConditions": [of_task]', ""),
    ),
    *of_file(
        "render/team_placement.py",
        ("a node selector gives way to a team's", "has(object.spec.nodeSelector) && ({named})", "false"),
    ),
    *of_file(
        "render/pipeline.py",
        ("an object tells its part", "[names.ROLE_LABEL] = component", '[names.ROLE_LABEL] = "core"'),
    ),
    *of_file(
        "spec/airflow_options.py",
        ("a secret is refused in airflow.cfg", '    ("core", "fernet_key"): "airflow_core_fernet_key",\n', ""),
        tests=("spec",),
    ),
    *of_file(
        "kube/checksums.py",
        (
            "pods restart for another ConfigMap",
            'for field, kind in (("configMapKeyRef", "ConfigMap"), (',
            "for field, kind in ((",
        ),
        ("pods restart for another Secret", ', ("secret", "Secret", secret_name)', ""),
        ("checksums of Secrets are keyed", "diff.fingerprint(value, key)", "_digest(value)"),
        tests=("kube/test_checksums.py",),
    ),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """``found`` names the first test that fails; None is a mutation that survives."""

    mutation: Mutation
    found: str | None


def copied(root: Path) -> None:
    """The checkout as it is, but for what the tests do without."""
    shutil.copytree(ROOT, root, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True)


def tested(root: Path, tests: t.Iterable[str]) -> str | None:
    """The first test that fails in a copy; None where all pass."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", "-k", LEFT_OUT]
    done = subprocess.run(
        [*command, *(str(TESTS / name) for name in tests)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / ".collections")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) \S+?/(test_\S+)", done.stdout, re.MULTILINE)
    if done.returncode != 1 or not failed:
        # Tests that cannot even be collected find nothing.
        raise RuntimeError(f"The tests cannot run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failed[1]


def outcome(mutation: Mutation) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        root = Path(folder)
        copied(root)
        mutation.apply(root)
        return Outcome(mutation=mutation, found=tested(root, mutation.tests))


def intact() -> str | None:
    """A test that fails without any mutation."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copied(Path(folder))
        return tested(Path(folder), sorted({name for mutation in MUTATIONS for name in mutation.tests}))


def main() -> int:
    chosen = [mutation for mutation in MUTATIONS if not sys.argv[1:] or any(w in mutation.rule for w in sys.argv[1:])]
    failing = intact()
    if failing:
        print(f"{failing} fails without any mutation: mend it first.")
        return 2
    survivors = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in pool.map(outcome, chosen):
            survivors += done.found is None
            print(f"{done.mutation.rule:<45} {done.mutation.file:<25} {done.found or 'SURVIVES'}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutations found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
