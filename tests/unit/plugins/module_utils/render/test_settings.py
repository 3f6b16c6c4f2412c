"""Airflow's options from inside its image."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import config
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import settings
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's home with the configuration of an instance."""
    variables = {**BASE, "airflow_core_config": {"smtp": {"smtp_host": "100%.example.com", "smtp_port": 25}}}
    (tmp_path / "airflow.cfg").write_text(config.airflow_cfg(load(variables)), encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONFIG", raising=False)


def test_options_come_from_the_environment_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.section("smtp") == {"smtp_host": "100%.example.com", "smtp_port": "25"}
    monkeypatch.setenv("AIRFLOW__SMTP__SMTP_PORT", "587")
    monkeypatch.setenv("AIRFLOW__SMTP__SMTP_USER", "100%")
    assert settings.section("smtp") == {"smtp_host": "100%.example.com", "smtp_port": "587", "smtp_user": "100%"}
    assert settings.setting("smtp", "smtp_port") == "587"


def test_what_nobody_has_set_is_empty() -> None:
    assert (settings.section("nothing"), settings.setting("core", "nothing")) == ({}, "")
