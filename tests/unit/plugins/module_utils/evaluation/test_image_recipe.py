"""A recipe's key covers all that goes into an image, and a recipe that cannot work is refused with the reason."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import image_recipe
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

ROOT = pathlib.Path(__file__).parents[5]
OURS = ROOT / "roles/local_images/files"
FILES = {
    "helpers/install": "#!/bin/sh\n",
    "images/base/1/Containerfile": "FROM scratch\nADD rootfs.tar /\n",
    "images/app/Containerfile": "FROM localhost/base:1\nCOPY lock /\n",
    "images/app/start.sh": "exec app\n",
    "images/app/1.0/lock": "app==1.0\n",
    "images/app/2.0/lock": "app==2.0\n",
    "images/app/2.0/start.sh": "exec app --new\n",
    "images/app/2.0/more/notes": "deep\n",
}


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(source: pathlib.Path, name: str, text: str) -> None:
    (source / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).write_text(text, encoding="utf-8")


def key(source: pathlib.Path, image: str) -> str:
    return image_recipe.load(source, image).key


def test_the_files_of_a_tag_lie_over_those_of_all_tags(source: pathlib.Path) -> None:
    old, new = (image_recipe.load(source, f"localhost/app:{tag}") for tag in ("1.0", "2.0"))
    assert sorted(old.files) == ["Containerfile", "lock", "start.sh"]
    assert sorted(new.files) == ["Containerfile", "lock", "more/notes", "start.sh"]
    assert new.files["start.sh"].read_text() == "exec app --new\n"
    assert new.image == "localhost/app:2.0"
    assert new.parent
    assert new.parent.image == "localhost/base:1"
    assert new.parent.parent is None


def test_the_archive_is_named_after_image_and_key(source: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGOPS_AIRFLOW_CACHE", "/cache")
    recipe = image_recipe.load(source, "localhost/app:1.0")
    assert recipe.archive == pathlib.Path(f"/cache/images/app-1.0-{recipe.key}.tar")


@pytest.mark.parametrize("changed", ["helpers/install", "images/base/1/Containerfile", *list(FILES)[2:5]])
def test_a_change_of_anything_it_is_made_of_changes_the_key(source: pathlib.Path, changed: str) -> None:
    before = key(source, "localhost/app:1.0")
    write(source, changed, f"{FILES[changed]}# changed\n")
    assert key(source, "localhost/app:1.0") != before


def test_a_change_of_another_tag_does_not_change_the_key(source: pathlib.Path) -> None:
    before = key(source, "localhost/app:1.0")
    write(source, "images/app/2.0/lock", "app==2.0.1\n")
    assert key(source, "localhost/app:1.0") == before


def test_the_folder_of_the_recipes_does_not_change_the_key(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for name, text in FILES.items():
        write(elsewhere, name, text)
    assert key(elsewhere, "localhost/app:2.0") == key(source, "localhost/app:2.0")


@pytest.mark.parametrize(
    "image", ["app:1.0", "localhost/app", "docker.io/app:1.0", "localhost/../app:1.0", "localhost/a:.."]
)
def test_a_name_of_another_kind_is_refused(source: pathlib.Path, image: str) -> None:
    with pytest.raises(Failure, match="no name of a local image"):
        image_recipe.load(source, image)


@pytest.mark.parametrize("image", ["localhost/app:3.0", "localhost/other:1.0"])
def test_an_unknown_image_is_refused_with_the_known_ones(source: pathlib.Path, image: str) -> None:
    with pytest.raises(Failure) as refused:
        image_recipe.load(source, image)
    assert refused.value.message.startswith(f"There is no recipe for {image}.")
    assert refused.value.message.endswith("localhost/app:1.0, localhost/app:2.0, localhost/base:1.")


@pytest.mark.parametrize(
    ("containerfile", "why"),
    [
        ("FROM docker.io/debian\n", "neither scratch nor a local image"),
        ("FROM --platform=linux/arm64 localhost/base:1\n", "neither scratch nor a local image"),
        ("FROM localhost/base:1 AS a\n", "neither scratch nor a local image"),
        ("FROM localhost/base:1\nFROM localhost/base:1\n", "it has 2 FROM lines"),
        ("RUN true\n", "it has 0 FROM lines"),
        ("FROM localhost/app:1.0\n", "builds on itself"),
        ("FROM localhost/base:2\n", "no recipe for localhost/base:2"),
    ],
)
def test_a_containerfile_that_cannot_be_built_from_packages_is_refused(
    source: pathlib.Path, containerfile: str, why: str
) -> None:
    write(source, "images/app/Containerfile", containerfile)
    with pytest.raises(Failure, match=why):
        image_recipe.load(source, "localhost/app:1.0")


def test_a_folder_without_containerfile_is_refused(source: pathlib.Path) -> None:
    (source / "images/app/Containerfile").unlink()
    with pytest.raises(Failure, match="has no Containerfile"):
        image_recipe.load(source, "localhost/app:1.0")


def test_what_the_machine_needs_is_told_with_what_the_images_below_need(source: pathlib.Path) -> None:
    assert image_recipe.load(source, "localhost/app:1.0").packages == []
    write(source, "images/base/1/prepare.packages", "maven\nzip\n")
    write(source, "images/app/prepare.packages", "maven jq\n")
    assert image_recipe.load(source, "localhost/app:1.0").packages == ["jq", "maven", "zip"]


def test_all_our_recipes_can_be_used() -> None:
    images = image_recipe.known(OURS)
    assert "localhost/airflow:3.3.2" in images
    recipes = {image: image_recipe.load(OURS, image) for image in images}
    assert len({recipe.key for recipe in recipes.values()}) == len(images)
    assert recipes["localhost/opensearch:2.19.1"].packages == ["maven"]


@pytest.mark.parametrize("lock", sorted(OURS.glob("images/*/*/requirements.lock")), ids=lambda lock: lock.parent.name)
def test_locks_pin_every_package_by_hash_and_name_no_host(lock: pathlib.Path) -> None:
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    packages = [line for line in lines if not line.startswith(" ")]
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert all(line.strip().startswith("--hash=sha256:") for line in lines if line not in packages)
