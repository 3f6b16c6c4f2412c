"""Write what Kubernetes accepts as strict JSON Schemas, one small file per minor version: tests/unit/schemas.

The source is the OpenAPI description in the Go module of each version, which the Go module proxy serves (some 60 MB
each, kept by Go). What only its prose says is added: what a quantity, a port, a label and a name look like. Unknown
fields are refused, as a server does with ``fieldValidation=Strict``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import toolchain  # noqa: E402

OUTPUT = ROOT / "tests/unit/schemas"
MODULE = "k8s.io/kubernetes"
VERSIONS = ("v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4")

# The kinds that the collection makes.
KINDS = {
    "ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "CronJob": "io.k8s.api.batch.v1.CronJob",
    "DaemonSet": "io.k8s.api.apps.v1.DaemonSet",
    "Deployment": "io.k8s.api.apps.v1.Deployment",
    "HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "Ingress": "io.k8s.api.networking.v1.Ingress",
    "Job": "io.k8s.api.batch.v1.Job",
    "Lease": "io.k8s.api.coordination.v1.Lease",
    "LimitRange": "io.k8s.api.core.v1.LimitRange",
    "Namespace": "io.k8s.api.core.v1.Namespace",
    "PersistentVolumeClaim": "io.k8s.api.core.v1.PersistentVolumeClaim",
    "Pod": "io.k8s.api.core.v1.Pod",
    "PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "ResourceQuota": "io.k8s.api.core.v1.ResourceQuota",
    "Role": "io.k8s.api.rbac.v1.Role",
    "RoleBinding": "io.k8s.api.rbac.v1.RoleBinding",
    "Secret": "io.k8s.api.core.v1.Secret",
    "Service": "io.k8s.api.core.v1.Service",
    "ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
    "StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
}
# Those of KEDA, whose definitions are in its own module, of the version that the evaluation cluster runs.
KEDA = "github.com/kedacore/keda/v2"
KEDA_KINDS = {
    "ScaledObject": "keda.sh_scaledobjects.yaml",
    "TriggerAuthentication": "keda.sh_triggerauthentications.yaml",
}
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
CORE = "io.k8s.api.core.v1."

Schema = dict[str, t.Any]

LABEL_VALUE: Schema = {"type": "string", "pattern": r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}
QUALIFIED_NAME: Schema = {
    "pattern": r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
}
LABELS: Schema = {"type": "object", "propertyNames": QUALIFIED_NAME, "additionalProperties": LABEL_VALUE}
SUBDOMAIN: Schema = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
DNS_LABEL: Schema = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
PORT_NAME: Schema = {"type": "string", "pattern": r"^(?=[a-z0-9-]*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$"}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
NAMED_PORT: Schema = {"anyOf": [PORT, PORT_NAME]}
QUANTITY: Schema = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"},
    ]
}

# What an object of its own must say; one within another need not.
IDENTITY: Schema = {
    "required": ["apiVersion", "kind", "metadata"],
    "properties": {"metadata": {"required": ["name"]}},
}

META_OF_CUSTOM: Schema = {
    "type": "object",
    "properties": {
        "name": {**SUBDOMAIN, "maxLength": 253},
        "namespace": DNS_LABEL,
        "labels": LABELS,
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "additionalProperties": False,
}

# What the description calls a mere string or number.
DEFINITIONS: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": QUANTITY,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"]},
}
FIELDS: dict[tuple[str, str], Schema] = {
    (META + "ObjectMeta", "name"): {**SUBDOMAIN, "maxLength": 253},
    (META + "ObjectMeta", "namespace"): DNS_LABEL,
    (META + "ObjectMeta", "labels"): LABELS,
    (META + "LabelSelector", "matchLabels"): LABELS,
    (CORE + "ServiceSpec", "selector"): LABELS,
    (CORE + "PodSpec", "nodeSelector"): LABELS,
    (CORE + "Container", "name"): DNS_LABEL,
    (CORE + "Volume", "name"): DNS_LABEL,
    (CORE + "ContainerPort", "name"): PORT_NAME,
    (CORE + "ContainerPort", "containerPort"): PORT,
    (CORE + "ServicePort", "name"): DNS_LABEL,
    (CORE + "ServicePort", "port"): PORT,
    (CORE + "ServicePort", "targetPort"): NAMED_PORT,
    (CORE + "HTTPGetAction", "port"): NAMED_PORT,
    (CORE + "TCPSocketAction", "port"): NAMED_PORT,
}
KEPT = ("type", "required", "enum", "x-kubernetes-list-map-keys")
INTEGERS = {"int32": 2**31, "int64": 2**63}
REFERENCE = "#/definitions/"


def folder(module: str, version: str) -> Path:
    """Where Go keeps a module."""
    command = [toolchain.go(print), "mod", "download", "-json", f"{module}@{version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def openapi(version: str) -> Schema:
    """What a version of Kubernetes says of its API."""
    text = (folder(MODULE, version) / "api/openapi-spec/swagger.json").read_text(encoding="utf-8")
    described: Schema = json.loads(text)
    return described


def custom(file: Path) -> Schema:
    """A kind that a CustomResourceDefinition brings."""
    spec = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]
    (served,) = spec["versions"]
    result = strict(served["schema"]["openAPIV3Schema"])
    result["properties"] |= {
        "apiVersion": {"const": f"{spec['group']}/{served['name']}"},
        "kind": {"const": spec["names"]["kind"]},
        "metadata": {**META_OF_CUSTOM, **IDENTITY["properties"]["metadata"]},
    }
    result["properties"].pop("status", None)
    return {**result, "required": [*IDENTITY["required"], "spec"]}


def strict(schema: Schema) -> Schema:
    """A piece of the description as JSON Schema: without prose, and closed to what it does not name."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    result = {key: schema[key] for key in KEPT if key in schema}
    limit = INTEGERS.get(schema.get("format", ""))
    if limit:
        result |= {"minimum": -limit, "maximum": limit - 1}
    if "items" in schema:
        result["items"] = strict(schema["items"])
    if "additionalProperties" in schema:
        result["additionalProperties"] = strict(schema["additionalProperties"])
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["properties"] = {name: strict(field) for name, field in sorted(schema["properties"].items())}
        result["additionalProperties"] = False
    return result


