"""Rules that hold for the repository as a whole."""

from __future__ import annotations

import ast
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def load(path: str) -> t.Any:
    return yaml.safe_load((ROOT / path).read_text())


def names(pattern: str) -> set[str]:
    return {path.stem for path in ROOT.glob(pattern) if path.stem != "__init__"}


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


MODULES = sorted(names("plugins/modules/*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted(names("playbooks/*.yml"))


def constants(module: str) -> dict[str, str]:
    """The texts that a module assigns at its top level, such as DOCUMENTATION."""
    found = {}
    for node in ast.parse((ROOT / f"plugins/modules/{module}.py").read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def test_every_module_has_an_action_face_and_every_action_a_module() -> None:
    assert names("plugins/action/*.py") == set(MODULES)


def test_the_action_group_holds_every_module_that_reaches_a_cluster() -> None:
    group = load("meta/runtime.yml")["action_groups"]["airflow"]
    reaching = [name for name in MODULES if "kubernetes.core.k8s_auth_options" in constants(name)["DOCUMENTATION"]]
    assert group == [*reaching, {"metadata": {"extend_group": ["kubernetes.core.k8s"]}}]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_documented(module: str) -> None:
    assert {"DOCUMENTATION", "EXAMPLES", "RETURN"} <= set(constants(module))


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_state_their_licence(path: Path) -> None:
    text = path.read_text()
    assert "GNU General Public License v3.0+" in text or not text


def test_packages_hold_nothing() -> None:
    assert [path for path in (ROOT / "plugins").rglob("__init__.py") if path.read_text()] == []


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_are_its_argument_specs(role: str) -> None:
    defaults = load(f"roles/{role}/defaults/main.yml") or {}
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(defaults) == {name for name in options if name.startswith(f"{role}_")}
    for name, value in defaults.items():
        expected = options[name].get("default", value or None)
        assert (value or None) == (expected or None), f"{name}: {value!r} in defaults, {expected!r} in argument_specs"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_an_entry_point_for_each_spec(role: str) -> None:
    for entry_point in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]:
        assert (ROOT / f"roles/{role}/tasks/{entry_point}.yml").is_file()


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_can_be_called_by_its_full_name(playbook: str) -> None:
    assert playbook.isidentifier()


def test_nothing_names_this_machine_or_a_mirror() -> None:
    local = [f"{ROOT}/", f"{Path.home()}/", "--index-url", "--find-links", "--trusted-host"]
    forbidden = re.compile("|".join(re.escape(text) for text in local).encode())
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path != Path(__file__) and path.suffix != ".png"
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert found == []


def test_the_requirements_of_users_allow_what_is_locked() -> None:
    locked = dict(re.findall(r"^([a-z0-9-]+)==([0-9][0-9.]*)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    asked = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "meta/ee-requirements.txt").read_text(), re.MULTILINE)
    assert {name.lower() for name in asked} <= set(locked)


def test_the_collection_it_builds_on_is_named_alike_everywhere() -> None:
    dependency = load("galaxy.yml")["dependencies"]
    required = {entry["name"]: entry["version"] for entry in load("requirements.yml")["collections"]}
    assert dependency == required
