"""``manifests`` against a real API server: what check mode says is what a run does, and a second run does nothing."""

from __future__ import annotations

import base64
import json
import os
import threading
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import engine, kinds, lease
from ansible_collections.dagops.airflow.plugins.module_utils.kube.scope import Scope
from ansible_collections.dagops.airflow.plugins.modules import manifests
from tests.api.support import (
    INSTANCE,
    Site,
    config_map,
    names,
    namespace_object,
    secret,
    service,
    stateful_set,
    workload,
)


def reading(name: str, *sources: dict[str, t.Any]) -> dict[str, t.Any]:
    """A Deployment whose container reads whole objects."""
    return workload("Deployment", name, pod={"container": {"envFrom": list(sources)}})


def hold(site: Site, who: lease.Holder) -> lease.Lock:
    """The Lease of the instance in the hands of somebody else."""
    other = lease.Lock(site.cluster, site.namespace, f"{INSTANCE}-lock", {}, who)
    other.read()
    other.acquire({}, 0, lambda _message: None)
    return other


def new_kind(plural: str, group: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The definition of a kind, and an object of it."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": plural.title(), "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    thing = {"apiVersion": f"{group}/v1", "kind": plural.title(), "metadata": {"name": "a"}, "spec": {"a": 1}}
    return definition, thing


def template_annotations(site: Site, name: str) -> dict[str, str]:
    return dict(site.read("Deployment", name)["spec"]["template"]["metadata"].get("annotations") or {})


class TestTwelveSteps:
    """Create, again, modify, again, delete, again; each in check mode first."""

    def test_all(self, site: Site) -> None:
        first = [config_map("web", a="1"), workload("Deployment", "web"), service("web"), stateful_set("db")]
        assert len(site.predicted(*first)["objects"]["created"]) == 4
        second = [config_map("web", a="2"), workload("Deployment", "web", replicas=2), *first[2:]]
        assert names(site.predicted(*second), "updated") == ["ConfigMap/web", "Deployment/web"]
        gone = site.predicted(*second, state="absent")
        assert names(gone, "deleted") == ["StatefulSet/db", "Deployment/web", "Service/web", "ConfigMap/web"]
        assert all(site.get(obj["kind"], obj["metadata"]["name"]) is None for obj in second)


class TestSecondRun:
    def test_it_reads_only(self, site: Site) -> None:
        objects = [
            obj
            for number in range(10)
            for obj in (
                config_map(f"web-{number}", a="1"),
                workload("Deployment", f"web-{number}"),
                service(f"web-{number}"),
                stateful_set(f"db-{number}"),
            )
        ]
        site.manifests(*objects)
        again = site.manifests(*objects)
        assert not again["changed"]
        assert again["objects"]["unchanged"] == 40
        # The Lease, and a LIST for each of the four kinds.
        assert again["api_requests"] == 5

    def test_quantities_and_empty_values_are_seen_as_the_api_server_sees_them(self, site: Site) -> None:
        container = {"args": [], "resources": {"limits": {"cpu": 1.5}}}
        deployment = workload("Deployment", "web", pod={"container": container})
        deployment["spec"]["template"]["spec"]["nodeSelector"] = {}
        site.manifests(deployment)
        assert site.manifests(deployment)["api_requests"] == 2

    def test_a_change_by_somebody_else_is_undone(self, site: Site) -> None:
        site.manifests(config_map("web", a="1", b="2"))
        site.cluster.patch(kinds.named("ConfigMap"), "web", site.namespace, {"data": {"b": None}})
        assert names(site.predicted(config_map("web", a="1", b="2")), "updated") == ["ConfigMap/web"]

    def test_what_others_add_is_left_alone(self, site: Site) -> None:
        site.manifests(config_map("web", a="1"))
        foreign = {**config_map("web", b="2")}
        site.cluster.request(
            "PATCH",
            f"/api/v1/namespaces/{site.namespace}/configmaps/web",
            query={"fieldManager": "somebody"},
            body=foreign,
            content_type="application/apply-patch+yaml",
        )
        assert not site.manifests(config_map("web", a="1"))["changed"]
        assert site.read("ConfigMap", "web")["data"] == {"a": "1", "b": "2"}


class TestCheckMode:
    def test_a_namespace_that_is_not_there_yet(self, new_site: Site) -> None:
        objects = [namespace_object(new_site.namespace), config_map("web", a="1"), workload("Deployment", "web")]
        assert len(new_site.predicted(*objects)["objects"]["created"]) == 3

    def test_a_namespace_that_another_task_makes(self, new_site: Site) -> None:
        result = new_site.manifests(config_map("web", a="1"), check=True)
        assert names(result, "created") == ["ConfigMap/web"]

    def test_a_kind_that_is_not_there_yet(self, site: Site) -> None:
        scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "web"}, "spec": {}}
        unknown = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "web"}}
        result = site.manifests(scaled, unknown, check=True)
        assert names(result, "created") == ["ScaledObject/web", "Thing/web"]
        with pytest.raises(Failure, match=r"the cluster has no Thing in example\.org/v1\. Install"):
            site.manifests(unknown)

    def test_a_kind_that_is_made_in_the_same_run(self, site: Site) -> None:
        definition, thing = new_kind(f"things{site.namespace.replace('-', '')}", "example.org")
        assert len(site.predicted(definition, thing)["objects"]["created"]) == 2

    def test_many_kinds_of_new_groups_that_are_made_in_the_same_run(self, site: Site) -> None:
        """The API server tells of each group in its own time, which may be after it has accepted the kind."""
        plural = f"things{site.namespace.replace('-', '')}"
        objects = [obj for number in range(12) for obj in new_kind(plural, f"group{number}.{plural}.example.org")]
        assert len(site.manifests(*objects)["objects"]["created"]) == 24

    def test_it_changes_nothing(self, site: Site) -> None:
        site.manifests(config_map("web", a="1"), check=True)
        assert site.get("ConfigMap", "web") is None
        assert site.get("Lease", f"{INSTANCE}-lock") is None

    def test_defaults_and_admission_are_part_of_it(self, site: Site) -> None:
        site.manifests(workload("Deployment", "web"))
        result = site.predicted(workload("Deployment", "web", strategy={"type": "Recreate"}))
        assert "maxSurge" in result["diff"][0]["before"]
        assert "maxSurge" not in result["diff"][0]["after"]


