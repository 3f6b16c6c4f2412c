"""Files of manifests, read by ansible-core itself."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from ansible_collections.dagops.airflow.plugins.plugin_utils import extra_files
from tests.unit.cases import BASE

Object = dict[str, t.Any]


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"


@pytest.fixture(scope="module", autouse=True)
def plugins() -> None:
    init_plugin_loader()


@pytest.fixture
def inventory(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "inventory").mkdir()
    return tmp_path / "inventory"


@pytest.fixture
def playbooks(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "playbooks").mkdir()
    return tmp_path / "playbooks"


@pytest.fixture
def variables(inventory: pathlib.Path, playbooks: pathlib.Path) -> Object:
    return {"inventory_dir": str(inventory), "playbook_dir": str(playbooks), "who": "World"}


def expanded(variables: Object, given: t.Any) -> t.Any:
    loader = DataLoader()
    result = extra_files.expanded(given, variables, Templar(loader=loader, variables=variables), loader)
    return json.loads(json.dumps(result))


def names(variables: Object, *given: t.Any) -> list[str]:
    """The names of the objects that are rendered."""
    values = load({**BASE, "airflow_extra_manifests": expanded(variables, list(given))})
    return [item["metadata"]["name"] for item in render(values, "extra")]


def refused(variables: Object, *given: t.Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        expanded(variables, list(given))
    return caught.value.problems


def test_the_inventory_comes_before_the_playbook(
    variables: Object, inventory: pathlib.Path, playbooks: pathlib.Path
) -> None:
    (inventory / "both.yml").write_text(config_map("inventory"))
    (playbooks / "both.yml").write_text(config_map("playbook"))
    (playbooks / "one.yml").write_text(config_map("one"))
    assert names(variables, "both.yml", "one.yml", str(playbooks / "both.yml")) == ["inventory", "one", "playbook"]


def test_globs_are_sorted_and_leave_folders_out(variables: Object, inventory: pathlib.Path) -> None:
    (inventory / "deep" / "er.yml").mkdir(parents=True)
    for name in ("b.yml", "a.yml", "deep/c.yml"):
        (inventory / name).write_text(config_map(pathlib.Path(name).stem))
    assert names(variables, "*.yml") == ["a", "b"]
    assert names(variables, "**/*.yml") == ["a", "b", "c"]


def test_a_file_may_hold_many_documents_and_none(variables: Object, inventory: pathlib.Path) -> None:
    (inventory / "many.yml").write_text(f"---\n{config_map('a')}---\n---\n# nothing\n---\n{config_map('b')}")
    (inventory / "none.yml").write_text("# nothing\n")
    assert names(variables, "many.yml", "none.yml") == ["a", "b"]


def test_templates_see_the_variables_and_other_templates(variables: Object, inventory: pathlib.Path) -> None:
    (inventory / "a.yml.j2").write_text("{% include 'b.j2' %}\n\ndata:\n  hello: {{ who }}\n")
    (inventory / "b.j2").write_text(config_map("{{ who | lower }}"))
    ((found,),) = [one["items"] for one in expanded(variables, ["a.yml.j2"])]
    assert found["metadata"]["name"] == "world"
    assert found["data"] == {"hello": "World"}


def test_only_templates_are_templated(variables: Object, inventory: pathlib.Path) -> None:
    (inventory / "a.yml").write_text(config_map("a") + 'data:\n  text: "{{ who }} {{ nobody }}"\n')
    ((found,),) = [one["items"] for one in expanded(variables, ["a.yml"])]
    assert found["data"] == {"text": "{{ who }} {{ nobody }}"}


def test_objects_and_lists_as_text_are_taken_too(variables: Object, inventory: pathlib.Path) -> None:
    (inventory / "a.yml").write_text(config_map("a"))
    inline = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}
    assert names(variables, "a.yml", inline) == ["a", "b"]
    assert expanded(variables, json.dumps(["a.yml", inline])) == expanded(variables, ["a.yml", inline])
    assert expanded(variables, {"not": "a list"}) == {"not": "a list"}


def test_what_cannot_be_read_is_told_all_at_once(
    variables: Object, inventory: pathlib.Path, playbooks: pathlib.Path
) -> None:
    (inventory / "broken.yml").write_text("a: [\n")
    (inventory / "undefined.yml.j2").write_text("{{ nobody }}")
    (inventory / "syntax.yml.j2").write_text("{% if %}")
    (inventory / "binary.yml").write_bytes(b"\xff\xfe\xff")
    none, absolute, broken, undefined, syntax, binary = refused(
        variables, "none.yml", "/none/*.yml", "broken.yml", "undefined.yml.j2", "syntax.yml.j2", "binary.yml"
    )
    assert none == (
        "airflow_extra_manifests[0] is 'none.yml', which is no file, and matches none; looked beside the inventory "
        f"({inventory}) and beside the playbook ({playbooks})"
    )
    assert absolute == "airflow_extra_manifests[1] is '/none/*.yml', which is no file, and matches none"
    assert broken.startswith(f"airflow_extra_manifests[2]: {inventory}/broken.yml is no valid YAML: ")
    assert undefined.startswith(f"airflow_extra_manifests[3]: {inventory}/undefined.yml.j2 cannot be templated: ")
    assert "'nobody' is undefined" in undefined
    assert syntax.startswith(f"airflow_extra_manifests[4]: {inventory}/syntax.yml.j2 cannot be templated: ")
    assert binary.startswith(f"airflow_extra_manifests[5]: {inventory}/binary.yml")


def test_values_of_secrets_do_not_leave_the_controller(variables: Object, inventory: pathlib.Path) -> None:
    (inventory / "a.yml").write_text(f"{config_map('a').replace('ConfigMap', 'Secret')}stringData:\n  a: hunter2\n")
    (told,) = refused(variables, "a.yml")
    assert told.startswith("airflow_extra_manifests[0].items[0] holds values of Secret/a")
    assert "hunter2" not in told


def test_where_there_is_no_inventory_folder(variables: Object, playbooks: pathlib.Path) -> None:
    (playbooks / "a.yml").write_text(config_map("a"))
    assert names({**variables, "inventory_dir": None}, "a.yml") == ["a"]
