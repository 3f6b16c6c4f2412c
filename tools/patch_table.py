"""Write how Kubernetes merges its objects from what its API says of itself: plugins/module_utils/render/patch_table.py.

Asks a kube-apiserver of its own for ``/openapi/v2``, so no cluster is needed, but the programs of one are built if they
are not there yet. A test in tests/api sees that the file is what the API server says.
"""

from __future__ import annotations

import re
import sys
import textwrap
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import api_server  # noqa: E402
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client  # noqa: E402

OUTPUT = ROOT / "plugins/module_utils/render/patch_table.py"
WIDTH = 118

Schema = dict[str, t.Any]

# Only what Kubernetes itself brings; definitions of custom resources have other prefixes.
BUILT_IN = re.compile(
    r"io\.k8s\.(api|apimachinery\.pkg(\.(apis|api|util))?|(kube-aggregator|apiextensions-apiserver)\.pkg\.apis)\."
)
METADATA = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

# What has a type of its own in the API, and none in its JSON.
SPECIAL = {
    "resource.Quantity": "q",
    "intstr.IntOrString": "x",
    "meta.v1.MicroTime": "s",
    "meta.v1.Time": "s",
    "meta.v1.FieldsV1": "o",
    "runtime.RawExtension": "o",
}
SCALARS = {"string": "s", "integer": "i", "number": "n", "boolean": "b", "object": "o"}

HEAD = '''\
# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The fields of Kubernetes' own objects, their types, and how patches merge them: made by tools/patch_table.py.

A line (with those that continue it) is a definition: its name, the API version after an ``@`` where it is an object of
its own, and its fields. A type is ``s`` text, ``i`` integer, ``n`` number, ``b`` boolean, ``q`` quantity, ``x`` integer
or text, ``o`` any mapping, ``*`` anything, or the name of a definition (of the same group where it has no dot); ``[…]``
is a list, ``{…}`` a mapping. ``+key`` after a list says that a patch merges it by that key, ``+`` that it adds to it,
``=`` that it replaces a mapping; ``!`` before a field says that it is required. The status of an object is left out:
only Kubernetes writes it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

'''


def short(name: str) -> str:
    """``core.v1.Container`` for ``io.k8s.api.core.v1.Container``."""
    return BUILT_IN.sub("", name)


def referred(schema: Schema) -> str | None:
    """The definition that a schema refers to."""
    return schema["$ref"].removeprefix("#/definitions/") if "$ref" in schema else None


class Table:
    """The definitions of an API server as text."""

    def __init__(self, openapi: Schema) -> None:
        self._definitions: dict[str, Schema] = {
            name: schema for name, schema in openapi["definitions"].items() if BUILT_IN.match(name)
        }

    def text(self) -> str:
        lines = sorted(self._line(name) for name in self._reached())
        return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent=" ", break_on_hyphens=False) for line in lines)

    def _roots(self) -> t.Iterator[str]:
        """Objects of their own: what has a kind and the metadata of one object."""
        return (name for name in self._definitions if self._version(name))

    def _version(self, name: str) -> str | None:
        """The API version of an object of its own."""
        schema = self._definitions[name]
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1 or schema.get("properties", {}).get("metadata", {}).get("$ref") != METADATA:
            return None
        return f"{kinds[0]['group']}/{kinds[0]['version']}".lstrip("/")

    def _reached(self) -> set[str]:
        found: set[str] = set()
        waiting = list(self._roots())
        while waiting:
            name = waiting.pop()
            if name not in found and self._fields(name):
                found.add(name)
                waiting += [one for field in self._fields(name).values() for one in self._references(field)]
        return found

    def _references(self, schema: Schema) -> t.Iterator[str]:
        name = referred(schema)
        if name:
            yield name
        for inner in (schema.get("items"), schema.get("additionalProperties")):
            if isinstance(inner, dict):
                yield from self._references(inner)

    def _fields(self, name: str) -> dict[str, Schema]:
        fields = self._definitions[name].get("properties", {})
        return {field: schema for field, schema in fields.items() if field != "status" or not self._version(name)}

    def _line(self, name: str) -> str:
        group = short(name).rpartition(".")[0]
        version = self._version(name)
        head = short(name) + (f"@{version}" if version else "")
        required = self._definitions[name].get("required", [])
        fields = [
            f"{'!' if field in required else ''}{field}:{self._type(schema, group)}"
            for field, schema in sorted(self._fields(name).items())
        ]
        return " ".join([head, *fields])

    def _type(self, schema: Schema, group: str) -> str:
        strategies = schema.get("x-kubernetes-patch-strategy", "").split(",")
        name = referred(schema)
        if name:
            return self._named(name, group) + ("=" if "replace" in strategies else "")
        if schema.get("type") == "array":
            merge = "+" + schema.get("x-kubernetes-patch-merge-key", "") if "merge" in strategies else ""
            return f"[{self._type(schema['items'], group)}]{merge}"
        if isinstance(schema.get("additionalProperties"), dict):
            return f"{{{self._type(schema['additionalProperties'], group)}}}"
        return SCALARS[schema["type"]] if "type" in schema else "*"

    def _named(self, name: str, group: str) -> str:
        text = short(name)
        if not self._fields(name):
            return SPECIAL.get(text) or SCALARS.get(self._definitions[name].get("type", ""), "*")
        return text.removeprefix(f"{group}.") if text.rpartition(".")[0] == group else text


def module(openapi: Schema) -> str:
    """The file for what an API server tells."""
    version = openapi["info"]["version"]
    return f'{HEAD}VERSION: t.Final = "{version}"\n\nTABLE: t.Final = """\\\n{Table(openapi).text()}\n"""\n'


def main() -> int:
    name = "dagops-patch-table"
    kubeconfig = api_server.start(name)
    try:
        text = module(client.connect({"kubeconfig": str(kubeconfig)}).request("GET", "/openapi/v2"))
    finally:
        api_server.stop(name)
    if not OUTPUT.exists() or OUTPUT.read_text() != text:
        OUTPUT.write_text(text)
        print(f"{OUTPUT.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
