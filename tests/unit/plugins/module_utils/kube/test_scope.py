"""Objects become complete, and those that are ours can be told from all others."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds, scope
from ansible_collections.dagops.airflow.plugins.module_utils.kube.live import Place

SCOPE = scope.Scope(instance="analytics", namespace="n", component="core")


def prepared(*objects: t.Any, part: scope.Scope | None = SCOPE, namespace: str | None = "n") -> list[dict[str, t.Any]]:
    return scope.prepared(objects, part, namespace, kinds.known)


def obj(kind: str = "ConfigMap", api_version: str = "v1", **body: t.Any) -> dict[str, t.Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, **body}


def test_objects_get_namespace_and_labels() -> None:
    (made,) = prepared(obj())
    assert made["metadata"] == {
        "name": "a",
        "namespace": "n",
        "labels": {
            "app.kubernetes.io/instance": "analytics",
            "app.kubernetes.io/managed-by": "dagops.airflow",
            "airflow.dagops/role": "core",
        },
    }


def test_what_was_given_is_not_touched() -> None:
    given = obj()
    prepared(given)
    assert given == obj()


def test_without_an_instance_there_are_no_labels() -> None:
    assert prepared(obj(), part=None)[0]["metadata"] == {"name": "a", "namespace": "n"}


def test_cluster_wide_objects_have_no_namespace() -> None:
    assert "namespace" not in prepared(obj("Namespace"))[0]["metadata"]


def test_what_is_away_from_home_says_where_home_is() -> None:
    """A namespace is anybody's, and is read by its name."""
    elsewhere = obj()
    elsewhere["metadata"]["namespace"] = "team"
    found = prepared(obj(), elsewhere, obj("ClusterRole", "rbac.authorization.k8s.io/v1"), obj("Namespace"))
    assert [item["metadata"]["labels"].get(scope.HOME) for item in found] == [None, "n", "n", None]


def test_unknown_kinds_are_taken_to_live_in_namespaces() -> None:
    assert prepared(obj("Thing", "example.org/v1"))[0]["metadata"]["namespace"] == "n"


def test_objects_read_from_a_cluster_can_be_given() -> None:
    read = obj(status={"x": 1})
    read["metadata"] |= {"uid": "1", "resourceVersion": "2", "managedFields": [], "creationTimestamp": None}
    assert prepared(read) == prepared(obj())


def test_lists_are_flattened() -> None:
    assert len(prepared({"kind": "List", "items": [obj(), obj("Secret")]})) == 2


def test_texts_of_secrets_become_data() -> None:
    (made,) = prepared(obj("Secret", data={"a": "eA=="}, stringData={"b": "y"}))
    assert made["data"] == {"a": "eA==", "b": base64.b64encode(b"y").decode()}
    assert "stringData" not in made


def test_the_defaults_of_a_rolling_update_are_ours() -> None:
    (made,) = prepared(obj("Deployment", "apps/v1", spec={"strategy": {"rollingUpdate": {"maxSurge": 1}}}))
    assert made["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"},
    }
    (made,) = prepared(obj("Deployment", "apps/v1", spec={"strategy": {"type": "Recreate"}}))
    assert made["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("text", "must be a mapping"),
        ({"kind": "ConfigMap"}, r"\(ConfigMap\) lacks"),
        ({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"generateName": "a"}}, "lacks apiVersion, kind or"),
        ({"metadata": {"name": "a"}}, r"\(a\) lacks"),
    ],
)
def test_objects_that_are_none(given: t.Any, message: str) -> None:
    with pytest.raises(Failure, match=message):
        prepared(given)


def test_duplicates_are_refused() -> None:
    with pytest.raises(Failure, match="ConfigMap/n/a is declared twice"):
        prepared(obj(), obj())


def test_a_namespace_is_needed() -> None:
    with pytest.raises(Failure, match="ConfigMap/a has no namespace"):
        prepared(obj(), namespace=None)


def live(**labels: str) -> dict[str, t.Any]:
    made = prepared(obj())[0]
    made["metadata"]["labels"] |= {name.replace("__", "/"): value for name, value in labels.items()}
    made["metadata"]["managedFields"] = [{"manager": "dagops.airflow"}]
    return made


def test_ownership() -> None:
    assert SCOPE.owns(live())
    assert not SCOPE.owns(live(**{"airflow.dagops__role": "database"}))
    assert not SCOPE.owns({**live(), "metadata": {**live()["metadata"], "managedFields": []}})


def test_objects_of_other_instances() -> None:
    assert SCOPE.foreign(live()) is None
    assert SCOPE.foreign(live(**{"app.kubernetes.io__instance": "ml"})) == "ml"
    # Whoever made it by other means is asked by the API server's rules on conflicts.
    helm = live(**{"app.kubernetes.io__instance": "ml", "app.kubernetes.io__managed-by": "Helm"})
    assert SCOPE.foreign(helm) is None


def test_objects_of_an_instance_of_that_name_elsewhere() -> None:
    ours, theirs = live(**{"airflow.dagops__namespace": "n"}), live(**{"airflow.dagops__namespace": "m"})
    assert (SCOPE.owns(ours), SCOPE.owns(theirs)) == (True, False)
    assert SCOPE.foreign(ours) is None
    assert SCOPE.foreign(theirs) == "analytics in namespace m"


def test_notes_remember_places() -> None:
    places = {Place("apps/v1", "Deployment", "n"), Place("v1", "ConfigMap", "n"), Place("v1", "Namespace", "")}
    note = scope.note_of(places)
    assert note == "apps/v1:Deployment@n,v1:ConfigMap@n,v1:Namespace"
    assert scope.remembered(note) == places
    assert scope.remembered("") == set()
    assert scope.notes_of_kinds({SCOPE.note: note, "airflow.dagops/process": "x"}) == {SCOPE.note: note}
