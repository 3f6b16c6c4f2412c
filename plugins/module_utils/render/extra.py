# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects of the person's own, applied with those of the instance.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.render import names, patch_types
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError, said
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

VARIABLE: t.Final = "airflow_extra_manifests"
COMPONENT: t.Final = "extra"


def render(values: Values) -> list[Object]:
    """The objects, with what they share with all others of the instance."""
    told = problems(values.extra.manifests)
    if told:
        raise SpecError(told)
    return [_labelled(values, item) for _path, item in _all(values.extra.manifests)]


def problems(manifests: t.Sequence[t.Any]) -> list[str]:
    """A sentence for each of the objects that cannot be applied."""
    return [problem for path, item in _all(manifests) for problem in _problems(path, item)]


def _all(manifests: t.Sequence[t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    for index, item in enumerate(manifests):
        yield from _flat(item, f"{VARIABLE}[{index}]")


def _flat(item: t.Any, path: str) -> t.Iterator[tuple[str, t.Any]]:
    """The objects of a List, each with its path; other objects as they are."""
    if isinstance(item, dict) and str(item.get("kind")).endswith("List") and isinstance(item.get("items"), list):
        for index, one in enumerate(item["items"]):
            yield from _flat(one, f"{path}.items[{index}]")
    else:
        yield path, item


def _problems(path: str, item: t.Any) -> t.Iterator[str]:
    if isinstance(item, str):
        yield f"{path} is the path {said(item)}: files are read from the variables of a host only. Give the objects"
        return
    if not isinstance(item, dict):
        yield f"{path} must be an object or the path of a file with objects, not {said(item)}"
        return
    meta = item.get("metadata")
    named = isinstance(meta, dict) and isinstance(meta.get("name"), str)
    if not (isinstance(item.get("apiVersion"), str) and isinstance(item.get("kind"), str) and named):
        yield f"{path} lacks apiVersion, kind or metadata.name (text all three), which every object has"
        return
    if item["kind"] == "Secret" and (item.get("data") or item.get("stringData")):
        yield (
            f"{path} holds values of Secret/{item['metadata']['name']}, which would show in logs and files: have the "
            "Secret made by something that keeps secrets (an ExternalSecret or a SealedSecret can stand here)"
        )
    kind = _kind(item)
    item = patch_types.without_nulls(item, kind)
    yield from [*patch_types.problems(item, kind, path)] or patch_types.missing(item, kind, path)


def _kind(item: Object) -> patch_types.Type:
    return patch_types.of_kind(item["apiVersion"], item["kind"]) or patch_types.CUSTOM


def _labelled(values: Values, item: Object) -> Object:
    """The object in a namespace, with the labels and annotations of all; its own win, but where it is found by them."""
    item = patch_types.without_nulls(item, _kind(item))
    meta = dict(item["metadata"])
    known = kinds.known(item["apiVersion"], item["kind"])
    if not meta.get("namespace") and (known is None or known.namespaced):
        meta["namespace"] = values.namespace
    ours = names.labels(values, COMPONENT)
    fixed = {name: ours[name] for name in ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by")}
    meta["labels"] = {**ours, **(meta.get("labels") or {}), **fixed}
    annotations = {**values.instance.annotations, **(meta.get("annotations") or {})}
    return {**item, "metadata": {**meta, **({"annotations": annotations} if annotations else {})}}
