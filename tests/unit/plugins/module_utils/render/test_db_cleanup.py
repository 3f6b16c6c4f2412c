"""Old rows go: by which commands, and in a CronJob that is as hardened as the rest."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.clean_database import commands
from tests.unit.cases import BASE
from tests.unit.plugins.module_utils.render.test_rules import Object, main, of_kind, one, rendered, secret_keys

NOW = datetime.datetime(2026, 3, 31, 2, 30, 7, tzinfo=datetime.UTC)
NEW = {"batch_size", "error_on_cleanup_failure", "table_names"}


@pytest.mark.parametrize(
    ("known", "archive", "tables", "expected"),
    [
        (set(), "skip", [], ["clean {} --skip-archive"]),
        (set(), "keep", ["log", "xcom"], ["clean {} --tables log,xcom"]),
        (NEW, "skip", [], ["clean {} --skip-archive --batch-size 500 --error-on-cleanup-failure"]),
        (
            NEW,
            "replace",
            ["log"],
            [
                "drop-archived --yes --tables log",
                "clean {} --tables log --batch-size 500 --error-on-cleanup-failure",
            ],
        ),
    ],
)
def test_rows_before_the_retention_go(known: set[str], archive: str, tables: list[str], expected: list[str]) -> None:
    before = "--yes --clean-before-timestamp 2026-03-01T02:30:07+00:00"
    found = commands(NOW, known, days=30, archive=archive, batch=500, tables=tables)
    assert [" ".join(command) for command in found] == [f"db {one}".format(before) for one in expected]


def cron_job(**wanted: t.Any) -> Object:
    found: Object = one(
        rendered({**BASE, "airflow_database_cleanup": {"enabled": True, **wanted}}), "CronJob", "db-cleanup"
    )
    return found


def test_the_cron_job_says_what_is_wanted() -> None:
    job = cron_job(
        schedule="0 1 * * *", timeZone="Etc/UTC", retentionDays=7, tables=["log"], batchSize=9, archive="keep"
    )["spec"]
    assert (job["schedule"], job["timeZone"], job["concurrencyPolicy"]) == ("0 1 * * *", "Etc/UTC", "Forbid")
    assert (job["successfulJobsHistoryLimit"], job["failedJobsHistoryLimit"]) == (1, 1)
    assert main(job["jobTemplate"]["spec"]["template"])["args"][3:] == ["7", "keep", "9", "log"]


def test_it_knows_the_database_and_no_token() -> None:
    template = cron_job()["spec"]["jobTemplate"]["spec"]["template"]
    assert secret_keys(main(template))["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "connection-direct"
    assert not {name for name in secret_keys(main(template)) if "JWT" in name or "SECRET_KEY" in name}
    assert template["spec"]["automountServiceAccountToken"] is False
    assert template["spec"]["restartPolicy"] == "Never"


def test_no_row_goes_unasked() -> None:
    assert not [item for item in of_kind(rendered(BASE), "CronJob") if "db-cleanup" in item["metadata"]["name"]]
