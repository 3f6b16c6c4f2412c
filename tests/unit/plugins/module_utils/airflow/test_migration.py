"""What a migration tells, and when a Job of an earlier run still runs."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import jobs, migration
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import source
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import image
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE

REPORT = {
    "fab": {"database": None, "image": "f1", "known": True},
    "airflow": {"database": "a1", "image": "a1", "known": True},
}


def test_revisions_are_told_in_order() -> None:
    assert migration.current(REPORT) == {"airflow": "a1", "fab": None}
    assert migration.lines(migration.current(REPORT)) == "airflow: a1\n"
    assert migration.lines({"airflow": None, "fab": None}) == migration.lines({}) == "(empty)\n"


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
    assert jobs.is_active({"metadata": meta, "status": status}) is active


@pytest.mark.parametrize("message", ["", "Traceback ...", "[]", "{}", '"before"'])
def test_other_last_words_are_no_report(message: str) -> None:
    assert jobs.parsed(message) is None


def test_last_words_are_a_report() -> None:
    told = {"before": {}, "after": {}, "refused": False}
    assert jobs.parsed(json.dumps(told)) == told


def test_no_secret_is_in_the_job() -> None:
    """The password of the administrator is a file; the database's address is an environment variable of a Secret."""
    job = migration_job(load(BASE), source(), "migrate", "{}")
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][3:] == ["migrate", "{}"]
    assert all("value" not in entry or "SECRET" not in entry["name"] for entry in container["env"])
    assert not any(entry.get("value") for entry in container["env"] if "SQL" in entry["name"] or "KEY" in entry["name"])


def test_a_schema_that_the_image_does_not_know_is_named() -> None:
    strange = {"database": "z9", "image": "f1", "known": False}
    assert migration.unknown({**REPORT, "fab": strange}) == ["fab"]
    assert migration.unknown(REPORT) == []


@pytest.mark.parametrize(
    "reference",
    [
        "localhost/airflow:3.3.2",
        "localhost:5000/team/airflow:3.3.2",
        f"docker.io/apache/airflow:3.3.2@sha256:{'0' * 64}",
    ],
)
def test_a_job_of_another_image(reference: str) -> None:
    values = migration.with_image(load({**BASE, "airflow_image_registry": "mirror.example.com/x"}), reference)
    assert image(values, values.instance.image, values.instance.version) == reference
    job = migration_job(values, source(), "downgrade", "{}")
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == reference


def test_without_a_tag_the_digest_counts() -> None:
    reference = f"localhost:5000/airflow@sha256:{'0' * 64}"
    values = migration.with_image(load(BASE), reference)
    assert (values.instance.image.repository, values.instance.image.tag) == ("localhost:5000/airflow", None)
    assert image(values, values.instance.image).endswith(f"airflow@sha256:{'0' * 64}")


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", None),
        ("INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.", None),
        (
            "2026-01-01 [info     ] Running upgrade a1 -> b2, Add a table. [alembic.runtime.migration] loc=x\n"
            "2026-01-01 [info     ] Running upgrade b2 -> c3, Add ``id``. [alembic.runtime.migration] loc=x\n"
            "something else\n",
            "upgrade b2 -> c3, Add ``id``.",
        ),
        (
            "INFO  [alembic.runtime.migration] Running downgrade c3 -> b2, Add a column\n",
            "downgrade c3 -> b2, Add a column",
        ),
        ('{"event": "Running upgrade  -> a1", "level": "info"}', "upgrade  -> a1"),
    ],
)
def test_the_step_that_a_migration_is_at(log: str, found: str | None) -> None:
    assert jobs.step(log) == found


def test_the_first_administrator_is_told_without_its_password() -> None:
    entry = migration.first_administrator(load(BASE))
    assert (entry["before"], entry["before_header"]) == ("", "user admin")
    assert "roles:\n- Admin\n" in entry["after"]
    assert "password: (hidden)\n" in entry["after"]


@pytest.mark.parametrize(
    ("variables", "fab"),
    [
        ({}, True),
        ({"airflow_version": "2.11.2"}, True),
        ({"airflow_core_config": {"core": {"auth_manager": "company.fabulous.Manager"}}}, False),
    ],
)
def test_users_are_made_where_fab_keeps_them(variables: dict[str, t.Any], fab: bool) -> None:
    assert load({**BASE, **variables}).uses_fab is fab