def definition(name: str, schema: Schema) -> Schema:
    """A definition, with what only the prose says."""
    if name in DEFINITIONS:
        return DEFINITIONS[name]
    result = strict(schema)
    for field in result.get("properties", {}):
        added = FIELDS.get((name, field))
        if added:
            result["properties"][field] = added
    if name in KINDS.values():
        (kind,) = schema["x-kubernetes-group-version-kind"]
        version = f"{kind['group']}/{kind['version']}".lstrip("/")
        result["properties"] |= {"apiVersion": {"const": version}, "kind": {"const": kind["kind"]}}
        # Only Kubernetes writes it.
        result["properties"].pop("status", None)
    return result


def references(schema: t.Any) -> t.Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix(REFERENCE)
        for item in schema.values():
            yield from references(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from references(item)


def reached(described: Schema) -> dict[str, Schema]:
    """The definitions of our kinds, and all that they refer to."""
    found: dict[str, Schema] = {}
    waiting = list(KINDS.values())
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = definition(name, described["definitions"][name])
            waiting += references(found[name])
    return found


def text(version: str) -> str:
    """A line for each definition, so that differences can be read."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True, separators=(',', ':'))}"
        for name, schema in sorted(reached(openapi(version)).items())
    ]
    kinds = json.dumps({kind: {"$ref": REFERENCE + name, **IDENTITY} for kind, name in KINDS.items()}, sort_keys=True)
    return f'{{"kubernetes": "{version}",\n"kinds": {kinds},\n"definitions": {{\n' + ",\n".join(lines) + "\n}}\n"


def path(version: str) -> Path:
    return OUTPUT / f"kubernetes-{version.removeprefix('v').rpartition('.')[0]}.json"


def main() -> int:
    OUTPUT.mkdir(exist_ok=True)
    for version in VERSIONS:
        path(version).write_text(text(version), encoding="utf-8")
        print(f"{path(version).relative_to(ROOT)} written from {version}")
    go_mod = (ROOT / "roles/local_cluster/files/go/keda/go.mod").read_text(encoding="utf-8")
    version = next(line.split()[1] for line in go_mod.splitlines() if line.strip().startswith(f"{KEDA} "))
    bases = folder(KEDA, version) / "config/crd/bases"
    lines = [
        f"{json.dumps(kind)}: {json.dumps(custom(bases / name), sort_keys=True, separators=(',', ':'))}"
        for kind, name in KEDA_KINDS.items()
    ]
    keda = OUTPUT / "keda.json"
    keda.write_text(f'{{"keda": "{version}",\n"kinds": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
    print(f"{keda.relative_to(ROOT)} written from {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
