"""Patches do what kubectl does with them, by the API server's own schema; objects of the person's own come and go."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
from hypothesis import given, settings

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import go_build, tools
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client, kinds
from ansible_collections.dagops.airflow.plugins.module_utils.render import json_patch, merge, patch_table, patch_types
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import ProblemError
from tests.api.plays import Plays, Result, classes
from tests.api.support import Site
from tests.api.test_faces import Ansible
from tests.unit import patches
from tests.unit.cases import BASE
from tools import patch_table as maker

Object = dict[str, t.Any]


def test_the_table_is_what_the_api_server_says(cluster: client.Cluster) -> None:
    openapi = cluster.request("GET", "/openapi/v2")
    made = maker.module(openapi)
    assert (maker.ROOT / "plugins/module_utils/render/patch_table.py").read_text() == made, (
        "run `tools/run --dev python tools/patch_table.py`"
    )
    # Nothing that says how to merge is left behind on the way into the table.
    said = [
        (definition, field, schema.get("x-kubernetes-patch-merge-key", ""))
        for definition, body in openapi["definitions"].items()
        for field, schema in body.get("properties", {}).items()
        if "merge" in schema.get("x-kubernetes-patch-strategy", "").split(",")
    ]
    known = {line.partition(" ")[0].partition("@")[0] for line in patch_table.TABLE.splitlines()}
    found = [(maker.short(name), field, key) for name, field, key in said if maker.short(name) in known]
    # The status of an object is nobody's to patch, and what only a status holds is not in the table.
    assert len(found) > 30
    assert [name for name, _field, _key in said if maker.short(name) not in known and "Status" not in name] == []
    for name, field, key in found:
        assert patch_types.fields(name)[field].merge_key == key


# --- what kubectl does --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kubectl() -> pathlib.Path:
    tool = tools.named("kubernetes")
    go_build.ensure(tool, lambda _message: None)
    return tool.target / "kubectl"


class Kubectl:
    """``kubectl patch`` without a cluster."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path) -> None:
        self._program = program
        self._object, self._patch = folder / "object.json", folder / "patch.json"

    def patched(self, obj: Object, patch: t.Any, way: str = "strategic") -> Object | None:
        """The object after a patch; None where kubectl refuses it."""
        self._object.write_text(json.dumps(obj))
        self._patch.write_text(json.dumps(patch))
        command = [self._program, "patch", "--local", "-o", "json", "--type", way]
        files = ["-f", self._object, "--patch-file", self._patch]
        done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
        result: Object | None = json.loads(done.stdout) if done.returncode == 0 else None
        return result


