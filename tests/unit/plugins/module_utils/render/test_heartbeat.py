"""The probe of what has no HTTP server: how old a heartbeat may be."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import config
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import heartbeat
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE

SLOW = {
    "scheduler": {"scheduler_health_check_threshold": 90},
    "triggerer": {"triggerer_health_check_threshold": 120.5},
    "dag_processor": {"health_check_threshold": 300},
}


def probed(job_type: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """What the probe ends with where the last heartbeat is so old."""
    monkeypatch.setattr(heartbeat, "age", {job_type: seconds}.__getitem__)
    monkeypatch.setattr(heartbeat.sys, "argv", ["heartbeat.py", job_type])
    return heartbeat.main()


@pytest.mark.parametrize(
    ("options", "job_type", "oldest"),
    [
        ({}, "SchedulerJob", 30),
        ({}, "TriggererJob", 30),
        ({}, "DagProcessorJob", 30),
        (SLOW, "SchedulerJob", 90),
        (SLOW, "TriggererJob", 120.5),
        (SLOW, "DagProcessorJob", 300),
    ],
)
def test_a_heartbeat_may_be_as_old_as_airflow_is_told(
    options: dict[str, dict[str, float]],
    job_type: str,
    oldest: float,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = config.airflow_cfg(load({**BASE, "airflow_core_config": options}))
    (tmp_path / "airflow.cfg").write_text(text, encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert probed(job_type, oldest, monkeypatch) == 0
    assert probed(job_type, oldest + 1, monkeypatch) == 1
    assert probed(job_type, None, monkeypatch) == 1