class TestRefusals:
    def test_nothing_is_changed_when_one_object_is_refused(self, site: Site) -> None:
        broken = workload("Deployment", "web")
        broken["spec"]["replicaz"] = 2
        wrong = config_map("Not_A_Name", a="1")
        with pytest.raises(Failure, match=r"Nothing was changed, since 2 objects cannot be applied") as failure:
            site.manifests(config_map("good", a="1"), broken, wrong)
        assert "replicaz" in failure.value.message
        assert len(failure.value.details["problems"]) == 2
        assert site.get("ConfigMap", "good") is None

    def test_a_missing_namespace_is_told(self, new_site: Site) -> None:
        with pytest.raises(Failure, match=f'namespaces "{new_site.namespace}" not found'):
            new_site.manifests(config_map("web", a="1"))

    def test_an_object_of_another_instance(self, site: Site) -> None:
        site.manifests(config_map("web", a="1"))
        with pytest.raises(Failure, match=r"ConfigMap/.*/web belongs to the instance analytics\. Give"):
            site.manifests(config_map("web", a="1"), instance="ml")

    def test_a_permission_that_is_missing(self, site: Site) -> None:
        with pytest.raises(
            Failure, match=r"user bob may not get leases.coordination.k8s.io in namespace .* Ask an administrator"
        ):
            site.manifests(config_map("web", a="1"), impersonate_user="bob")

    def test_objects_that_are_none(self, site: Site) -> None:
        with pytest.raises(Failure, match=r"lacks apiVersion, kind or metadata\.name"):
            site.manifests({"kind": "ConfigMap", "metadata": {}})
        with pytest.raises(Failure, match="is declared twice"):
            site.manifests(config_map("web"), config_map("web"))


