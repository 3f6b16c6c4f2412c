"""Which cluster the options mean."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    api_server,
    cluster,
    existing,
    kind,
    native,
    provider,
    state,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

DEFAULTS = {name: option.get("default") for name, option in {**cluster.WHICH, **cluster.WHAT}.items()}


@pytest.fixture(autouse=True)
def folders_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def folders(name: str) -> state.Folders:
        return state.Folders(name=name, parent=tmp_path / "lib", runtime_parent=tmp_path / "run")

    monkeypatch.setattr(state, "folders", folders)
    monkeypatch.setattr(kind, "installed", lambda: False)
    monkeypatch.setattr(kind, "engine", lambda: None)


def choose(**options: t.Any) -> provider.Provider:
    return cluster.choose({**DEFAULTS, **options}, lambda _message: None)


def test_native_without_a_container_engine() -> None:
    chosen = choose()
    assert isinstance(chosen, native.Native)
    assert chosen.context == "dagops"


def test_kind_where_an_engine_answers_and_kind_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "engine", lambda: "docker")
    assert isinstance(choose(), native.Native)
    monkeypatch.setattr(kind, "installed", lambda: True)
    chosen = choose()
    assert isinstance(chosen, kind.Kind)
    assert chosen.context == "dagops"


def test_a_cluster_stays_what_it_was_made_by(monkeypatch: pytest.MonkeyPatch) -> None:
    state.folders("dagops").write_record({"provider": "native", "components": "all"})
    monkeypatch.setattr(kind, "installed", lambda: True)
    monkeypatch.setattr(kind, "engine", lambda: "docker")
    assert isinstance(choose(), native.Native)


def test_the_api_alone_has_a_name_of_its_own() -> None:
    chosen = choose(components="api")
    assert isinstance(chosen, api_server.ApiServer)
    assert chosen.context == "dagops-api"


def test_an_existing_cluster_is_used_only_when_it_is_named() -> None:
    with pytest.raises(Failure, match="needs kubeconfig and context"):
        choose(provider="existing")
    with pytest.raises(Failure, match="needs context "):
        choose(provider="existing", kubeconfig="/kubeconfig")
    chosen = choose(provider="existing", kubeconfig="/kubeconfig", context="mine")
    assert isinstance(chosen, existing.Existing)
    assert chosen.absent(keep_data=False) is False


@pytest.mark.parametrize("name", ["Dagops", "a-very-long-name", "-a", "a-", "a/b", ""])
def test_a_name_must_fit_an_interface(name: str) -> None:
    if not name:
        assert choose(name=name).context == "dagops"
        return
    with pytest.raises(Failure, match="cannot be the name of an evaluation cluster"):
        choose(name=name)


def test_networks_are_checked() -> None:
    with pytest.raises(Failure, match="local_cluster_pod_cidr is no IPv4 network"):
        choose(pod_cidr="10.244.0.1/16")
    with pytest.raises(Failure, match=r"local_cluster_pod_cidr 10.96.0.0/12 and local_cluster_service_cidr .* overlap"):
        choose(pod_cidr="10.96.0.0/12")


def test_components_do_not_change() -> None:
    state.folders("dagops").write_record({"provider": "native", "components": "api"})
    with pytest.raises(Failure, match="exists with components api, not all"):
        choose(name="dagops")


def test_who_asks_need_not_say_again_what_the_cluster_was_made_as() -> None:
    state.folders("dagops").write_record(
        {"provider": "native", "components": "all", "link_cidr": "10.1.0.0/30", "pod_cidr": "10.2.0.0/16"}
    )
    which = {name: option.get("default") for name, option in cluster.WHICH.items()}
    chosen = cluster.choose(which, lambda _message: None)
    assert isinstance(chosen, native.Native)
    assert chosen.network.link_cidr == "10.1.0.0/30"
    assert chosen.network.service_cidr == "10.96.0.0/16"


def test_the_addons_are_those_told_else_those_there_are_else_the_usual_ones() -> None:
    folders = state.folders("dagops")
    assert choose().addons == ("coredns", "local-path", "metrics-server")
    state.write(folders.addons, json.dumps({addons.KUBELET_API: [], "coredns": [], "keda": []}))
    assert choose().addons == ("coredns", "keda")
    assert choose(addons=["coredns"]).addons == ("coredns",)
    assert choose(addons=[]).addons == ()


class Asked:
    """A face in check mode or not."""

    diff_mode = False

    def __init__(self, check_mode: bool, **params: t.Any) -> None:
        self.check_mode = check_mode
        self.params = {**DEFAULTS, "state": "present", "keep_data": False, **params}

    def warn(self, message: str) -> None:
        raise AssertionError(message)

    progress = warn


def test_check_mode_tells_what_would_be_done_and_does_nothing() -> None:
    assert cluster.run(Asked(True))["changed"] is True
    assert cluster.run(Asked(True, state="absent"))["changed"] is False
    assert not state.folders("dagops").parent.exists()


def test_no_cluster_is_no_error_to_remove() -> None:
    assert cluster.run(Asked(False, state="absent"))["changed"] is False


def test_info_on_no_cluster() -> None:
    result = cluster.run_info(Asked(False))
    assert (result["exists"], result["ready"]) == (False, False)
    assert result["summary"] == ["Cluster dagops does not exist."]
