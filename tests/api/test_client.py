"""The client against a real API server: verbs, errors in one sentence, and an API server that goes away."""

from __future__ import annotations

import base64
import os
import pathlib
import signal
import threading
import time

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import api_server
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client, kinds, transport
from tests.api.support import Site, config_map

CONFIG_MAP = kinds.named("ConfigMap")


def placed(site: Site, name: str, **data: str) -> kinds.Object:
    made = config_map(name, **data)
    made["metadata"]["namespace"] = site.namespace
    return made


class TestVerbs:
    def test_create_read_list_change_delete(self, site: Site) -> None:
        cluster = site.cluster
        assert cluster.get(CONFIG_MAP, "a", site.namespace) is None
        cluster.create(placed(site, "a", x="1"), dry_run=True)
        assert cluster.get(CONFIG_MAP, "a", site.namespace) is None
        cluster.create(placed(site, "a", x="1"))
        with pytest.raises(client.ApiError) as error:
            cluster.create(placed(site, "a", x="1"))
        assert error.value.exists
        cluster.patch(CONFIG_MAP, "a", site.namespace, {"data": {"y": "2"}})
        live = site.read("ConfigMap", "a")
        assert live["data"] == {"x": "1", "y": "2"}
        cluster.replace({**live, "data": {}})
        with pytest.raises(client.ApiError) as error:
            cluster.replace({**live, "data": {"x": "1"}})
        assert error.value.conflict
        assert cluster.delete(CONFIG_MAP, "a", site.namespace, dry_run=True)
        assert cluster.get(CONFIG_MAP, "a", site.namespace)
        assert cluster.delete(CONFIG_MAP, "a", site.namespace, uid=live["metadata"]["uid"])
        assert not cluster.delete(CONFIG_MAP, "a", site.namespace)

    def test_lists_say_what_they_hold_and_are_read_page_by_page(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(5):
            site.cluster.create(placed(site, f"a{number}"))
        monkeypatch.setattr(client, "_PAGE", 2)
        before = site.cluster.requests
        found = site.cluster.list(CONFIG_MAP, site.namespace, field_selector="metadata.name!=kube-root-ca.crt")
        assert [obj["metadata"]["name"] for obj in found] == [f"a{number}" for number in range(5)]
        assert {(obj["apiVersion"], obj["kind"]) for obj in found} == {("v1", "ConfigMap")}
        assert site.cluster.requests - before == 3

    def test_kinds_of_others_are_discovered_once(self, cluster: client.Cluster) -> None:
        assert cluster.kind("v1", "ConfigMap") == CONFIG_MAP
        assert cluster.requests == 0
        found = cluster.kind("flowcontrol.apiserver.k8s.io/v1", "FlowSchema")
        assert found
        assert not found.namespaced
        assert cluster.get(found, "exempt")
        assert cluster.kind("flowcontrol.apiserver.k8s.io/v1", "FlowSchema") is found
        assert cluster.requests == 2
        assert cluster.kind("flowcontrol.apiserver.k8s.io/v1", "Nothing") is None
        assert cluster.kind("example.org/v1", "Nothing") is None

    def test_a_secret_that_is_refused_keeps_its_value(self, site: Site) -> None:
        secret = {**placed(site, "a"), "kind": "Secret", "data": {"x": "not base64: hunter2"}}
        for verb in (site.cluster.create, site.cluster.apply):
            with pytest.raises(client.ApiError) as error:
                verb(secret)
            assert "hunter2" not in error.value.message


class TestRefusals:
    def test_a_wrong_token(self, kubeconfig: str) -> None:
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
        config["users"][0]["user"] = {"token": "e30.eyJleHAiOiAwfQ.sig"}
        with pytest.raises(Failure, match=r"refuses to log us in \(401\): the token of kubeconfig expired at 1970"):
            client.connect({"kubeconfig": config}).request("GET", "/version")

    def test_a_certificate_that_is_not_trusted(self, cluster: client.Cluster) -> None:
        with pytest.raises(Failure, match=r"its certificate is not trusted \(.*Set ca_cert"):
            client.connect({"host": cluster.server, "api_key": "t"}).request("GET", "/version")

    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
    def test_certificates_need_not_be_checked(self, cluster: client.Cluster) -> None:
        careless = client.connect({"host": cluster.server, "api_key": "t", "validate_certs": False})
        with pytest.raises(client.ApiError) as error:
            careless.list(kinds.named("Secret"))
        assert error.value.status == 401

    def test_certificates_leave_no_temporary_files(
        self, kubeconfig: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
        user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
        for part in (user, cluster):
            for name in [
                name for name in part if name in ("client-certificate", "client-key", "certificate-authority")
            ]:
                part[f"{name}-data"] = base64.b64encode(pathlib.Path(part.pop(name)).read_bytes()).decode()
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        made = client.connect({"kubeconfig": config})
        assert made.request("GET", "/version")["major"] == "1"
        assert list(tmp_path.iterdir()) == []

    def test_plain_http_on_the_tls_port(self, cluster: client.Cluster) -> None:
        with pytest.raises(Failure, match="speaks https: write https://"):
            client.connect({"host": cluster.server.replace("https", "http"), "api_key": "t"}).request("GET", "/version")


class TestAnApiServerThatGoesAway:
    """One of its own, since others use the first."""

    def test_a_run_goes_on_after_a_restart(self) -> None:
        name = f"dagops-test-restart-{os.getpid()}"

        def quiet(_message: str) -> None:
            pass

        said: list[str] = []
        kubeconfig = api_server.start(name, say=quiet)
        try:
            cluster = client.connect({"kubeconfig": str(kubeconfig)}, said.append)
            site = Site(kubeconfig=str(kubeconfig), cluster=cluster, namespace="default")
            cluster.create(placed(site, "a", x="1"))
            back = threading.Timer(4, api_server.start, [name], {"say": quiet})
            self._kill(name)
            back.start()
            started = time.monotonic()
            assert site.read("ConfigMap", "a")["data"] == {"x": "1"}
            assert time.monotonic() - started > 3
            assert "the connection is refused" in said[0]
            back.join()
        finally:
            api_server.stop(name, say=quiet)

    @staticmethod
    def _kill(name: str) -> None:
        """Kill the kube-apiserver of that name, as a crash would."""
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                command = (entry / "cmdline").read_bytes() if (entry / "cmdline").exists() else b""
                if command.split(b"\0")[0].endswith(b"kube-apiserver") and f"/{name}/".encode() in command:
                    os.kill(int(entry.name), signal.SIGKILL)
                    return
        pytest.fail("the API server does not run")


def test_patience_is_for_restarts() -> None:
    assert transport.PATIENCE_AT_FIRST < transport.PATIENCE