class TestConflicts:
    def test_they_are_explained_and_forced_by_consent(self, site: Site) -> None:
        made = workload("Deployment", "web", replicas=3)
        labels = Scope(instance=INSTANCE, namespace=site.namespace, component="core").labels
        site.cluster.request(
            "POST",
            f"/apis/apps/v1/namespaces/{site.namespace}/deployments",
            query={"fieldManager": "somebody"},
            body={**made, "metadata": {**made["metadata"], "labels": labels}},
        )
        wanted = workload("Deployment", "web", replicas=2)
        for check in (True, False):
            with pytest.raises(Failure, match=r"web: spec\.replicas set by somebody. Leave .* force_conflicts"):
                site.manifests(wanted, check=check)
        assert names(site.predicted(wanted, force_conflicts=True), "updated") == ["Deployment/web"]

    def test_what_others_made_is_adopted_by_consent(self, site: Site) -> None:
        site.cluster.request(
            "POST",
            f"/apis/apps/v1/namespaces/{site.namespace}/deployments",
            query={"fieldManager": "helm"},
            body=workload("Deployment", "web", replicas=3),
        )
        objects = [workload("Deployment", "web", replicas=2), config_map("new")]
        for check in (True, False):
            with pytest.raises(Failure, match=r"web is there already, made by helm. .* set adopt to true.*Nothing was"):
                site.manifests(*objects, check=check)
        assert site.get("ConfigMap", "new") is None
        assert names(site.predicted(*objects, adopt=True), "updated") == ["Deployment/web"]
        # From then on it is ours.
        assert names(site.predicted(workload("Deployment", "web", replicas=1)), "updated") == ["Deployment/web"]

    def test_adoption_without_a_change_is_no_change(self, site: Site) -> None:
        labels = {
            "app.kubernetes.io/instance": INSTANCE,
            "app.kubernetes.io/managed-by": "dagops.airflow",
            "airflow.dagops/role": "core",
        }
        made = config_map("web", a="1")
        made["metadata"] |= {"namespace": site.namespace, "labels": labels}
        site.cluster.request(
            "POST", f"/api/v1/namespaces/{site.namespace}/configmaps", query={"fieldManager": "kubectl"}, body=made
        )
        assert not site.predicted(made)["changed"]
        assert site.manifests(made)["api_requests"] == 2


class TestImmutableFields:
    def test_they_are_told_before_anything_is_changed(self, site: Site) -> None:
        site.manifests(stateful_set("db"), config_map("web", a="1"))
        for check in (True, False):
            with pytest.raises(Failure, match=r"storage \(1Gi to 2Gi\) cannot be changed in place"):
                site.manifests(stateful_set("db", size="2Gi"), config_map("web", a="2"), check=check)
        assert site.read("ConfigMap", "web")["data"] == {"a": "1"}

    def test_volumes_grow_with_the_template_that_replaces_theirs(self, site: Site) -> None:
        grows = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": f"{site.namespace}-grows"},
            "provisioner": "example.com/grows",
            "allowVolumeExpansion": True,
        }
        site.cluster.create(grows)
        # What the controller would have made, and the provisioner bound.
        for number in range(2):
            claim = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": f"data-db-{number}", "namespace": site.namespace, "labels": {"app": "db"}},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": grows["metadata"]["name"],
                    "resources": {"requests": {"storage": f"{number + 1}Gi"}},
                },
            }
            site.cluster.create(claim)
            status = {"phase": "Bound", "capacity": {"storage": f"{number + 1}Gi"}}
            site.cluster.patch(
                kinds.named("PersistentVolumeClaim"),
                f"data-db-{number}",
                site.namespace,
                {"status": status},
                subresource="status",
            )
        site.manifests(stateful_set("db"))
        expected = site.manifests(stateful_set("db", size="2Gi"), replace=True, check=True)
        threading.Timer(1.0, self._orphan, [site]).start()
        result = site.manifests(stateful_set("db", size="2Gi"), replace=True)
        assert names(result, "replaced") == ["StatefulSet/db"]
        # The second is large enough, and none shrinks.
        assert names(result, "updated") == ["PersistentVolumeClaim/data-db-0"]
        assert result["diff"] == expected["diff"]
        sizes = [
            site.read("PersistentVolumeClaim", f"data-db-{number}")["spec"]["resources"]["requests"]["storage"]
            for number in range(2)
        ]
        assert sizes == ["2Gi", "2Gi"]

    def test_what_only_the_api_server_knows_to_be_immutable(self, site: Site) -> None:
        frozen = {**config_map("web", a="1"), "immutable": True}
        site.manifests(frozen)
        changed = {**config_map("web", a="2"), "immutable": True}
        with pytest.raises(Failure, match=r"data cannot be changed in place"):
            site.manifests(changed)
        assert names(site.predicted(changed, replace=True), "replaced") == ["ConfigMap/web"]

    def test_they_are_replaced_by_consent_and_pods_stay(self, site: Site) -> None:
        site.manifests(stateful_set("db"))
        before = site.read("StatefulSet", "db")
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "db-0", "namespace": site.namespace, "labels": {"app": "db"}},
            "spec": {"containers": [{"name": "app", "image": "example/app:1"}]},
        }
        site.cluster.create(pod)
        # No controller orphans dependents here, so the finalizer that waits for it is taken away by hand.
        freed = threading.Timer(1.0, self._orphan, [site])
        expected = site.manifests(stateful_set("db", size="2Gi"), replace=True, check=True)
        freed.start()
        result = site.manifests(stateful_set("db", size="2Gi"), replace=True)
        freed.join()
        assert names(result, "replaced") == ["StatefulSet/db"]
        assert result["diff"] == expected["diff"]
        assert before["metadata"]["uid"] != site.read("StatefulSet", "db")["metadata"]["uid"]
        assert site.get("Pod", "db-0")

    @staticmethod
    def _orphan(site: Site) -> None:
        site.cluster.patch(kinds.named("StatefulSet"), "db", site.namespace, {"metadata": {"finalizers": None}})

    def test_volumes_are_never_replaced(self, site: Site) -> None:
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "logs"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
        site.manifests(claim)
        other = {**claim, "spec": {**claim["spec"], "accessModes": ["ReadWriteMany"]}}
        with pytest.raises(Failure, match="It holds data, so it is never replaced"):
            site.manifests(other, replace=True)


