# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is in the cluster now: a LIST per kind and namespace, and a GET for what no LIST shows.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

THREADS: t.Final = 4
"""More make nothing faster: Python encodes and decodes on one core."""

A = t.TypeVar("A")
B = t.TypeVar("B")


class Key(t.NamedTuple):
    """What an object is known by, whatever version of its kind is spoken."""

    group: str
    kind: str
    namespace: str
    name: str


class Place(t.NamedTuple):
    """Where objects of one kind are: what one LIST shows."""

    api_version: str
    kind: str
    namespace: str


def key(obj: Object) -> Key:
    meta = obj["metadata"]
    return Key(obj["apiVersion"].rpartition("/")[0], obj["kind"], meta.get("namespace") or "", meta["name"])


def place(obj: Object) -> Place:
    return Place(obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace") or "")


def together(function: t.Callable[[A], B], items: t.Iterable[A]) -> list[B]:
    """``function`` of every item, in the order of the items, a few at a time."""
    items = list(items)
    if len(items) < 2:
        return [function(item) for item in items]
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, items))


class Live:
    """The objects of an instance as they are in the cluster."""

    def __init__(self, cluster: Cluster, selector: str | None) -> None:
        self._cluster = cluster
        self._selector = selector
        self._objects: dict[Key, Object | None] = {}
        self._listed: set[Place] = set()

    def list_all(self, places: t.Iterable[Place]) -> None:
        """Read what is at ``places``, unless that was done before. Namespaces are read by name only."""
        if self._selector is None:
            return
        new = sorted({one for one in places if one.kind != "Namespace"} - self._listed)

        def read(one: Place) -> t.Sequence[Object]:
            kind = self._cluster.kind(one.api_version, one.kind)
            return self._cluster.list(kind, one.namespace or None, self._selector) if kind else ()

        for objects in together(read, new):
            self._objects.update({key(obj): obj for obj in objects})
        self._listed.update(new)

    def fetch(self, wanted: t.Iterable[tuple[str, Key]]) -> None:
        """Read the objects with these API versions and keys one by one, unless they are known."""
        unknown = sorted({item for item in wanted if item[1] not in self._objects})
        missing = {one.name for one, obj in self._objects.items() if one.kind == "Namespace" and obj is None}

        def read(item: tuple[str, Key]) -> Object | None:
            version, one = item
            kind = self._cluster.kind(version, one.kind)
            if kind is None or one.namespace in missing:
                return None
            return self._cluster.get(kind, one.name, one.namespace or None)

        for (_version, one), obj in zip(unknown, together(read, unknown), strict=True):
            self._objects[one] = obj

    def find(self, one: Key) -> Object | None:
        return self._objects.get(one)

    def objects(self) -> list[Object]:
        return [obj for obj in self._objects.values() if obj is not None]