@pytest.fixture(scope="module")
def local(kubectl: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return Kubectl(kubectl, tmp_path_factory.mktemp("kubectl"))


def ours(obj: Object, patch: Object) -> Object | None:
    kind = patch_types.of_kind(obj["apiVersion"], obj["kind"])
    assert kind
    try:
        return merge.strategic(obj, patch, kind, "patch")
    except ProblemError:
        return None


def leaves_something(value: t.Any) -> bool:
    """Whether a null or a directive is in an object."""
    if isinstance(value, dict):
        return any(name.startswith("$") or leaves_something(inner) for name, inner in value.items())
    if isinstance(value, list):
        return any(map(leaves_something, value))
    return value is None


RENDERED = {f"{item['kind']}/{item['metadata']['name']}": item for item in render_all(load(BASE))}
SCHEDULER = "Deployment/airflow-scheduler"
DATABASE = "StatefulSet/airflow-postgresql"


def pod(**spec: t.Any) -> Object:
    return {"spec": {"template": {"spec": spec}}}


def container(name: str = "scheduler", **body: t.Any) -> Object:
    return pod(containers=[{"name": name, **body}])


CASES: dict[str, tuple[str, Object]] = {
    "replicas": (SCHEDULER, {"spec": {"replicas": 3}}),
    "an annotation": (SCHEDULER, {"metadata": {"annotations": {"a": "b"}}}),
    "a null": (SCHEDULER, {"spec": {"strategy": {"rollingUpdate": None, "type": "Recreate"}}}),
    "retained keys": (SCHEDULER, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
    "a retained key is forgotten": (SCHEDULER, {"spec": {"strategy": {"$retainKeys": ["a"], "type": "Recreate"}}}),
    "an image": (SCHEDULER, container(image="other")),
    "a sidecar": (SCHEDULER, container("sidecar", image="other", env=[{"name": "A", "value": "b"}])),
    "a sidecar behind": (
        SCHEDULER,
        pod(
            containers=[{"name": "sidecar", "image": "other"}],
            **{"$setElementOrder/containers": [{"name": "scheduler"}, {"name": "sidecar"}]},
        ),
    ),
    "an init container": (SCHEDULER, pod(initContainers=[{"name": "init", "image": "other"}])),
    "a variable": (SCHEDULER, container(env=[{"name": "A", "value": "b"}])),
    "another value": (SCHEDULER, container(env=[{"name": "CONNECTION_CHECK_MAX_COUNT", "value": "1"}])),
    "no variable": (SCHEDULER, container(env=[{"name": "CONNECTION_CHECK_MAX_COUNT", "$patch": "delete"}])),
    "no such variable": (SCHEDULER, container(env=[{"name": "NOBODY", "$patch": "delete"}])),
    "other variables": (SCHEDULER, container(env=[{"name": "A", "value": "b"}, {"$patch": "replace"}])),
    "variables in order": (
        SCHEDULER,
        container(
            env=[{"name": "A", "value": "b"}],
            **{"$setElementOrder/env": [{"name": "CONNECTION_CHECK_MAX_COUNT"}, {"name": "A"}]},
        ),
    ),
    "variables out of order": (
        SCHEDULER,
        container(
            env=[{"name": "A", "value": "b"}, {"name": "B", "value": "b"}],
            **{"$setElementOrder/env": [{"name": "B"}, {"name": "A"}]},
        ),
    ),
    "arguments": (SCHEDULER, container(args=["true"])),
    "a mount": (SCHEDULER, container(volumeMounts=[{"name": "extra", "mountPath": "/extra"}])),
    "a mount elsewhere": (SCHEDULER, container(volumeMounts=[{"name": "extra", "mountPath": "/tmp"}])),
    "a volume": (SCHEDULER, pod(volumes=[{"name": "extra", "emptyDir": {}}])),
    "another volume": (SCHEDULER, pod(volumes=[{"name": "tmp", "emptyDir": None, "secret": {"secretName": "a"}}])),
    "a volume of another kind": (
        SCHEDULER,
        pod(volumes=[{"name": "tmp", "$retainKeys": ["name", "secret"], "secret": {"secretName": "a"}}]),
    ),
    "no volume": (SCHEDULER, pod(volumes=[{"name": "tmp", "$patch": "delete"}])),
    "tolerations": (SCHEDULER, pod(tolerations=[{"key": "a", "operator": "Exists"}])),
    "affinity": (SCHEDULER, pod(affinity={"podAntiAffinity": None, "nodeAffinity": {}})),
    "another affinity": (SCHEDULER, pod(affinity={"$patch": "replace", "nodeAffinity": {}})),
    "no affinity": (SCHEDULER, pod(affinity={"$patch": "delete"})),
    "an unknown directive": (SCHEDULER, pod(affinity={"$patch": "remove"})),
    "pull secrets": (SCHEDULER, pod(imagePullSecrets=[{"name": "a"}])),
    "host aliases": (SCHEDULER, pod(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["a"]}])),
    "spread": (SCHEDULER, pod(topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 1}])),
    "limits": (SCHEDULER, container(resources={"limits": {"cpu": None, "memory": "4Gi"}})),
    "capabilities": (SCHEDULER, container(securityContext={"capabilities": {"add": ["NET_BIND_SERVICE"]}})),
    "a probe": (SCHEDULER, container(livenessProbe={"exec": None, "httpGet": {"port": 80}})),
    "an element without its key": (SCHEDULER, pod(containers=[{"image": "other"}])),
    "an element that is none": (SCHEDULER, pod(containers=["scheduler"])),
    "finalizers": (SCHEDULER, {"metadata": {"finalizers": ["example.com/a"]}}),
    "no finalizers": (SCHEDULER, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}),
    "claims": (DATABASE, {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}),
    "a second claim": (DATABASE, {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "b"}, "spec": {}}]}}),
    "a port": ("Service/airflow-api-server", {"spec": {"ports": [{"port": 8080, "nodePort": 30080}]}}),
    "a second port": ("Service/airflow-api-server", {"spec": {"ports": [{"port": 9090, "name": "b"}]}}),
    "a budget": (
        "PodDisruptionBudget/airflow-scheduler",
        {"spec": {"maxUnavailable": None, "minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
    ),
    "rules": ("Role/airflow-pod-launcher", {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    "subjects": ("RoleBinding/airflow-pod-launcher", {"subjects": [{"kind": "User", "name": "a"}]}),
    "pull secrets of an account": ("ServiceAccount/airflow-worker", {"imagePullSecrets": [{"name": "a"}]}),
    "data": ("ConfigMap/airflow-config", {"data": {"heartbeat.py": None, "a": "b"}}),
    "storage": ("PersistentVolumeClaim/airflow-logs", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}),
    "pod security": ("Namespace/airflow", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_merge_is_what_kubectl_makes_of_it(case: str, local: Kubectl) -> None:
    target, patch = CASES[case]
    theirs = local.patched(RENDERED[target], patch)
    assert ours(RENDERED[target], patch) == theirs


@settings(max_examples=50, deadline=None)
@given(pair=patches.pairs())
def test_any_merge_is_what_kubectl_makes_of_it(pair: tuple[Object, Object], local: Kubectl) -> None:
    theirs = local.patched(*pair)
    # It leaves such things in what a patch adds, where the unit tests say that we do not; and it cannot order nothing.
    if theirs is not None and not leaves_something(theirs):
        assert ours(*pair) == theirs


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"replicas": None, "template": {"spec": {"tolerations": [{"key": "a"}], "volumes": []}}}},
        {"metadata": {"labels": {"a": None, "b": "c"}}, "spec": {"strategy": {"type": "Recreate"}}},
        {},
    ],
)
def test_a_json_merge_is_what_kubectl_makes_of_it(patch: Object, local: Kubectl) -> None:
    assert merge.json_merge(RENDERED[SCHEDULER], patch) == local.patched(RENDERED[SCHEDULER], patch, "merge")


