"""The modules that talk to Airflow where there is none (yet): check mode goes on, a run says what is missing."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.modules import dag_run, db_migration, info, secrets, user
from tests.api.support import INSTANCE, Face, Site, validated


def face(module: types.ModuleType, site: Site, *, check: bool = False, **params: t.Any) -> Face:
    values = {
        "airflow_instance": INSTANCE,
        "airflow_namespace": site.namespace,
        "airflow_logging_loss_accepted": True,
    }
    given = {"kubeconfig": site.kubeconfig, "values": values, **params}
    return Face(params=validated(module, given), check_mode=check)


@pytest.mark.parametrize("module", [user, dag_run])
def test_check_mode_of_a_first_install_goes_on(module: types.ModuleType, new_site: Site) -> None:
    params = {"dag_id": "etl"} if module is dag_run else {}
    asked = face(module, new_site, check=True, **params)
    result = module.run(asked)
    # The migration makes the administrator, so that it is there when `user` comes; a run is always new.
    assert result["changed"] is (module is dag_run)
    assert "cannot be reached" in asked.warnings[0]
    assert new_site.namespace in asked.warnings[0]


@pytest.mark.parametrize("module", [user, dag_run])
def test_a_run_says_what_is_missing(module: types.ModuleType, site: Site) -> None:
    secrets.run(face(secrets, site))
    params = {"dag_id": "etl"} if module is dag_run else {}
    with pytest.raises(Failure, match=f"no api-server .* of instance {INSTANCE} answers, it has no pods"):
        module.run(face(module, site, **params))


def test_a_first_migration_is_predicted(new_site: Site) -> None:
    result = db_migration.run(face(db_migration, new_site, check=True))
    assert (result["changed"], result["before"], result["after"]) == (True, {}, {})
    database, administrator = result["diff"]
    assert (database["before"], database["after"]) == (
        "(empty)\n",
        "(the newest revisions of docker.io/apache/airflow:3.3.2)\n",
    )
    assert (administrator["after_header"], result["administrator_created"]) == ("user admin", True)
    # Nothing is there yet that a Job could read.
    assert db_migration.run(face(db_migration, new_site, check=True, check_job=True))["changed"]


def test_a_migration_of_somebody_elses_database_is_a_question(new_site: Site) -> None:
    external = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
    asked = face(db_migration, new_site, check=True, show_sql=True)
    asked.params["values"].update(external)
    result = db_migration.run(asked)
    assert (result["changed"], result["administrator_created"], result["sql"]) == (True, False, {})
    assert [entry["before"] for entry in result["diff"]] == ["(the migration Job finds out)\n"]
    assert "runs that could tell the SQL" in asked.warnings[0]


def test_an_instance_that_is_not_there_is_told(new_site: Site) -> None:
    result = info.run(face(info, new_site))
    assert (result["healthy"], result["reasons"], result["components"]) == (False, ["it has no workloads"], {})
    with pytest.raises(Failure, match="is not healthy after 0 s: it has no workloads"):
        info.run(face(info, new_site, wait=True, wait_timeout=0))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://x", "must begin with http"),
        ("nowhere", "must begin with http"),
        ("http://127.0.0.1:1", "cannot be reached: the connection is refused. Is api_url right"),
    ],
)
def test_a_wrong_url_is_told(url: str, words: str, site: Site) -> None:
    with pytest.raises(Failure, match=words):
        user.run(face(user, site, api_url=url, api_username="a", api_password="b", users=[]))
