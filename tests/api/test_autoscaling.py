"""The number of pods goes to an autoscaler and comes back: as check mode says, and never by way of a smaller one."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import apply, fields, kinds, replicas
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import FIELD_MANAGER
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from tests.api.support import Site, names, stateful_set, workload

AUTOSCALER = "kube-controller-manager"


def autoscaled(least: int, made: Object | None = None, **spec: t.Any) -> Object:
    """A workload whose number of pods is an autoscaler's."""
    item = made or workload("Deployment", "web", **spec)
    return {**item, "metadata": {**item["metadata"], "annotations": {replicas.AUTOSCALED: str(least)}}}


def scale(site: Site, count: int, kind: str = "Deployment", name: str = "web") -> None:
    """What an autoscaler does."""
    path = kinds.named(kind).path(site.namespace, name) + "/scale"
    site.cluster.request(
        "PATCH",
        path,
        query={"fieldManager": AUTOSCALER},
        body={"spec": {"replicas": count}},
        content_type="application/merge-patch+json",
    )


def count(site: Site, kind: str = "Deployment", name: str = "web") -> int:
    return int(site.read(kind, name)["spec"]["replicas"])


def generation(site: Site) -> int:
    """It grows with each change of a Deployment, so it tells of numbers that were there for a moment, too."""
    return int(site.read("Deployment", "web")["metadata"]["generation"])


def is_ours(site: Site) -> bool:
    applied = fields.applied(site.read("Deployment", "web"), FIELD_MANAGER)
    return "replicas" in (applied or {})["spec"]


class TestOnAndOff:
    def test_on_off_and_on_again(self, site: Site) -> None:
        site.predicted(workload("Deployment", "web", replicas=3))
        before = generation(site)
        assert names(site.predicted(autoscaled(1)), "updated") == ["Deployment/web"]
        assert (count(site), generation(site)) == (3, before + 1)
        scale(site, 7)
        assert not site.manifests(autoscaled(1))["changed"]
        assert count(site) == 7
        assert not is_ours(site)
        assert names(site.predicted(workload("Deployment", "web", replicas=3)), "updated") == ["Deployment/web"]
        # One change of the autoscaler, and one from seven to three.
        assert (count(site), generation(site)) == (3, before + 3)
        assert names(site.predicted(autoscaled(1)), "updated") == ["Deployment/web"]
        assert (count(site), generation(site)) == (3, before + 4)

    def test_off_with_as_many_as_there_are(self, site: Site) -> None:
        site.predicted(autoscaled(1))
        scale(site, 4)
        site.predicted(workload("Deployment", "web", replicas=4))
        # Nobody else owns the number any more once it was changed.
        assert names(site.predicted(workload("Deployment", "web", replicas=2)), "updated") == ["Deployment/web"]
        assert count(site) == 2

    def test_a_stateful_set(self, site: Site) -> None:
        site.predicted(stateful_set("db", replicas=3))
        site.predicted(autoscaled(1, stateful_set("db")))
        assert count(site, "StatefulSet", "db") == 3
        scale(site, 2, "StatefulSet", "db")
        site.predicted(stateful_set("db", replicas=3))
        assert count(site, "StatefulSet", "db") == 3

    def test_a_new_one_has_the_least(self, site: Site) -> None:
        assert names(site.predicted(autoscaled(2)), "created") == ["Deployment/web"]
        assert count(site) == 2

    def test_none_is_a_least(self, site: Site) -> None:
        site.predicted(autoscaled(0))
        assert count(site) == 0

    def test_fewer_than_the_least_are_made_more(self, site: Site) -> None:
        """A HorizontalPodAutoscaler leaves a workload without pods alone."""
        site.predicted(workload("Deployment", "web", replicas=0))
        site.predicted(autoscaled(2))
        assert count(site) == 2

    def test_from_an_autoscaler_that_took_all_to_one_that_begins_with_some(self, site: Site) -> None:
        site.predicted(autoscaled(0))
        scale(site, 3)
        scale(site, 0)
        assert names(site.predicted(autoscaled(1)), "updated") == ["Deployment/web"]
        assert count(site) == 1
        scale(site, 2)
        assert not site.manifests(autoscaled(1))["changed"]
        assert count(site) == 2
        assert not is_ours(site)

    def test_one_that_is_made_anew_keeps_its_number(self, site: Site) -> None:
        site.predicted(autoscaled(1))
        scale(site, 6)
        changed = autoscaled(1)
        changed["spec"]["selector"]["matchLabels"] = {"app": "web", "new": "yes"}
        changed["spec"]["template"]["metadata"]["labels"] = {"app": "web", "new": "yes"}
        assert names(site.manifests(changed, replace=True), "replaced") == ["Deployment/web"]
        assert count(site) == 6