@pytest.mark.parametrize(
    "steps",
    [
        [{"op": "replace", "path": "/spec/replicas", "value": 3}],
        [{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "a", "image": "b"}}],
        [{"op": "add", "path": "/metadata/annotations", "value": {"example.com/a": "b"}}],
        [
            {"op": "add", "path": "/metadata/labels/example.com~1a", "value": "b"},
            {"op": "copy", "from": "/metadata/labels/example.com~1a", "path": "/metadata/labels/c"},
            {"op": "move", "from": "/metadata/labels/example.com~1a", "path": "/metadata/labels/d"},
            {"op": "remove", "path": "/metadata/labels/c"},
            {"op": "test", "path": "/metadata/labels/d", "value": "b"},
        ],
        [{"op": "test", "path": "/spec/replicas", "value": 99}],
        [{"op": "remove", "path": "/spec/nobody"}],
        [{"op": "replace", "path": "/spec/template/spec/containers/9/image", "value": "a"}],
    ],
)
def test_a_json_patch_is_what_kubectl_makes_of_it(steps: list[Object], local: Kubectl) -> None:
    result: Object | None
    try:
        result = json_patch.applied(RENDERED[SCHEDULER], steps, "patch")
    except ProblemError:
        result = None
    assert result == local.patched(RENDERED[SCHEDULER], steps, "json")


# --- objects of the person's own ----------------------------------------------------------------------------------

