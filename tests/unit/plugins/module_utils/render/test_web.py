"""What only the API server has: a proxy in front, a path, probes."""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render import web
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE

SITE = {**BASE, "airflow_core_base_url": "https://airflow.example.com/data/"}


def test_a_proxy_is_believed_only_where_there_is_one() -> None:
    assert web.behind_proxy(load(BASE)) == ([], [])
    assert web.behind_proxy(load(SITE))[0] == ["--proxy-headers"]
    assert web.behind_proxy(load({**SITE, "airflow_version": "2.11.2"})) == ([], [])


def test_probes_ask_below_the_path() -> None:
    probes = web.probes(load(SITE))
    assert probes["livenessProbe"]["httpGet"]["path"] == "/data/api/v2/version"
    assert probes["readinessProbe"]["httpGet"]["path"] == "/data/api/v2/monitor/health"


def test_airflow_2_has_one_page_for_its_health() -> None:
    probes = web.probes(load({**BASE, "airflow_version": "2.11.2"}))
    assert {probe["httpGet"]["path"] for probe in probes.values()} == {"/health"}
