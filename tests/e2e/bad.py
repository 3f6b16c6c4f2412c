"""What tests of repositories, stores and brokers that cannot be used share: a good instance, and the bad cases."""

from __future__ import annotations

import collections.abc as c
import contextlib
import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from tests.e2e import parts
from tests.e2e.site import BASE, Site
from tests.e2e.support import CLUSTER, Instance


@contextlib.contextmanager
def site_with(
    name: str, folder: pathlib.Path, *wanted: type[parts.Part], more: c.Iterable[str] = ()
) -> t.Iterator[tuple[Site, dict[str, parts.Part]]]:
    """A place for an instance, from which an earlier one is gone, and parts by name, for as long as it takes."""
    brought = parts.bring_with_images(*wanted, more=more)
    values = {"airflow_instance": name, "airflow_version": "3.3.2", **BASE}
    site = Site(instance=Instance(name=name, values=values, cluster_options=CLUSTER), folder=folder)
    site.remove()
    try:
        yield site, brought
    finally:
        site.remove()
        for part in brought.values():
            parts.take_away(part.cluster, type(part))


def secret(cluster: Cluster, namespace: str, name: str, **data: str) -> None:
    """Have a Secret that a person brings."""
    meta = {"name": name, "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}, force=True)


def cases(names: c.Iterable[str], few: c.Container[str]) -> list[t.Any]:
    """Parameters of a test, of which each run has ``few``."""
    return [pytest.param(name, marks=() if name in few else pytest.mark.full) for name in names]