FILE = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: from-file
data:
  text: "{{ not templated }}"
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: from-file
"""
TEMPLATE = """\
{% for name in ('one', 'two') %}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: from-template-{{ name }}
data:
  greeting: {{ greeting | to_json }}
{% endfor %}
"""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with manifests."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "file.yml").write_text(FILE)
    (manifests / "template.yaml.j2").write_text(TEMPLATE)
    return tmp_path


MANIFESTS: list[t.Any] = [
    "manifests/*",
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inline"}},
]


@pytest.mark.parametrize("connection", ["local", "bastion"])
def test_files_are_read_where_the_play_runs(connection: str, folder: pathlib.Path, site: Site) -> None:
    variables = {
        "airflow_instance": "airflow",
        "airflow_namespace": site.namespace,
        "airflow_logging_loss_accepted": True,
        "airflow_extra_manifests": MANIFESTS,
        "airflow_overrides": {"ConfigMap/from-*": {"data": {"patched": "yes"}}},
        "greeting": 'Hello, "{{ airflow_instance }}"',
    }
    task = {"dagops.airflow.manifests": {"kubeconfig": site.kubeconfig, "component": "extra"}, "vars": variables}
    again = {**task, "check_mode": True}
    missing = {**task, "vars": {**variables, "airflow_extra_manifests": ["manifests/*.json"]}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a"},
        "stringData": {"a": "{{ 'hunter' ~ 2 }}"},
    }
    leaky = {**task, "vars": {**variables, "airflow_extra_manifests": [secret]}}
    ansible = Ansible(connection, folder, site)
    done, nothing, refused, hidden = ansible.play(task, again, missing, leaky)
    assert sorted(done["objects"]["created"]) == [
        f"ConfigMap/{site.namespace}/from-file",
        f"ConfigMap/{site.namespace}/from-template-one",
        f"ConfigMap/{site.namespace}/from-template-two",
        f"ConfigMap/{site.namespace}/inline",
        f"ServiceAccount/{site.namespace}/from-file",
    ]
    assert site.read("ConfigMap", "from-file")["data"] == {"text": "{{ not templated }}", "patched": "yes"}
    assert site.read("ConfigMap", "from-template-two")["data"]["greeting"] == 'Hello, "airflow"'
    assert not nothing["changed"]
    assert refused["msg"].startswith(
        "airflow_extra_manifests[0] is 'manifests/*.json', which is no file, and matches none; looked beside the "
    )
    assert hidden["msg"].startswith("airflow_extra_manifests[0] holds values of Secret/a")
    assert "Traceback" not in ansible.output
    assert "hunter2" not in ansible.output


def test_they_come_with_a_run_and_go_with_the_instance(
    cluster: client.Cluster, kubeconfig: str, folder: pathlib.Path, new_namespace: str
) -> None:
    (folder / "plays").mkdir()
    plays = Plays(kubeconfig=kubeconfig, folder=folder / "plays")
    (folder / "manifests").rename(folder / "plays" / "manifests")
    variables: Object = {
        "airflow_instance": "airflow",
        "airflow_namespace": new_namespace,
        "airflow_logging_loss_accepted": True,
        "airflow_extra_manifests": MANIFESTS,
        "airflow_overrides": {SCHEDULER: container("sidecar", image="example/sidecar", env=[])},
        "airflow_json_patches": {"Deployment/*": [{"op": "add", "path": "/spec/minReadySeconds", "value": 5}]},
        "greeting": "Hello",
    }

    hosts = {"airflow": variables}
    typo = {"typo": {**variables, "airflow_overrides": {"Deployment/airflow-schedulr": {}}}}

    def changed(results: list[Result]) -> list[str]:
        return [name for result in results for names in _objects(result).values() for name in names]

    with classes(cluster):
        predicted = plays.run(hosts, "--check")["airflow"]
        done = plays.run(hosts)["airflow"]
        again, misspelt = plays.run({**hosts, **typo}).values()
        removed = plays.run(hosts, playbook="uninstall")["airflow"]
    assert changed(predicted) == changed(done)
    assert f"ConfigMap/{new_namespace}/from-template-one" in changed(done)
    assert changed(again) == []
    assert not any(result.get("changed") for result in again)
    assert "did you mean Deployment/airflow-scheduler" in misspelt[0]["msg"]
    assert len(misspelt) == 1
    assert f"ConfigMap/{new_namespace}/inline" in changed(removed)
    assert cluster.get(kinds.named("ConfigMap"), "inline", new_namespace) is None


def _objects(result: Result) -> dict[str, list[str]]:
    objects: dict[str, list[str]] = {
        name: found for name, found in (result.get("objects") or {}).items() if isinstance(found, list)
    }
    return objects
