"""An image is that of a recipe, or that of a single program of Go modules."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import image, image_build, oci, tools
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

OURS = pathlib.Path(__file__).parents[5] / "roles/local_images/files"


class Face:
    """What the backend looks at."""

    check_mode = True

    def __init__(self, name: str) -> None:
        self.params = {"name": name, "source": str(OURS)}

    def progress(self, message: str) -> None:
        raise AssertionError(message)


def run(name: str) -> dict[str, t.Any]:
    return image.run(t.cast("t.Any", Face(name)))


@pytest.fixture(autouse=True)
def cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("DAGOPS_AIRFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(image_build, "refuse_unless_root", lambda _recipe: None)
    return tmp_path / "images"


def test_an_image_of_a_recipe_tells_what_the_machine_needs_for_it(cache: pathlib.Path) -> None:
    told = run("localhost/opensearch:2.19.1")
    assert (told["changed"], told["missing"]) == (True, True)
    assert told["packages"] == ["buildah", "mmdebstrap", "maven"]
    assert pathlib.Path(told["archive"]).parent == cache


def test_a_program_of_go_modules_needs_no_package() -> None:
    told = run("localhost/versitygw:1.8.0")
    assert told["archive"] == str(oci.archive_of(tools.named("versitygw")))
    assert (told["changed"], told["missing"], told["packages"]) == (True, True, [])


def test_what_is_in_the_cache_is_used(cache: pathlib.Path) -> None:
    cache.mkdir()
    for name in ("localhost/redis:7.0", "localhost/versitygw:1.8.0"):
        pathlib.Path(run(name)["archive"]).touch()
        told = run(name)
        assert (told["changed"], told["missing"], told["name"]) == (False, False, name)


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(Failure, match="There is no recipe for localhost/other:1"):
        run("localhost/other:1")
