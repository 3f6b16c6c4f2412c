"""``secrets`` and ``fernet_key`` against a real API server: nothing is ever made anew, and nothing is ever shown."""

from __future__ import annotations

import base64
import json
import pathlib
import threading
import types
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet, secret_store
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.modules import fernet_key, manifests, secrets
from tests.api.plays import Plays, classes
from tests.api.support import INSTANCE, Face, Site, names, validated

SECRET = kinds.named("Secret")
KEYS = {
    "admin": {"username", "password"},
    "api-secret-key": {"api-secret-key"},
    "checksum-key": {"checksum-key"},
    "fernet-key": {"fernet-key"},
    "jwt-secret": {"jwt-secret"},
    "metadata": {"connection", "connection-async", "connection-direct"},
    "postgresql": {"username", "password"},
}


def described(site: Site, **variables: t.Any) -> dict[str, t.Any]:
    return {
        "airflow_instance": INSTANCE,
        "airflow_namespace": site.namespace,
        "airflow_logging_loss_accepted": True,
        **variables,
    }


def call(module: types.ModuleType, site: Site, *, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
    params = {"kubeconfig": site.kubeconfig, "values": described(site), **params}
    result: dict[str, t.Any] = module.run(Face(params=validated(module, params), check_mode=check))
    return result


def predicted(site: Site, **params: t.Any) -> dict[str, t.Any]:
    """The result of a run, which must be what check mode said, and which nothing is left to do after."""
    expected = call(secrets, site, check=True, **params)
    result = call(secrets, site, **params)
    for part in ("changed", "diff", "secrets", "replaced"):
        assert result[part] == expected[part]
    again = call(secrets, site, **params)
    assert (again["changed"], again["diff"], again["replaced"]) == (False, [], [])
    return result


def content(site: Site) -> dict[str, dict[str, str]]:
    """All Secrets of the namespace, by their names without the instance's."""
    return {
        item["metadata"]["name"].removeprefix(f"{INSTANCE}-"): {
            key: base64.b64decode(value).decode() for key, value in item["data"].items()
        }
        for item in site.cluster.list(SECRET, site.namespace)
    }


def make(site: Site, name: str, *, labels: dict[str, str] | None = None, immutable: bool = False, **data: str) -> None:
    """A Secret that somebody else has made."""
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{INSTANCE}-{name}", "namespace": site.namespace, "labels": labels or {}},
        "stringData": {key.replace("_", "-"): value for key, value in data.items()},
        "immutable": immutable,
    }
    site.cluster.create(secret)


class TestTwelveSteps:
    """Create, again, modify, again, delete, again; each in check mode first."""

    def test_all(self, site: Site) -> None:
        made = predicted(site)
        assert made["changed"]
        assert made["replaced"] == []
        before = content(site)
        assert {name: set(data) for name, data in before.items()} == KEYS
        assert all(len(before[name][name]) == 86 for name in ("api-secret-key", "jwt-secret"))
        assert fernet.checked(before["fernet-key"]["fernet-key"], "x")
        assert before["postgresql"]["password"] in before["metadata"]["connection"]

        changed = predicted(site, given={"admin_password": "another"})
        assert changed["replaced"] == [f"{INSTANCE}-admin/password"]
        assert content(site) == {**before, "admin": {"username": "admin", "password": "another"}}

        # What was given once stays when it is not given any more.
        assert not predicted(site)["changed"]

        gone = predicted(site, state="absent")
        assert len(gone["diff"]) == len(KEYS)
        assert content(site) == {}

    def test_a_second_run_is_one_request(self, site: Site) -> None:
        call(secrets, site)
        assert call(secrets, site)["api_requests"] == 1


