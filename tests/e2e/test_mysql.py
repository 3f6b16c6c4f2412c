"""Airflow, and KEDA, with a metadata database that speaks MySQL's protocol.

It is MariaDB, a stand-in: MySQL's own server cannot be had from packages. Airflow supports MySQL, and not MariaDB.
"""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.modules import dag_run, db_reader, info
from tests.e2e import parts
from tests.e2e.site import BASE, SMALL, Site, Variables
from tests.e2e.support import CLUSTER, Instance, eventually, load_images

NAME = "mysql"
IMAGE = "localhost/airflow-mysql"
VERSION = "3.3.2"
READER = "airflow_autoscaler"
CANARY = "dagops_canary"

pytestmark = pytest.mark.full


def variables(database: parts.MariaDB) -> Variables:
    return {
        **{name: value for name, value in BASE.items() if name != "airflow_database_postgres"},
        "airflow_instance": NAME,
        "airflow_version": VERSION,
        "airflow_image": {"repository": IMAGE},
        "airflow_database_provider": "external",
        "airflow_database_kind": "mysql",
        "airflow_database_host": database.host(),
        "airflow_database_user": database.user,
        "airflow_database_password": database.secret["password"],
        "airflow_core_executor": "CeleryExecutor",
        # MariaDB alone is asked for what a DELETE took away, in words that it refuses, and the scheduler ends.
        "airflow_core_config": {"scheduler": {"parsing_cleanup_interval": 3600}},
        "airflow_core_triggerer": {"resources": SMALL},
        "airflow_celery_redis": {"image": {"repository": "localhost/redis", "tag": "7.0"}, "resources": SMALL},
        "airflow_celery_workers": {"default": {"concurrency": 2, "resources": {**SMALL, "limits": {}}}},
        "airflow_autoscaling_workers": {"default": {"max": 2, "cooldownPeriod": 15}},
        # There is always one, so that a HorizontalPodAutoscaler goes by what the triggers need.
        "airflow_autoscaling_triggerer": {"min": 1, "max": 2},
    }


@pytest.fixture(scope="module")
def database() -> t.Iterator[parts.MariaDB]:
    load_images(*parts.Redis.images)
    brought = parts.bring_with_images(parts.MariaDB, more=[f"{IMAGE}:{VERSION}"])
    yield t.cast("parts.MariaDB", brought["mariadb"])
    for part in brought.values():
        parts.take_away(part.cluster, type(part))


@pytest.fixture(scope="module")
def site(database: parts.MariaDB, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Site]:
    values = {key: value for key, value in variables(database).items() if key != "airflow_database_password"}
    instance = Instance(name=NAME, values=values, cluster_options=CLUSTER)
    made = Site(instance=instance, folder=tmp_path_factory.mktemp("runs"))
    made.remove(variables(database))
    # The canary of this run begins without a worker, so KEDA has counted its task.
    made.converge(variables(database))
    yield made
    made.remove(variables(database))


def test_a_second_run_changes_nothing(site: Site, database: parts.MariaDB) -> None:
    assert site.converge(variables(database)).changed == 0


def test_workers_come_for_what_waits_and_go_again(site: Site) -> None:
    def wanted() -> int:
        live = site.instance.cluster.get(kinds.named("Deployment"), f"{NAME}-worker", NAME)
        assert live
        return int(live["spec"]["replicas"])

    eventually(lambda: wanted() == 0, 90, "the worker of the canary stays")
    site.instance.call(dag_run, dag_id=CANARY, run_id="again", wait=False)
    eventually(lambda: wanted() > 0, 60, "no worker comes")
    ended = site.instance.call(dag_run, dag_id=CANARY, run_id="again", wait=True, wait_timeout=300)
    assert ended["run"]["state"] == "success"
    eventually(lambda: wanted() == 0, 90, "the worker stays")


def test_a_horizontal_pod_autoscaler_goes_by_what_keda_counts(site: Site) -> None:
    def active() -> bool:
        found = site.instance.cluster.get(kinds.named("HorizontalPodAutoscaler"), f"keda-hpa-{NAME}-triggerer", NAME)
        conditions = found["status"].get("conditions", ()) if found else ()
        return ("ScalingActive", "True") in {(one["type"], one["status"]) for one in conditions}

    eventually(active, 90, "no figure comes of the triggers")


@pytest.mark.parametrize(
    ("before", "done"),
    [
        (f"DROP USER {READER}", f"user {READER}"),
        (f"ALTER USER {READER} IDENTIFIED BY 'another'", f"password of user {READER}"),
        ("REVOKE SELECT (queue) ON airflow.task_instance FROM airflow_autoscaler", None),
    ],
)
def test_who_counts_is_made_as_foreseen_and_may_do_nothing_else(
    site: Site, database: parts.MariaDB, before: str, done: str | None
) -> None:
    database.sql(before)
    told = site.instance.predicted(db_reader, "done")["done"]
    assert told[0] == (done or f"{READER} may read state, queue, executor of task_instance")
    known = database.sql(f"SHOW GRANTS FOR {READER}")
    assert sorted(re.findall(r"^GRANT (\w+)(?: \(.*\))? ON (\S+)", known, re.MULTILINE)) == [
        ("SELECT", "`airflow`.`callback`"),
        ("SELECT", "`airflow`.`deadline`"),
        ("SELECT", "`airflow`.`task_instance`"),
        ("SELECT", "`airflow`.`trigger`"),
        ("USAGE", "*.*"),
    ]
    columns = "SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee LIKE '%{}%'"
    assert database.sql(f"{columns.format(READER)} ORDER BY 1, 2").split() == [
        *(word for name in ("id", "state", "type") for word in ("callback", name)),
        *(word for name in ("callback_id", "deadline_time") for word in ("deadline", name)),
        *(word for name in ("executor", "queue", "state") for word in ("task_instance", name)),
        *(word for name in ("id", "queue") for word in ("trigger", name)),
    ]
    assert site.instance.secret("autoscaling")["password"] not in "".join(site.instance.told)


def test_it_sleeps_and_wakes(site: Site, database: parts.MariaDB) -> None:
    """Asleep, when the database has said that no task runs."""
    given = variables(database)
    assert site.instance.call(info, wait=True, migration=True)["healthy"]
    slept = site.run(given, "hibernate")
    assert (slept.code, slept.changed) == (0, 1), slept.output[-5000:]
    woken = site.run(given, "wake")
    assert woken.code == 0, woken.output[-5000:]


def test_who_may_do_more_is_left_alone(site: Site, database: parts.MariaDB) -> None:
    database.sql(f"ALTER USER {READER} IDENTIFIED BY 'another'; GRANT SELECT ON *.* TO {READER}")
    before = database.sql(f"SHOW CREATE USER {READER}")
    for check in (True, False):
        with pytest.raises(Failure, match=f"the user {READER} is there already and may do more than read"):
            site.instance.call(db_reader, check=check)
    assert database.sql(f"SHOW CREATE USER {READER}") == before
