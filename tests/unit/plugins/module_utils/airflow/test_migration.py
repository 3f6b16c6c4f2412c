"""What a migration tells, and when a Job of an earlier run still runs."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import migration
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import source
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE

REPORT = {
    "fab": {"database": None, "image": "f1", "known": True},
    "airflow": {"database": "a1", "image": "a1", "known": True},
}


def test_revisions_are_told_in_order() -> None:
    assert migration.current(REPORT) == {"airflow": "a1", "fab": None}
    assert migration.lines(migration.current(REPORT)) == "airflow: a1\nfab: (empty)\n"


def test_one_schema_behind_is_enough() -> None:
    assert migration.pending(REPORT)
    assert not migration.pending({"airflow": REPORT["airflow"]})


@pytest.mark.parametrize(
    ("status", "meta", "active"),
    [
        ({}, {}, True),
        ({"active": 1}, {}, True),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, {}, False),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, {}, False),
        ({"conditions": [{"type": "Suspended", "status": "False"}]}, {}, True),
        ({"active": 1}, {"deletionTimestamp": "now"}, False),
    ],
)
def test_a_job_goes_on_or_has_ended(status: dict[str, t.Any], meta: dict[str, str], active: bool) -> None:
    assert migration.is_active({"metadata": meta, "status": status}) is active


@pytest.mark.parametrize("message", ["", "Traceback ...", "[]", "{}", '"before"'])
def test_other_last_words_are_no_report(message: str) -> None:
    assert migration.parsed(message) is None


def test_last_words_are_a_report() -> None:
    told = {"before": {}, "after": {}, "refused": False}
    assert migration.parsed(json.dumps(told)) == told


def test_no_secret_is_in_the_job() -> None:
    """The password of the administrator is a file; the database's address is an environment variable of a Secret."""
    job = migration_job(load(BASE), source(), "migrate", "{}")
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][3:] == ["migrate", "{}"]
    assert all("value" not in entry or "SECRET" not in entry["name"] for entry in container["env"])
    assert not any(entry.get("value") for entry in container["env"] if "SQL" in entry["name"] or "KEY" in entry["name"])
