"""A namespace is ours when we made it, not when we found it."""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.kube import remove

NAMED = {"f:metadata": {"f:labels": {"f:kubernetes.io/metadata.name": {}}}}


def namespace(*managers: tuple[str, dict[str, object]]) -> dict[str, object]:
    return {"metadata": {"managedFields": [{"manager": who, "fieldsV1": fields} for who, fields in managers]}}


def test_made_by_us() -> None:
    assert remove.made_by_us(namespace(("dagops.airflow", {"f:metadata": {}})))
    assert remove.made_by_us(namespace(("dagops.airflow", NAMED), ("kubectl-label", {"f:metadata": {}})))
    assert not remove.made_by_us(namespace(("dagops.airflow", {}), ("kubectl-create", NAMED)))
