"""What a task declares, and objects as files."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.manifests import backend, files
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import RENDERERS
from ansible_collections.dagops.airflow.plugins.modules import manifests
from tests.api.support import Face, validated
from tests.unit.cases import BASE

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"x": "hunter2"}}


def face(*, check: bool = False, **params: t.Any) -> Face:
    return Face(params=validated(manifests, {"state": "rendered", **params}), check_mode=check)


class TestDeclared:
    def test_values_of_one_component(self) -> None:
        what = backend.declared(face(values=BASE, component="core", state="present").params)
        assert {obj["metadata"]["labels"]["airflow.dagops/role"] for obj in what.objects} == {"core"}
        assert {obj["metadata"]["labels"]["airflow.dagops/role"] for obj in what.siblings} >= {"rbac", "config"}
        assert what.component == "core"

    @pytest.mark.parametrize("component", ["all", None])
    def test_everything_is_for_renders_only(self, component: str | None) -> None:
        assert backend.declared(face(values=BASE, component=component).params).component is None
        with pytest.raises(Failure, match="component=all is for state=rendered only"):
            backend.declared(face(values=BASE, component=component, state="present").params)

    def test_a_misspelt_component(self) -> None:
        with pytest.raises(Failure, match=r"component is cores, .* Did you mean core\?"):
            backend.declared(face(values=BASE, component="cores").params)
        with pytest.raises(Failure, match=r"which is none of rbac, .*, all\.$"):
            backend.declared(face(values=BASE, component="xyz").params)

    def test_consents_that_need_an_instance(self) -> None:
        for params, message in (
            ({"prune": True}, "prune needs instance"),
            ({"instance": "a"}, "instance is given without namespace"),
        ):
            one = face(objects=[CONFIG], state="present", **params)
            with pytest.raises(Failure, match=message):
                backend._request(one, backend.declared(one.params))


class TestRendered:
    def test_every_component_is_a_part_of_the_whole(self) -> None:
        whole = manifests.run(face(values=BASE, component="all"))["rendered"]
        parts = [obj for name in RENDERERS for obj in manifests.run(face(values=BASE, component=name))["rendered"]]
        assert sorted(json.dumps(obj, sort_keys=True) for obj in parts) == sorted(
            json.dumps(obj, sort_keys=True) for obj in whole
        )

    def test_nothing_is_asked_of_a_cluster(self) -> None:
        result = manifests.run(face(values=BASE, component="all", kubeconfig="/nowhere"))
        assert result["api_requests"] == 0
        assert not result["changed"]

    def test_files(self, tmp_path: pathlib.Path) -> None:
        folder = tmp_path / "new" / "folder"
        params = {"values": BASE, "component": "all", "dest": str(folder)}
        predicted = manifests.run(face(check=True, **params))
        assert not folder.exists()
        result = manifests.run(face(**params))
        assert result["changed"]
        assert result["diff"] == predicted["diff"]
        assert len(list(folder.iterdir())) == len(result["rendered"])
        assert not manifests.run(face(**params))["changed"]
        texts = [path.read_text() for path in folder.iterdir()]
        kept = [yaml.safe_load(text) for text in texts]
        assert sorted(map(json.dumps, kept)) == sorted(json.dumps(obj, sort_keys=True) for obj in result["rendered"])

    def test_only_files_of_earlier_renders_are_removed(self, tmp_path: pathlib.Path) -> None:
        params = {"instance": "a", "namespace": "n", "dest": str(tmp_path)}
        other = {**CONFIG, "metadata": {"name": "b"}}
        manifests.run(face(objects=[CONFIG], **params))
        manifests.run(face(objects=[other], component="web", **params))
        (tmp_path / "mine.yaml").write_text("# mine\n")
        (tmp_path / "README.md").write_text("# Written by dagops.airflow\n")
        result = manifests.run(face(objects=[], **params))
        assert [pathlib.Path(one["before_header"]).name for one in result["diff"]] == ["configmap-a.yaml"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "configmap-b.yaml", "mine.yaml"]

    def test_secrets_are_written_without_their_values(self, tmp_path: pathlib.Path) -> None:
        result = manifests.run(face(objects=[SECRET], namespace="n", dest=str(tmp_path)))
        text = (tmp_path / "secret-a.yaml").read_text()
        assert "The values of this Secret are left out" in text
        assert "hunter2" not in text + json.dumps(result)
        assert "data" not in yaml.safe_load(text)

    @pytest.mark.parametrize(
        ("kind", "name", "namespace", "expected"),
        [
            ("Deployment", "web", "n", "deployment-web.yaml"),
            ("Role", "web", "other", "role-web.other.yaml"),
            ("ClusterRole", "system:web", None, "clusterrole-system_web.yaml"),
        ],
    )
    def test_names(self, kind: str, name: str, namespace: str | None, expected: str) -> None:
        assert files.file_name({"kind": kind, "metadata": {"name": name, "namespace": namespace}}, "n") == expected

    def test_two_objects_of_one_name(self, tmp_path: pathlib.Path) -> None:
        pair = [{**CONFIG, "metadata": {"name": name}} for name in ("a:b", "a_b")]
        with pytest.raises(Failure, match=r"Two objects would be written to configmap-a_b\.yaml"):
            manifests.run(face(objects=pair, namespace="n", dest=str(tmp_path)))

    def test_a_folder_that_cannot_be_written(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(Failure, match="cannot be read: Not a directory"):
            manifests.run(face(objects=[CONFIG], namespace="n", dest=str(tmp_path / "file")))
        with pytest.raises(Failure, match="cannot be written: Not a directory"):
            manifests.run(face(objects=[CONFIG], namespace="n", dest=str(tmp_path / "file" / "below")))


def test_secrets_are_not_shown_as_arguments() -> None:
    shown = backend.shown(face(objects=[SECRET, CONFIG], namespace="n").params)
    assert "hunter2" not in json.dumps(shown)
    assert shown["objects"][1] == CONFIG
    assert backend.shown(face(values=BASE).params)["values"] == BASE