class TestUndeclared:
    def test_it_is_listed_and_pruned_by_consent(self, site: Site) -> None:
        site.manifests(config_map("a"), config_map("b"), service("b"), secret("c", x="y"))
        left = site.predicted(config_map("a"))
        expected = [("ConfigMap", "b"), ("Secret", "c"), ("Service", "b")]
        assert left["undeclared"] == [f"{kind}/{site.namespace}/{name}" for kind, name in expected]
        assert not left["changed"]
        pruned = site.predicted(config_map("a"), prune=True)
        assert names(pruned, "deleted") == ["Service/b", "ConfigMap/b"]
        assert pruned["undeclared"] == [f"Secret/{site.namespace}/c"]

    def test_other_parts_of_the_instance_are_left_alone(self, site: Site) -> None:
        site.manifests(config_map("a"), component="config")
        assert site.manifests(config_map("b"), prune=True)["objects"]["deleted"] == []
        assert site.get("ConfigMap", "a")

    def test_copies_of_labels_are_not_ours(self, site: Site) -> None:
        site.manifests(service("web"))
        live = site.read("Service", "web")
        copy = {**config_map("copy"), "metadata": {"name": "copy", "labels": live["metadata"]["labels"]}}
        site.cluster.request(
            "POST", f"/api/v1/namespaces/{site.namespace}/configmaps", query={"fieldManager": "controller"}, body=copy
        )
        assert site.manifests(service("web"), config_map("b"), prune=True)["undeclared"] == []

    def test_a_part_that_declares_nothing_any_more(self, site: Site) -> None:
        site.manifests(service("web"))
        assert names(site.predicted(prune=True), "deleted") == ["Service/web"]
        assert site.manifests()["api_requests"] == 1