class TestLaw:
    def test_what_others_made_is_kept_and_labelled(self, site: Site) -> None:
        """As an operator of a Helm release has them: without our labels, with keys that we do not know."""
        key = fernet.generate()
        make(site, "fernet-key", fernet_key=key, other="theirs")
        made = predicted(site)
        assert made["secrets"][f"{INSTANCE}-fernet-key"] == {"fernet-key": "existing"}
        assert content(site)["fernet-key"] == {"fernet-key": key, "other": "theirs"}
        live = site.read("Secret", f"{INSTANCE}-fernet-key")
        assert live["metadata"]["labels"]["app.kubernetes.io/instance"] == INSTANCE
        assert "airflow.dagops/generated" not in live["metadata"].get("annotations", {})

    def test_generated_values_are_marked(self, site: Site) -> None:
        call(secrets, site)
        call(secrets, site, values=described(site, airflow_labels={"cost": "1"}))
        live = site.read("Secret", f"{INSTANCE}-postgresql")
        assert live["metadata"]["annotations"]["airflow.dagops/generated"] == "password"
        assert live["metadata"]["labels"]["cost"] == "1"

    def test_only_the_lost_one_is_made_anew(self, site: Site) -> None:
        call(secrets, site)
        before = content(site)
        site.cluster.delete(SECRET, f"{INSTANCE}-jwt-secret", site.namespace)
        assert predicted(site)["secrets"][f"{INSTANCE}-jwt-secret"] == {"jwt-secret": "generated"}
        after = content(site)
        assert after.pop("jwt-secret") != before.pop("jwt-secret")
        assert after == before

    def test_derived_values_follow_what_they_are_made_of(self, site: Site) -> None:
        call(secrets, site)
        result = predicted(site, values=described(site, airflow_database_pgbouncer={"enabled": True}))
        assert result["replaced"] == [f"{INSTANCE}-metadata/connection"]
        after = content(site)
        assert f"{INSTANCE}-pgbouncer.{site.namespace}.svc:6543" in after["metadata"]["connection"]
        assert after["pgbouncer-config"]["users.txt"] == f'"airflow" "{after["postgresql"]["password"]}"\n'

    def test_two_runs_at_once_agree(self, site: Site) -> None:
        """One makes each Secret, the other takes it over."""
        values, problems = load(described(site)), []
        # All have read before any writes.
        stores = [secret_store.SecretStore(site.cluster, values, check_mode=False) for _number in range(6)]

        def run(store: secret_store.SecretStore) -> None:
            try:
                secret_store.ensure_all(store, values, {}, replace_fernet_key=False)
            except Failure as failure:
                problems.append(failure)

        threads = [threading.Thread(target=run, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        after = content(site)
        assert after["postgresql"]["password"] in after["metadata"]["connection"]
        assert not call(secrets, site)["changed"]

    def test_a_change_of_somebody_else_is_seen(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between our LIST and our patch somebody changes the Secret: what they wrote is taken into account."""
        call(secrets, site)
        name, patch = f"{INSTANCE}-admin", secret_store.SecretStore._patch

        def late(store: secret_store.SecretStore, live: Object, body: Object) -> None:
            monkeypatch.setattr(secret_store.SecretStore, "_patch", patch)
            site.cluster.patch(SECRET, name, site.namespace, {"metadata": {"annotations": {"by": "somebody"}}})
            patch(store, live, body)

        monkeypatch.setattr(secret_store.SecretStore, "_patch", late)
        call(secrets, site, given={"admin_password": "new"})
        live = site.read("Secret", name)
        assert live["metadata"]["annotations"]["by"] == "somebody"
        assert content(site)["admin"]["password"] == "new"

    def test_uninstalling_leaves_what_others_made(self, site: Site) -> None:
        call(secrets, site)
        make(site, "mine", labels={"app.kubernetes.io/instance": INSTANCE}, key="x")
        call(secrets, site, state="absent")
        assert set(content(site)) == {"mine"}

    def test_what_was_generated_outlives_an_uninstall(self, new_site: Site, tmp_path: pathlib.Path) -> None:
        plays, hosts = Plays(kubeconfig=new_site.kubeconfig, folder=tmp_path), {INSTANCE: described(new_site)}
        with classes(new_site.cluster):
            plays.run(hosts)
            before = content(new_site)
            assert set(before) == set(KEYS)
            for playbook in ("uninstall", "site"):
                results = plays.run(hosts, playbook=playbook)[INSTANCE]
                assert any(result["changed"] for result in results)
                assert content(new_site) == before


class TestRefusals:
    def refused(self, site: Site, words: str, **params: t.Any) -> None:
        """Refused, in check mode too, before anything was changed."""
        before = content(site)
        for check in (True, False):
            with pytest.raises(Failure, match=words):
                call(secrets, site, check=check, **params)
        assert content(site) == before

    def test_an_invalid_fernet_key(self, site: Site) -> None:
        self.refused(site, "airflow_core_fernet_key holds no valid Fernet key", given={"fernet_key": "a" * 43})

    def test_an_invalid_fernet_key_that_is_there(self, site: Site) -> None:
        make(site, "fernet-key", labels={"app.kubernetes.io/instance": INSTANCE}, fernet_key="a" * 43)
        self.refused(site, rf"Secret/{site.namespace}/{INSTANCE}-fernet-key, key fernet-key holds no valid Fernet key")

    def test_a_fernet_key_that_reads_nothing(self, site: Site) -> None:
        call(secrets, site)
        self.refused(site, "would be lost", given={"fernet_key": fernet.generate()})
        consented = call(secrets, site, given={"fernet_key": fernet.generate()}, replace_fernet_key=True)
        assert consented["replaced"] == [f"{INSTANCE}-fernet-key/fernet-key"]

    def test_a_short_jwt_secret_before_anything_is_made(self, site: Site) -> None:
        self.refused(site, "needs at least 64", given={"jwt_secret": "short"})

    def test_an_external_database_without_password(self, site: Site) -> None:
        external = described(site, airflow_database_provider="external", airflow_database_host="db")
        self.refused(site, "airflow_database_password is required", values=external)

    def test_ones_own_secret_that_is_not_there(self, site: Site) -> None:
        external = described(
            site,
            airflow_database_provider="external",
            airflow_database_host="db",
            airflow_database_credentials={"name": "mine"},
        )
        with pytest.raises(Failure, match="names Secret mine with the key username"):
            call(secrets, site, values=external)

    def test_bytes_that_are_no_text(self, site: Site) -> None:
        call(secrets, site)
        broken = {"data": {"password": base64.b64encode(b"\xff\xfe").decode()}}
        site.cluster.patch(SECRET, f"{INSTANCE}-admin", site.namespace, broken)
        for check in (True, False):
            with pytest.raises(Failure, match=rf"{INSTANCE}-admin, key password holds bytes that are no text"):
                call(secrets, site, check=check)

    def test_an_immutable_secret_that_has_to_change(self, site: Site) -> None:
        make(site, "admin", immutable=True, username="admin", password="x")
        assert call(secrets, site)["secrets"][f"{INSTANCE}-admin"]["password"] == "existing"
        with pytest.raises(Failure, match="is immutable, but has to change"):
            call(secrets, site, given={"admin_password": "y"})

    def test_a_namespace_that_is_not_there(self, new_site: Site) -> None:
        assert call(secrets, new_site, check=True)["changed"]
        with pytest.raises(Failure, match=f"namespace {new_site.namespace} does not exist"):
            call(secrets, new_site)


class TestSilence:
    def test_no_value_is_shown(self, site: Site) -> None:
        given = {"admin_password": "very-secret-indeed", "fernet_key": fernet.generate()}
        face = Face(
            params=validated(secrets, {"kubeconfig": site.kubeconfig, "values": described(site), "given": given})
        )
        told = json.dumps([secrets.run(face), face.warnings, face.lines])
        values = [value for data in content(site).values() for key, value in data.items() if key != "username"]
        assert len(values) >= 8
        assert not [value for value in values if value in told]


class TestFernetKey:
    def test_present_makes_a_key_once(self, site: Site) -> None:
        assert call(fernet_key, site, check=True)["changed"]
        made = call(fernet_key, site)
        assert (made["changed"], made["origin"]) == (True, "generated")
        before = content(site)
        again = call(fernet_key, site)
        assert (again["changed"], again["origin"], again["verified"]) == (False, "existing", None)
        assert content(site) == before
        assert set(before) == {"fernet-key"}

    def test_each_step_is_foreseen(self, site: Site) -> None:
        """Create, again, modify, again; each in check mode first. Nothing deletes a key."""
        old, new = fernet.generate(), fernet.generate()
        for key, origin in ((old, "given"), (f"{new},{old}", "given"), (None, "existing")):
            before = content(site)
            expected = call(fernet_key, site, check=True, key=key)
            assert content(site) == before
            result = call(fernet_key, site, key=key)
            for part in ("changed", "diff", "origin"):
                assert result[part] == expected[part]
            assert (result["origin"], result["changed"]) == (origin, origin == "given")
            again = call(fernet_key, site, key=key)
            assert (again["changed"], again["diff"]) == (False, [])
        assert content(site)["fernet-key"] == {"fernet-key": f"{new},{old}"}

    def test_present_takes_a_given_key(self, site: Site) -> None:
        key = fernet.generate()
        assert call(fernet_key, site, key=key)["origin"] == "given"
        assert content(site)["fernet-key"] == {"fernet-key": key}
        with pytest.raises(Failure, match="would be lost"):
            call(fernet_key, site, key=fernet.generate())

    def test_secrets_and_fernet_key_agree(self, site: Site) -> None:
        call(fernet_key, site)
        assert call(secrets, site)["secrets"][f"{INSTANCE}-fernet-key"] == {"fernet-key": "existing"}
        assert not call(fernet_key, site)["changed"]

    @pytest.mark.parametrize("state", ["rotated", "finalized"])
    def test_without_a_key_there_is_nothing_to_rotate(self, site: Site, state: str) -> None:
        with pytest.raises(Failure, match="has no Fernet key yet"):
            call(fernet_key, site, state=state)

    def test_without_a_running_airflow_nothing_is_rotated(self, site: Site) -> None:
        call(secrets, site)
        before = content(site)
        for check in (True, False):
            with pytest.raises(Failure, match="only a running Airflow can rotate"):
                call(fernet_key, site, state="rotated", check=check)
        assert not call(fernet_key, site, state="finalized", check=True)["changed"]
        assert content(site) == before


def test_a_check_foresees_the_restarts_that_a_secret_brings(site: Site) -> None:
    external = {"airflow_database_provider": "external", "airflow_database_host": "db.example.com"}
    values = described(site, **external)

    def run(password: str, *, check: bool) -> dict[str, t.Any]:
        made = call(secrets, site, check=check, values=values, given={"database_password": password})
        return call(manifests, site, check=check, values=values, component="core", secrets=made["fingerprints"])

    run("one", check=False)
    expected = run("two", check=True)
    result = run("two", check=False)
    assert names(result, "updated") == [
        f"Deployment/{INSTANCE}-{one}" for one in ("api-server", "dag-processor", "scheduler")
    ]
    assert result["diff"] == expected["diff"]
    assert not run("two", check=False)["changed"]
