"""Every object that is rendered is one that each supported Kubernetes takes, unknown fields refused.

The schemas are made from Kubernetes' own modules by tools/schemas.py.
"""

from __future__ import annotations

import concurrent.futures
import copy
import itertools
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import jsonschema
import jsonschema.validators
import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.render import broker_probe, dag_source, log_probe, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.trial import trial_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import CASES, LOG_SHIPPERS, LOG_STORES, REPOSITORIES, SSH

ROOT = Path(__file__).resolve().parents[5]
VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35")
INVENTORIES = sorted(path.name for path in (ROOT / "inventories").iterdir())

Object = dict[str, t.Any]

# What changes which objects there are, or what kind of pods they make.
OPTIONS: dict[str, list[Object]] = {
    "executor": [
        {},
        {"airflow_core_executor": "LocalExecutor"},
        {
            "airflow_core_executor": "CeleryExecutor,KubernetesExecutor",
            "airflow_celery_workers": {"default": {}, "heavy": {"queues": ["heavy"]}},
            "airflow_celery_flower": {"enabled": True},
            "airflow_core_kubernetes_executor": {"cleanup": {"enabled": True}},
        },
    ],
    "version": [{"airflow_version": "3.3.2"}, {"airflow_version": "2.11.2"}],
    "database": [{}, {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}],
    "pgbouncer": [{}, {"airflow_database_pgbouncer": {"enabled": True}}],
    "ingress": [
        {},
        {"airflow_ingress_enabled": True, "airflow_core_base_url": "http://a.example.com"},
        {
            "airflow_ingress_enabled": True,
            "airflow_core_base_url": "https://a.example.com/x",
            "airflow_ingress_tls_secret": "tls",
            "airflow_ingress_class_name": "nginx",
        },
    ],
    "logs": [
        {"airflow_logging_loss_accepted": True},
        {"airflow_logging_store": "volume"},
        {"airflow_logging_store": "volume", "airflow_logging_volume": {"existingClaim": "mine"}},
        {
            "airflow_logging_store": "volume",
            "airflow_logging_volume": {"accessMode": "ReadWriteOnce", "storageClassName": "fast"},
            "airflow_logging_retention_days": 0,
        },
        LOG_STORES["s3"],
        LOG_STORES["gcs"],
        LOG_STORES["wasb"],
        LOG_STORES["elasticsearch"],
        LOG_SHIPPERS["elasticsearch"],
    ],
    "dags": [
        {},
        {"airflow_git_sync_repositories": REPOSITORIES},
        {"airflow_core_dags_volume": {"enabled": True, "existingClaim": "dags", "accessMode": "ReadOnlyMany"}},
        {"airflow_core_dags_volume": {"enabled": True}, "airflow_git_sync_repositories": {"ml": SSH}},
    ],
    "triggerer": [
        {},
        {"airflow_core_triggerer": {"enabled": False}},
        # One pod at most, since one node alone mounts one of the volumes above.
        {"airflow_autoscaling_triggerer": {"max": 1}, "airflow_autoscaling_api_server": {"max": 1}},
    ],
    "canary": [{}, {"airflow_verify_canary": False}],
    "tasks": [{}, {"airflow_rbac_tasks_launch_pods": True}],
}


def pairwise(options: dict[str, list[Object]]) -> t.Iterator[Object]:
    """Combinations in which every two choices meet."""
    met: set[t.Any] = set()
    for combination in itertools.product(*(range(len(choices)) for choices in options.values())):
        pairs = set(itertools.combinations(enumerate(combination), 2))
        if pairs - met:
            met |= pairs
            yield {
                name: value
                for choices, number in zip(options.values(), combination, strict=True)
                for name, value in choices[number].items()
            }


def rendered(variables: Object) -> list[Object]:
    values = load(variables)
    probes = [log_probe.named_job(values)] if log_probe.wanted(values) else []
    probes += [broker_probe.named_job(values, "")] if broker_probe.asked(values) else []
    probes += [dag_source.named_job(values)] if dag_source.wanted(values) else []
    return [*render_all(values), migration_job(values, "print('x')"), trial_job(values, "print('x')"), *probes]


def with_pod_templates(items: t.Iterable[Object]) -> t.Iterator[Object]:
    """The objects, and the pods that the executor makes of a file in one of them."""
    for item in items:
        yield item
        if item["kind"] == "ConfigMap" and names.POD_TEMPLATE_FILE in item["data"]:
            yield json.loads(item["data"][names.POD_TEMPLATE_FILE])


def distinct(items: t.Iterable[Object]) -> list[Object]:
    return list({json.dumps(item, sort_keys=True): item for item in with_pod_templates(items)}.values())


def unique_keys(_validator: t.Any, keys: list[str], items: t.Any, schema: Object) -> t.Iterator[t.Any]:
    """Server-side apply refuses two items of a list with the same keys."""
    if isinstance(items, list):
        found = [tuple(json.dumps(item.get(key)) for key in keys) for item in items if isinstance(item, dict)]
        for twice in sorted({key for key in found if found.count(key) > 1}):
            yield jsonschema.ValidationError(
                f"two items have the keys {dict(zip(keys, twice, strict=True))}", schema=schema
            )


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"x-kubernetes-list-map-keys": unique_keys})


