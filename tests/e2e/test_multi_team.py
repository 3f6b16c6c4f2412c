"""Airflow's own teams on a real cluster, under an auth manager that knows them: a team has its DAGs, and they run."""

from __future__ import annotations

import typing as t

import pytest

from tests.e2e import bad, parts
from tests.e2e.conftest import CLUSTER
from tests.e2e.site import BASE, Site, Variables
from tests.e2e.support import Instance, eventually

NAME = "multi-team"
TEAM = "reports"
REPOSITORY = "multi-team"
AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
DAG = """\
import pendulum
from airflow.sdk import dag, task


@dag(dag_id="of_a_team", schedule=None, start_date=pendulum.datetime(2024, 1, 1), is_paused_upon_creation=False)
def of_a_team():
    @task
    def only():
        print("a task of the team")

    only()


of_a_team()
"""

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def git() -> t.Iterator[parts.GitServer]:
    with parts.brought(parts.GitServer) as made:
        yield t.cast("parts.GitServer", made["git-server"])


def variables(git: parts.GitServer) -> Variables:
    return {
        **BASE,
        # There is nobody who could ask for a run: this auth manager makes up its own passwords.
        "airflow_verify_canary": False,
        "airflow_core_executor": "LocalExecutor",
        "airflow_core_multi_team": True,
        "airflow_core_config": {
            "core": {
                "auth_manager": AUTH_MANAGER,
                "simple_auth_manager_users": f"ada:user:{TEAM}",
                # It writes them, and the root of the image is read-only.
                "simple_auth_manager_passwords_file": "/tmp/passwords.json",
            }
        },
        "airflow_core_dag_bundles": {
            TEAM: {
                "url": git.https_url(REPOSITORY),
                "ref": "main",
                "credentials": {"name": "git-token"},
                "ca": {"secret": "git-ca", "key": "ca.crt"},
                "team": TEAM,
            }
        },
    }


@pytest.fixture(scope="module")
def site(git: parts.GitServer, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    values = {**variables(git), "airflow_instance": NAME}
    instance = Instance(name=NAME, values=values, cluster_options=CLUSTER)
    made = Site(instance=instance, folder=tmp_path_factory.mktemp("runs"))
    made.remove(variables(git))
    instance.cluster.apply(parts.namespace(NAME), force=True)
    facts = git.facts()
    bad.secret(instance.cluster, NAME, "git-token", username=facts["username"], password=facts["password"])
    bad.secret(instance.cluster, NAME, "git-ca", **{"ca.crt": facts["ca_certificate"]})
    git.commit(REPOSITORY, {"of_a_team.py": DAG})
    made.converge(variables(git))
    yield made
    made.remove(variables(git))


def test_the_dags_of_a_team_are_its_own_and_run(site: Site) -> None:
    instance = site.instance
    assert instance.sql("SELECT name FROM team").split() == [TEAM]
    those = "SELECT team_name || ':' || dag_bundle_name FROM dag_bundle_team"
    assert instance.sql(those).split() == [f"{TEAM}:{TEAM}"]
    known = "SELECT bundle_name FROM dag WHERE dag_id = 'of_a_team'"
    eventually(lambda: instance.sql(known).split() == [TEAM], 120, "the DAG of the team does not come")
    instance.run_in("scheduler", "airflow", "dags", "trigger", "--run-id", "first", "of_a_team")
    ended = "SELECT state FROM dag_run WHERE dag_id = 'of_a_team' AND state IN ('success', 'failed')"
    eventually(lambda: bool(instance.sql(ended).split()), 180, "the run of the DAG does not end")
    assert instance.sql(ended).split() == ["success"]


def test_a_second_run_changes_nothing(site: Site, git: parts.GitServer) -> None:
    assert site.converge(variables(git)).changed == 0