class TestOthers:
    def test_an_autoscaler_that_acts_in_between(self, site: Site) -> None:
        """Between what was read and what is applied: its number stays, and all else is applied."""
        site.predicted(workload("Deployment", "web", replicas=3))
        wanted = autoscaled(1, image="example/app:2")
        wanted["metadata"]["namespace"] = site.namespace
        step = apply.plan(wanted, wanted, site.read("Deployment", "web"))
        (rehearsed,) = apply.rehearse(site.cluster, [step], apply.Consent(), print)
        scale(site, 5)
        apply.perform(site.cluster, [rehearsed], lambda: None)
        live = site.read("Deployment", "web")
        assert live["spec"]["replicas"] == 5
        assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "example/app:2"
        assert not is_ours(site)

    @pytest.mark.parametrize("force", [False, True])
    def test_what_others_set_besides(self, site: Site, force: bool) -> None:
        """Consent is asked for what is not the autoscaler's, and the number is not taken by it."""
        site.predicted(workload("Deployment", "web", replicas=3))
        body = {"spec": {"minReadySeconds": 5}}
        site.cluster.patch(kinds.named("Deployment"), "web", site.namespace, {"spec": {"paused": False}})
        site.cluster.request(
            "PATCH",
            kinds.named("Deployment").path(site.namespace, "web"),
            query={"fieldManager": "somebody"},
            body=body,
            content_type="application/merge-patch+json",
        )
        scale(site, 5)
        wanted = autoscaled(1, minReadySeconds=1)
        if not force:
            with pytest.raises(Failure, match=r"web: spec\.minReadySeconds set by somebody\. Leave"):
                site.manifests(wanted)
        else:
            assert names(site.predicted(wanted, force_conflicts=True), "updated") == ["Deployment/web"]
        assert count(site) == 5

    def test_a_number_that_was_left_to_nobody(self, site: Site) -> None:
        """Without autoscaling, somebody's number is told as ever."""
        site.predicted(workload("Deployment", "web", replicas=3))
        scale(site, 5)
        with pytest.raises(Failure, match=rf"web: spec\.replicas set by {AUTOSCALER}\. Leave"):
            site.manifests(workload("Deployment", "web", replicas=3))

    def test_what_others_set_is_told_when_the_number_comes_back(self, site: Site) -> None:
        site.predicted(autoscaled(1))
        scale(site, 5)
        site.cluster.request(
            "PATCH",
            kinds.named("Deployment").path(site.namespace, "web"),
            query={"fieldManager": "somebody"},
            body={"spec": {"minReadySeconds": 5}},
            content_type="application/merge-patch+json",
        )
        with pytest.raises(Failure, match=r"spec\.minReadySeconds set by somebody"):
            site.manifests(workload("Deployment", "web", replicas=3, minReadySeconds=1))
        assert count(site) == 5


class TestTrimmed:
    """Autoscalers go before what they scaled is told how many pods to have, and nothing else does."""

    def variables(self, site: Site, **more: t.Any) -> dict[str, t.Any]:
        return {
            "airflow_instance": "analytics",
            "airflow_namespace": site.namespace,
            "airflow_logging_loss_accepted": True,
            **more,
        }

    def run(self, site: Site, *, state: str, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        return site.of_values(self.variables(site, **more), component="autoscaling", state=state, check=check)

    def test_what_is_not_declared_goes(self, site: Site) -> None:
        scaled = {"airflow_autoscaling_api_server": {"max": 3}}
        self.run(site, state="present", **scaled)
        assert not self.run(site, state="trimmed", **scaled)["changed"]
        expected = self.run(site, state="trimmed", check=True)
        assert names(expected, "deleted") == ["HorizontalPodAutoscaler/analytics-api-server"]
        assert site.get("HorizontalPodAutoscaler", "analytics-api-server")
        assert self.run(site, state="trimmed")["objects"] == expected["objects"]
        assert site.get("HorizontalPodAutoscaler", "analytics-api-server") is None
        assert not self.run(site, state="trimmed")["changed"]

    def test_nothing_is_made(self, site: Site) -> None:
        assert not self.run(site, state="trimmed", airflow_autoscaling_api_server={"max": 3})["changed"]
        assert site.get("HorizontalPodAutoscaler", "analytics-api-server") is None