class TestAbsent:
    def test_data_stays_unless_it_may_go(self, site: Site) -> None:
        objects = [secret("c", x="y"), config_map("a")]
        site.manifests(*objects)
        kept = site.predicted(*objects, state="absent")
        assert kept["undeclared"] == [f"Secret/{site.namespace}/c"]
        assert names(site.predicted(*objects, state="absent", delete_data=True), "deleted") == ["Secret/c"]
        assert site.get("Lease", f"{INSTANCE}-lock") is None

    def test_volumes_of_stateful_sets_go_with_consent_only(self, site: Site) -> None:
        site.manifests(stateful_set("db"))
        for name in ("data-db-0", "data-db-x", "other"):
            claim = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": site.namespace, "labels": {"app": "db"}},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
            site.cluster.create(claim)
        site.predicted(stateful_set("db"), state="absent")
        deleted = site.manifests(stateful_set("db"), state="absent", delete_data=True, wait=False)
        assert names(deleted, "deleted") == ["PersistentVolumeClaim/data-db-0"]

    def test_a_claim_that_a_pod_of_somebody_else_holds_is_told_with_the_pod(self, site: Site) -> None:
        """No controller takes the finalizer away here, so it stays as it does where a pod mounts it."""
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "logs"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
        site.manifests(claim)
        for name, claimed, node in (("report", "logs", "one"), ("queued", "logs", None), ("other", "data", "one")):
            volume = {"name": "a", "persistentVolumeClaim": {"claimName": claimed}}
            spec = {"containers": [{"name": "a", "image": "a"}], "volumes": [volume], "nodeName": node}
            meta = {"name": name, "namespace": site.namespace}
            site.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        site.cluster.patch(
            kinds.named("Pod"), "report", site.namespace, {"status": {"phase": "Succeeded"}}, subresource="status"
        )
        with pytest.raises(Failure) as error:
            site.manifests(claim, state="absent", delete_data=True, wait=True, wait_timeout=1)
        assert error.value.message == (
            f"PersistentVolumeClaim/{site.namespace}/logs did not go within 1 s; still mounted by "
            f"Pod/{site.namespace}/report (Succeeded). Delete what has ended, end what runs, and run again."
        )

    def test_a_namespace_that_we_found_stays(self, site: Site) -> None:
        objects = [namespace_object(site.namespace), config_map("a")]
        site.manifests(*objects)
        result = site.manifests(*objects, state="absent", delete_data=True)
        assert result["undeclared"] == [f"Namespace/{site.namespace}"]

    def test_a_namespace_that_we_made_goes_with_consent(self, new_site: Site) -> None:
        objects = [namespace_object(new_site.namespace), config_map("a")]
        new_site.manifests(*objects)
        assert names(new_site.manifests(*objects, state="absent"), "deleted") == ["ConfigMap/a"]
        # Without a controller it never goes for good here.
        result = new_site.manifests(*objects, state="absent", delete_data=True, wait=False)
        assert result["objects"]["deleted"] == [f"Namespace/{new_site.namespace}"]

    def test_what_others_made_stays(self, site: Site) -> None:
        site.cluster.create({**config_map("a"), "metadata": {"name": "a", "namespace": site.namespace}})
        assert not site.manifests(config_map("a"), state="absent")["changed"]


