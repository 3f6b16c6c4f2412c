"""The modules against a real Airflow on a real cluster."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import access, fernet, migration, target
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.render.migration import migration_job
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.modules import (
    dag_run,
    db_migration,
    fernet_key,
    info,
    manifests,
    secrets,
    user,
)
from tests.e2e import images
from tests.e2e.support import Instance

JOB = kinds.named("Job")
# An older version by major, and its revision.
OLDER = {3: ("3.2.2", "1d6611b6ab7c"), 2: ("2.10.0", "22ed7efa9da2")}


@pytest.fixture(scope="module")
def older(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """The same instance with an image that lacks the newest migration."""
    find = "import airflow.migrations as m; print(m.__path__[0])"
    folder = instance.run_in(instance.facts.component, "python", "-c", find).strip().splitlines()[-1] + "/versions"
    script = instance.run_in(
        instance.facts.component, "grep", "-lE", "--include=*.py", f"^revision.*{instance.revision()}", "-r", folder
    ).split()[0]
    version = instance.values["airflow_version"]
    archive, tag = tmp_path_factory.mktemp("images") / "older.tar", f"{version}-older"
    images.changed(images.built(version), f"localhost/airflow:{tag}", archive, removed=[script])
    instance.load(archive)
    archive.unlink()
    return {**instance.values, "airflow_image": {"repository": "localhost/airflow", "tag": tag}}


class TestDbMigration:
    def test_a_migrated_database_is_left_alone(self, instance: Instance) -> None:
        jobs = {job["metadata"]["uid"] for job in instance.cluster.list(JOB, instance.name)}
        result = instance.predicted(db_migration, "before", "after")
        assert not result["changed"]
        assert set(result["before"]) == ({"airflow", "fab"} if instance.facts.major >= 3 else {"airflow"})
        # The pods, and one question to one of them.
        assert result["api_requests"] == 2
        assert {job["metadata"]["uid"] for job in instance.cluster.list(JOB, instance.name)} == jobs

    def test_what_is_behind_is_migrated_as_predicted(self, instance: Instance) -> None:
        head = instance.call(db_migration)["after"]["airflow"]
        version, behind = OLDER[instance.facts.major]
        instance.run_in(instance.facts.component, "airflow", "db", "downgrade", "--to-version", version, "--yes")
        assert instance.revision() == behind != head
        sql = instance.call(db_migration, check=True, show_sql=True)["sql"]
        assert set(sql) == {"airflow"}
        assert f"-- Running upgrade {behind} -> " in sql["airflow"]
        result = instance.predicted(db_migration, "before", "after")
        assert (result["before"]["airflow"], result["after"]["airflow"]) == (behind, head)
        assert instance.revision() == head

    def test_an_older_image_has_the_schema_brought_back(self, instance: Instance, older: dict[str, t.Any]) -> None:
        head = instance.revision()
        # Pods of the newer image run: they know where the database is, and only the older image where it would go.
        guessed = instance.call(db_migration, check=True, values=older)
        assert (guessed["changed"], guessed["before"]["airflow"], guessed["after"]) == (True, head, {})
        for params in ({"check": True, "check_job": True}, {"check": False}):
            with pytest.raises(Failure, match=f"revision {head} of the schema airflow, .* set downgrade to true"):
                instance.call(db_migration, values=older, **params)
        assert instance.revision() == head

        params = {"values": older, "downgrade": True}
        expected = instance.call(db_migration, check=True, check_job=True, show_sql=True, **params)
        assert f"-- Running downgrade {head} -> {expected['after']['airflow']}" in expected["sql"]["airflow"]
        assert instance.revision() == head
        result = instance.call(db_migration, **params)
        for part in ("changed", "diff", "before", "after"):
            assert result[part] == expected[part]
        assert (result["before"]["airflow"], result["after"]["airflow"]) == (head, instance.revision())
        assert instance.revision() != head
        assert not instance.call(db_migration, **params)["changed"]
        assert not instance.call(db_migration, check=True, check_job=True, **params)["changed"]

        # And forward again, now from the image that the pods have.
        assert instance.predicted(db_migration, "before", "after")["after"]["airflow"] == head
        assert instance.revision() == head

    def test_the_way_back_needs_an_image_that_knows_it(self, instance: Instance) -> None:
        with (
            instance.at_revision("ffffffffffff"),
            pytest.raises(Failure, match=r"cannot be brought back: .* newer_image"),
        ):
            instance.call(db_migration, downgrade=True)

    def test_a_database_of_a_newer_airflow_is_refused(self, instance: Instance) -> None:
        with instance.at_revision("ffffffffffff"):
            for check in (True, False):
                with pytest.raises(Failure, match="revision ffffffffffff of the schema airflow, which the image"):
                    instance.call(db_migration, check=check)
            assert instance.revision() == "ffffffffffff"

    def test_a_failing_migration_is_told_with_its_last_lines(
        self, instance: Instance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script = "print('half way'); raise SystemExit('the disk is full')"
        job = migration_job(load(instance.values), script)
        monkeypatch.setattr(migration.Migration, "_job", lambda _self: job)
        with instance.at_revision(OLDER[instance.facts.major][1]):
            with pytest.raises(Failure, match="could not be migrated") as caught:
                instance.call(db_migration)
            assert "the disk is full" in caught.value.message
            assert f"Job/{instance.name}/{job['metadata']['name']}" in caught.value.message
            # Nothing is left in the way of the next run.
            with pytest.raises(Failure, match="the disk is full"):
                instance.call(db_migration)

    def test_a_migration_of_an_interrupted_run_is_waited_for(
        self, instance: Instance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = {"refused": "", "before": {}, "after": {}, "administrator": False, "lost": []}
        script = (
            "import time; print('INFO Running upgrade a1 -> b2, Add a table', flush=True); time.sleep(8); "
            f"{time.time()}; open('/dev/termination-log', 'w').write('{json.dumps(told)}')"
        )
        job = migration_job(load(instance.values), script)
        monkeypatch.setattr(migration.Migration, "_job", lambda _self: job)
        started = instance.cluster.create(job)
        with instance.at_revision(OLDER[instance.facts.major][1]):
            instance.call(db_migration)
        assert any("is running already" in line for line in instance.told)
        assert any(line.endswith(": upgrade a1 -> b2, Add a table") for line in instance.told)
        live = instance.cluster.get(JOB, job["metadata"]["name"], instance.name)
        assert live
        assert live["metadata"]["uid"] == started["metadata"]["uid"]


ZOE: dict[str, t.Any] = {
    "username": "zoe",
    "email": "zoe@example.com",
    "first_name": "Zoë",
    "last_name": "Z",
    "roles": ["Viewer", "Op"],
    "password": "first of zoe",
}


class TestUser:
    def test_the_first_administrator_is_there_from_the_migration(self, instance: Instance) -> None:
        result = instance.predicted(user)
        assert (result["changed"], result["administrator_reset"]) == (False, False)
        # Pods, Secret, and a forwarded port, which 2.11 closes after each answer.
        assert result["api_requests"] <= (3 if instance.facts.major >= 3 else 4)

    def test_twelve_steps(self, instance: Instance) -> None:
        """Create, again, modify, again, delete, again; each in check mode first."""
        parts = ("created", "updated", "deleted")
        assert instance.predicted(user, *parts, users=[ZOE])["created"] == ["zoe"]
        for check in (True, False):
            with pytest.raises(Failure, match="Users admin and zoe would both have the e-mail address"):
                instance.call(user, check=check, users=[{"username": "zoe", "email": "admin@example.com"}])
        changed = {**ZOE, "roles": ["Public"], "email": "z@example.com", "password": "second of zoe"}
        assert instance.predicted(user, *parts, users=[changed])["updated"] == ["zoe"]
        assert not instance.call(user, users=[{"username": "zoe", "password": "second of zoe"}])["changed"]
        assert instance.predicted(user, *parts, users=[{"username": "zoe", "state": "absent"}])["deleted"] == ["zoe"]

    def test_purge(self, instance: Instance) -> None:
        people = [{**ZOE, "username": name, "email": f"{name}@example.com"} for name in ("a", "b")]
        assert instance.call(user, users=people)["created"] == ["a", "b"]
        assert instance.predicted(user, "deleted", users=people[:1], purge=True)["deleted"] == ["b"]
        assert instance.predicted(user, "deleted", users=[], purge=True)["deleted"] == ["a"]

    def test_a_new_password_of_the_administrator_applies(self, instance: Instance) -> None:
        assert instance.call(secrets, given={"admin_password": fernet.generate()})["replaced"]
        # Nobody can log in, and yet check mode knows whom a run would change.
        wished = [ZOE, {"username": "admin", "first_name": "Ada"}]
        result = instance.predicted(user, "administrator_reset", "created", "updated", users=wished)
        assert (result["administrator_reset"], result["created"], result["updated"]) == (True, ["zoe"], ["admin"])
        assert [entry["after_header"] for entry in result["diff"]] == ["user admin", "user zoe", "user admin"]
        result = instance.predicted(user, "updated", "administrator_reset")
        assert (result["updated"], result["administrator_reset"]) == (["admin"], False)
        assert instance.predicted(user, "deleted", users=[{"username": "zoe", "state": "absent"}])["deleted"]

    def test_an_administrator_that_is_gone_is_made_again(self, instance: Instance) -> None:
        instance.sql(
            "DELETE FROM ab_user_role WHERE user_id = (SELECT id FROM ab_user WHERE username = 'admin');"
            "DELETE FROM ab_user WHERE username = 'admin'"
        )
        result = instance.predicted(user, "administrator_reset", "created", "updated")
        assert (result["administrator_reset"], result["created"], result["updated"]) == (True, [], [])
        (entry,) = result["diff"]
        assert (entry["before"], "roles:\n- Admin\n" in entry["after"]) == ("", True)

    @pytest.mark.parametrize("check", [True, False])
    def test_nobody_is_locked_out(self, instance: Instance, check: bool) -> None:
        for wish in ({"state": "absent"}, {"roles": ["Viewer"]}):
            with pytest.raises(Failure, match="User admin is the one that this task logs in as"):
                instance.call(user, check=check, users=[{"username": "admin", **wish}])
        with pytest.raises(Failure, match="Users admin and zoe would both have the e-mail address"):
            instance.call(user, check=check, users=[{**ZOE, "email": "admin@example.com"}])

    def test_another_login_keeps_the_first_administrator(self, instance: Instance) -> None:
        boss = {**ZOE, "username": "boss", "email": "boss@example.com", "roles": ["Admin"]}
        instance.call(user, users=[boss])
        login = {"api_username": "boss", "api_password": ZOE["password"]}
        assert not instance.call(user, users=[], purge=True, **login)["changed"]
        assert instance.predicted(user, "deleted", users=[{"username": "boss", "state": "absent"}])["deleted"]

    def test_a_password_that_is_kept_elsewhere_is_not_changed_here(self, instance: Instance) -> None:
        with pytest.raises(Failure, match="is kept in Secret/"):
            instance.call(user, users=[{"username": "admin", "password": "x"}])

    @pytest.mark.parametrize("check", [True, False])
    def test_unknown_roles_are_refused(self, instance: Instance, check: bool) -> None:
        with pytest.raises(Failure, match=r"Airflow has no roles Nope \(of user zoe\)"):
            instance.call(user, check=check, users=[{**ZOE, "roles": ["Nope"]}])

    def test_a_wrong_login_is_told(self, instance: Instance) -> None:
        with pytest.raises(Failure, match=r"refuses the login of user admin \(options of the task\)"):
            instance.call(user, api_username="admin", api_password="wrong", users=[])


class TestDagRun:
    def test_a_run_is_followed_to_its_end(self, instance: Instance) -> None:
        assert instance.call(dag_run, check=True, dag_id="dagops_canary")["changed"]
        result = instance.call(
            dag_run, dag_id="dagops_canary", run_id=f"e2e-{time.time()}", conf={"a": 1}, note="by a test", logs=True
        )
        assert (result["changed"], result["run"]["state"]) == (True, "success")
        assert (result["run"]["conf"], result["run"]["note"]) == ({"a": 1}, "by a test")
        (task,) = result["task_instances"]
        assert (task["task_id"], task["state"], task["try_number"]) == ("sing", "success", 1)
        assert "The canary sings." in task["log"]

    def test_a_named_run_is_made_once(self, instance: Instance) -> None:
        once = f"once-{time.time()}"
        result = instance.call(dag_run, dag_id="dagops_canary", run_id=once, wait=False)
        assert result["changed"]
        for check in (True, False):
            assert not instance.call(dag_run, check=check, dag_id="dagops_canary", run_id=once)["changed"]

    def test_a_failed_run_is_told_with_its_last_lines(self, instance: Instance) -> None:
        with pytest.raises(Failure, match=r"task boom failed in try 1\. Last log lines:") as caught:
            instance.call(dag_run, dag_id="e2e_fails", unpause=True)
        if instance.facts.major >= 3:  # 2.11 has more to say after it.
            assert "before the end" in caught.value.message
        assert "ValueError: boom at last" in caught.value.message
        assert caught.value.details["task_instances"][0]["state"] == "failed"

    def test_a_paused_dag_is_told(self, instance: Instance) -> None:
        instance.sql("UPDATE dag SET is_paused = true WHERE dag_id = 'dagops_canary'")
        with pytest.raises(Failure, match="DAG dagops_canary is paused"):
            instance.call(dag_run, dag_id="dagops_canary")
        assert instance.call(dag_run, dag_id="dagops_canary", unpause=True)["run"]["state"] == "success"

    def test_a_file_that_cannot_be_imported_is_told_at_once(self, instance: Instance) -> None:
        with pytest.raises(Failure, match="No module named 'a_module_that_nobody_has'"):
            instance.call(dag_run, dag_id="e2e_broken")

    def test_an_unknown_dag_is_told_in_the_end(self, instance: Instance) -> None:
        with pytest.raises(Failure, match="Airflow knows no DAG nobody_wrote_it after 1 s"):
            instance.call(dag_run, dag_id="nobody_wrote_it", wait_timeout=1)


class TestInfo:
    def test_a_healthy_instance(self, instance: Instance) -> None:
        result = instance.call(info, wait=True, migration=True)
        assert (result["healthy"], result["reasons"], result["changed"]) == (True, [], False)
        assert (result["executor"], result["migration"]["pending"]) == ("LocalExecutor", False)
        assert set(result["components"]) == {
            *("dag-processor", "pgbouncer", "postgresql", "scheduler"),
            instance.facts.component,
        }
        assert result["components"]["scheduler"]["heartbeat_age"] < 60
        assert result["database"] == result["components"]["dag-processor"]["status"] == "healthy"
        assert result["api_requests"] <= 8

    def test_by_name_alone(self, instance: Instance) -> None:
        assert instance.call(info, values=None, instance=instance.name)["healthy"]

    def test_a_scheduler_that_is_gone_is_told(self, instance: Instance) -> None:
        deployment, name = kinds.named("Deployment"), f"{instance.name}-scheduler"
        instance.cluster.patch(deployment, name, instance.name, {"spec": {"replicas": 0}})
        try:
            result = instance.call(info)
            assert not result["healthy"]
            assert "scheduler is scaled to 0" in result["reasons"]
            with pytest.raises(Failure, match=r"is not healthy after 1 s: .*scheduler is scaled to 0"):
                instance.call(info, wait=True, wait_timeout=1)
        finally:
            instance.cluster.patch(deployment, name, instance.name, {"spec": {"replicas": 1}})
        assert instance.call(info, wait=True, wait_timeout=300)["healthy"]

    def test_an_instance_that_is_not_there(self, instance: Instance) -> None:
        result = instance.call(info, values=None, instance="nothing-here")
        assert (result["healthy"], result["reasons"]) == (False, ["it has no workloads"])


class TestFernetKey:
    PASSWORD = "the password of a connection"

    def connection(self, instance: Instance) -> str:
        """The password of a connection, as Airflow itself decrypts it."""
        script = (
            "from airflow.models import Connection\n"
            "from airflow.utils.session import create_session\n"
            "with create_session() as session:\n"
            "    print(session.query(Connection).filter_by(conn_id='e2e').one().password)\n"
        )
        return instance.run_in(instance.facts.component, "python", "-c", script).strip().splitlines()[-1]

    def test_rotation_loses_nothing(self, instance: Instance) -> None:
        where = target.target({"values": instance.values})
        params = {**instance.cluster_options, "api_url": None, "api_username": None}
        with access.opened(params, target.Reach(params, print), where) as api:
            body = {"connection_id": "e2e", "conn_type": "http", "password": self.PASSWORD}
            if api.find(f"{api.facts.prefix}/connections/e2e", doing="look for the connection"):
                api.request("DELETE", f"{api.facts.prefix}/connections/e2e", doing="forget the connection")
            api.request("POST", f"{api.facts.prefix}/connections", body=body, doing="make a connection")
        # The scheduler may have met the older schemas of tests above, and waits before it starts again.
        instance.call(info, wait=True, wait_timeout=600)
        # Whatever an earlier run on a kept instance has left.
        instance.call(fernet_key, state="finalized")
        old = instance.secret("fernet-key")["fernet-key"]
        before = instance.running()
        assert instance.call(fernet_key)["verified"] == {"first_key": 1, "older_keys": 0}

        assert instance.call(fernet_key, check=True, state="rotated")["changed"]
        assert instance.secret("fernet-key")["fernet-key"] == old
        # Under way already, a second call goes on with it, and finds nothing left to do.
        rotated = instance.predicted(fernet_key, "keys", "verified", state="rotated")
        assert (rotated["changed"], rotated["keys"]) == (True, 2)
        assert rotated["verified"] == {"first_key": 1, "older_keys": 0}
        new = fernet.split(instance.secret("fernet-key")["fernet-key"])
        assert new[1:] == [old]
        assert not set(instance.running().values()) & set(before.values())
        assert self.connection(instance) == self.PASSWORD

        finalized = instance.predicted(fernet_key, "keys", "verified", state="finalized")
        assert (finalized["changed"], finalized["keys"]) == (True, 1)
        assert instance.secret("fernet-key")["fernet-key"] == new[0]
        assert not instance.call(secrets)["changed"]
        # The rollout was the one that a converge would have made.
        for component in ("core", "triggerer"):
            assert not instance.call(manifests, component=component)["changed"]
        assert self.connection(instance) == self.PASSWORD

    def test_a_key_that_reads_nothing_is_found_out(self, instance: Instance) -> None:
        key = instance.secret("fernet-key")["fernet-key"]
        instance.call(secrets, given={"fernet_key": fernet.generate()}, replace_fernet_key=True)
        try:
            for state in ("present", "rotated", "finalized"):
                with pytest.raises(Failure, match=r"does not decrypt what is in the database.*connection e2e"):
                    instance.call(fernet_key, state=state)
            # A migration would be followed by pods that cannot read their connections, so it finds that out, too.
            with instance.at_revision(OLDER[instance.facts.major][1]):
                with pytest.raises(Failure, match=r"decrypts nothing of what is in the database.*connection e2e"):
                    instance.call(db_migration)
                assert instance.revision() == OLDER[instance.facts.major][1]
        finally:
            instance.call(secrets, given={"fernet_key": key}, replace_fernet_key=True)
        assert instance.call(fernet_key)["verified"] == {"first_key": 1, "older_keys": 0}

    def test_a_lost_key_is_not_made_anew(self, instance: Instance) -> None:
        key = instance.secret("fernet-key")["fernet-key"]
        name = f"{instance.name}-fernet-key"
        instance.cluster.delete(kinds.named("Secret"), name, instance.name)
        try:
            for check in (True, False):
                for module, params in (
                    (secrets, {}),
                    (fernet_key, {}),
                    (secrets, {"given": {"fernet_key": fernet.generate()}}),
                    (fernet_key, {"key": fernet.generate()}),
                ):
                    with pytest.raises(Failure, match=r"is gone or empty, but the database .*connection e2e"):
                        instance.call(module, check=check, **params)
            assert instance.cluster.get(kinds.named("Secret"), name, instance.name) is None
            # As the message says: a pod still has it.
            assert instance.run_in(instance.facts.component, "printenv", "AIRFLOW__CORE__FERNET_KEY").strip() == key
        finally:
            instance.call(secrets, given={"fernet_key": key})
        assert instance.call(fernet_key)["verified"] == {"first_key": 1, "older_keys": 0}
        # Nobody has to restart for a key that is the same as before.
        assert not instance.call(manifests, component="core")["changed"]


class TestSilence:
    def test_no_secret_was_told(self, instance: Instance) -> None:
        """Last in the file: neither results nor messages of all the tests above hold a secret."""
        told = "\n".join(instance.told)
        values = instance.secret_values()
        values += [ZOE["password"], "second of zoe", TestFernetKey.PASSWORD]
        assert len(told) > 1000
        assert not [value for value in values if value in told]

    def test_no_secret_is_in_a_pod_or_job(self, instance: Instance) -> None:
        specs = json.dumps([instance.pods(), instance.cluster.list(JOB, instance.name)])
        values = instance.secret_values()
        assert not [value for value in values if value in specs]