def problems(version: str, items: t.Iterable[Object]) -> list[str]:
    """What a version of Kubernetes has against the objects; each sentence names one."""
    schema, keda = (
        json.loads((ROOT / f"tests/unit/schemas/{name}.json").read_text(encoding="utf-8"))
        for name in (f"kubernetes-{version}", "keda")
    )
    schema["kinds"] |= keda["kinds"]
    found = []
    for item in items:
        label = f"{item['kind']}/{item['metadata'].get('name')}"
        if item["kind"] not in schema["kinds"]:
            found.append(f"{label}: tools/schemas.py does not know this kind")
            continue
        validator = Validator({**schema["kinds"][item["kind"]], "definitions": schema["definitions"]})
        found += [f"{label}: {error.json_path}: {error.message}" for error in validator.iter_errors(item)]
    return found


@pytest.fixture(scope="module")
def combined() -> list[Object]:
    """Objects of all cases and combinations of options."""
    given = [*CASES.values(), *({"airflow_instance": "airflow", **chosen} for chosen in pairwise(OPTIONS))]
    return distinct(item for variables in given for item in rendered(variables))


def rendering(inventory: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A run of the playbook that writes the objects of an inventory."""
    command = [sys.executable, "-m", "ansible", "playbook", str(ROOT / "playbooks/render.yml")]
    command += ["-i", str(ROOT / "inventories" / inventory), "-e", f"render_dest={folder}"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def of_inventories(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """What the playbook writes for each inventory."""
    folder = tmp_path_factory.mktemp("rendered")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in pool.map(lambda inventory: rendering(inventory, folder / inventory), INVENTORIES):
            assert done.returncode == 0, done.stdout + done.stderr
    files = sorted(folder.rglob("*.yaml"))
    hosts = {path.relative_to(folder).parts[:2] for path in files}
    assert {inventory for inventory, _host in hosts} == set(INVENTORIES)
    assert len(files) > 20 * len(hosts)
    return distinct(yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)


@pytest.mark.parametrize("version", VERSIONS)
def test_options_render_what_kubernetes_takes(version: str, combined: list[Object]) -> None:
    assert problems(version, combined) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_inventories_render_what_kubernetes_takes(version: str, of_inventories: list[Object]) -> None:
    assert problems(version, of_inventories) == []


def test_every_two_options_meet() -> None:
    chosen = list(pairwise(OPTIONS))
    for one, other in itertools.combinations(OPTIONS.values(), 2):
        for pair in itertools.product(one, other):
            wanted = {name: value for choice in pair for name, value in choice.items()}
            assert any(wanted.items() <= combination.items() for combination in chosen)


def test_all_kinds_are_among_them(combined: list[Object]) -> None:
    kinds = {item["kind"] for item in combined}
    assert kinds >= {"ScaledObject", "TriggerAuthentication", "HorizontalPodAutoscaler"}
    assert kinds >= {"Deployment", "Ingress", "Job", "LimitRange", "Pod", "ResourceQuota", "RoleBinding", "StatefulSet"}


def put(item: Object, path: str, value: t.Any) -> None:
    """Set what is at a path of an object; None takes it away."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(" ")]
    target: t.Any = item
    for part in parents:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value


CONTAINER = "spec template spec containers 0"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", "spec replica", 1),
        ("Deployment", "spec replicas", "1"),
        ("Deployment", "spec replicas", True),
        ("Deployment", "spec replicas", 2**31),
        ("Deployment", "spec selector", None),
        ("Deployment", "apiVersion", "apps/v1beta1"),
        ("Deployment", "metadata name", None),
        ("Deployment", "metadata name", "Upper"),
        ("Deployment", "metadata namespace", "a.b"),
        ("Deployment", "metadata labels tier", "two words"),
        ("Deployment", "metadata labels tier", 1),
        ("Deployment", "metadata labels tier", "x" * 64),
        ("Deployment", "metadata labels", {"a/b/c": "x"}),
        ("Deployment", "spec selector matchLabels component", "-x"),
        ("Deployment", f"{CONTAINER} name", "a.b"),
        ("Deployment", f"{CONTAINER} securitycontext", {}),
        ("Deployment", f"{CONTAINER} env 0 value", 0),
        ("Deployment", f"{CONTAINER} ports 0 containerPort", 65536),
        ("Deployment", f"{CONTAINER} ports 0 name", "longer-than-15-x"),
        ("Deployment", f"{CONTAINER} livenessProbe httpGet port", 0),
        ("Deployment", f"{CONTAINER} resources requests memory", "1 GB"),
        ("Deployment", f"{CONTAINER} resources requests cpu", "100 m"),
        ("Service", "spec ports 0 port", 0),
        ("Service", "spec ports 0 targetPort", "8080 "),
        ("Service", "spec selector component", "x y"),
        ("ConfigMap", "data", {"number": 1}),
        ("PodDisruptionBudget", "spec maxUnavailable", 1.5),
    ],
)
def test_what_kubernetes_refuses_is_found(version: str, kind: str, path: str, value: t.Any) -> None:
    component = "config" if kind == "ConfigMap" else "api-server"
    (item,) = (
        item
        for item in rendered(CASES["kubernetes-executor"])
        if (item["kind"], item["metadata"]["labels"]["component"]) == (kind, component)
    )
    assert problems(version, [item]) == []
    put(item, path, value)
    assert problems(version, [item]) != []


def test_what_server_side_apply_refuses_is_found() -> None:
    item = next(item for item in rendered(CASES["kubernetes-executor"]) if item["kind"] == "Deployment")
    environment = item["spec"]["template"]["spec"]["containers"][0]["env"]
    environment.append(copy.deepcopy(environment[0]))
    assert "two items have the keys" in problems("1.35", [item])[0]