class TestChecksums:
    def test_a_change_rolls_exactly_the_pods_that_read_it(self, site: Site) -> None:
        key = secret(f"{INSTANCE}-checksum-key", **{"checksum-key": "k3y-of-the-hashes"})
        both = [
            reading("web", {"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "database"}}),
            reading("other", {"configMapRef": {"name": "settings"}}),
        ]
        site.manifests(key, secret("database", password="one"), component="secrets")
        site.predicted(config_map("settings", a="1"), *both)
        before = {name: template_annotations(site, name) for name in ("web", "other")}
        assert set(before["web"]) == {"checksum/configmap-settings", "checksum/secret-database"}
        assert set(before["other"]) == {"checksum/configmap-settings"}
        site.manifests(key, secret("database", password="two"), component="secrets")
        assert names(site.predicted(config_map("settings", a="1"), *both), "updated") == ["Deployment/web"]
        assert template_annotations(site, "other") == before["other"]
        result = site.predicted(config_map("settings", a="2"), *both)
        assert names(result, "updated") == ["ConfigMap/settings", "Deployment/other", "Deployment/web"]


class TestSecrets:
    def test_no_value_is_shown_anywhere(self, site: Site) -> None:
        shown = [site.manifests(secret("a", password="hunter2-old"))]
        shown.append(site.predicted(secret("a", password="hunter2-new")))
        assert shown[1]["diff"][0]["before"] != shown[1]["diff"][0]["after"]
        key = secret(f"{INSTANCE}-checksum-key", **{"checksum-key": "hunter2-key"})
        shown.append(site.predicted(secret("a", password="hunter2-new"), key))
        shown.append(site.predicted(secret("a", password="hunter2-last"), key))
        assert "fingerprint" in shown[3]["diff"][0]["after"]
        shown.append(site.manifests(secret("a", password="hunter2-last"), key, state="absent", delete_data=True))
        with pytest.raises(Failure) as failure:
            site.manifests({**secret("a"), "data": {"password": "hunter2-nobase64"}, "stringData": None})
        text = json.dumps(shown) + failure.value.message + json.dumps(failure.value.details)
        for word in ("old", "new", "key", "last", "nobase64"):
            assert f"hunter2-{word}" not in text
            assert base64.b64encode(f"hunter2-{word}".encode()).decode() not in text

    def test_a_second_run_sees_that_nothing_changes(self, site: Site) -> None:
        site.manifests(secret("a", password="one"))
        assert site.manifests(secret("a", password="one"))["api_requests"] == 2


class TestLease:
    def test_another_run_is_waited_for(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lease, "BETWEEN_TASKS", 1)
        other = hold(site, lease.Holder(name="bob@elsewhere, process 1", process=""))

        def change() -> None:
            site.cluster.create({**config_map("a", by="bob"), "metadata": {"name": "a", "namespace": site.namespace}})
            other.rest({})

        threading.Timer(1.5, change).start()
        objects = [config_map("a", by="us"), config_map("c")]
        face = site.face(instance=INSTANCE, namespace=site.namespace, component="core", objects=objects)
        face.params["force_conflicts"] = True
        result = manifests.run(face)
        assert "bob@elsewhere, process 1, since 20" in face.lines[0]
        # What was read before the wait is read again: the other run has changed it.
        assert names(result, "updated") == ["ConfigMap/a"]
        assert names(result, "created") == ["ConfigMap/c"]

    def test_a_run_does_not_go_on_after_another(self, site: Site) -> None:
        """What its earlier tasks have found to be right may not be right any more."""
        voice = site.face(objects=[])
        site.manifests(config_map("a"))
        began = engine.begin(site.cluster, INSTANCE, site.namespace, voice, check_mode=False)
        assert site.manifests(config_map("a", ours="1"), remembered=began)["changed"]
        taken = {"holderIdentity": "bob@elsewhere", "acquireTime": "2026-01-01T00:00:00.000000Z"}
        gone = {lease.PROCESS: f"{lease.holder().process.rsplit('/', 1)[0]}/1", lease.RUN: "another"}
        site.cluster.patch(
            lease.LEASE, f"{INSTANCE}-lock", site.namespace, {"metadata": {"annotations": gone}, "spec": taken}
        )
        assert not site.manifests(config_map("a", ours="1"), remembered=began)["changed"]
        with pytest.raises(Failure, match=r"Another run has changed this instance since this one began: bob@elsewhere"):
            site.manifests(config_map("a", ours="2"), remembered=began)
        began = engine.begin(site.cluster, INSTANCE, site.namespace, voice, check_mode=False)
        assert site.manifests(config_map("a", ours="2"), remembered=began)["changed"]

    def test_a_run_goes_on_whose_tasks_have_no_parent_in_common(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a bastion, where each has a shell of its own."""
        began = engine.begin(site.cluster, INSTANCE, site.namespace, site.face(objects=[]), check_mode=False)
        for number in (1, os.getpid(), os.getppid()):
            monkeypatch.setattr(lease.os, "getppid", lambda number=number: number)
            assert site.manifests(config_map(f"a{number}"), remembered=began)["changed"]

    def test_a_run_begins_when_another_has_ended(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lease, "BETWEEN_TASKS", 1)
        other = hold(site, lease.Holder(name="bob@elsewhere", process=""))
        threading.Timer(0.5, other.rest, [{}]).start()
        face = site.face(objects=[])
        engine.begin(site.cluster, INSTANCE, site.namespace, face, check_mode=True)
        assert "Another run is changing this instance: bob@elsewhere" in face.warnings[0]
        engine.begin(site.cluster, INSTANCE, site.namespace, face, check_mode=False)
        assert "waiting for another run: bob@elsewhere" in face.lines[0]

    def test_the_lease_stays_with_a_run_between_its_tasks(self, site: Site) -> None:
        site.manifests(config_map("a"))
        held = site.read("Lease", f"{INSTANCE}-lock")["spec"]
        assert held["holderIdentity"] == lease.holder().name
        assert held["leaseDurationSeconds"] == lease.BETWEEN_TASKS
        site.manifests(config_map("a", more="data"))
        again = site.read("Lease", f"{INSTANCE}-lock")["spec"]
        assert again["acquireTime"] == held["acquireTime"]
        assert again["renewTime"] > held["renewTime"]

    def test_a_run_that_was_killed_here_does_not_keep_us(self, site: Site) -> None:
        me = lease.holder()
        gone = lease.Holder(name="me before", process=f"{me.process.rsplit('/', 1)[0]}/1")
        hold(site, gone)
        assert site.manifests(config_map("a"))["changed"]

    def test_who_holds_it_is_told(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        hold(site, lease.Holder(name="bob@elsewhere", process=""))
        monkeypatch.setattr("ansible_collections.dagops.airflow.plugins.module_utils.kube.engine.LOCK_PATIENCE", 0.5)
        with pytest.raises(Failure, match=r"Another run is changing this instance: bob@elsewhere, since"):
            site.manifests(config_map("a"))
        assert site.get("ConfigMap", "a") is None
