"""What a build says while it runs and when it fails."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import image_build, image_recipe
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

LOG = """\
STEP 1/3: FROM localhost/base:bookworm
STEP 2/3: RUN /mnt/apt-install no-such-package && echo a line that is much longer than anybody wants to read
Reading package lists...
E: Unable to locate package no-such-package
subprocess exited with status 100
Error: building at STEP "RUN /mnt/apt-install no-such-package": exit status 100
"""


def test_a_failure_gives_the_words_of_the_command_and_not_of_buildah() -> None:
    assert image_build.reason(LOG) == "E: Unable to locate package no-such-package"


def test_progress_names_the_step() -> None:
    assert image_build.step(LOG) == " at step 2/3 (RUN /mnt/apt-install no-such-package && echo a line that is ...)"
    assert image_build.step("I: mmdebstrap\n") == ""
    assert image_build.step(f"{LOG}COMMIT oci-archive:/somewhere\n") == " (writing its archive)"


def test_an_archive_that_is_there_is_used(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGOPS_AIRFLOW_CACHE", str(tmp_path))
    recipe = image_recipe.Recipe(name="app", tag="1", files={}, helpers=tmp_path / "helpers", parent=None)
    recipe.archive.parent.mkdir()
    recipe.archive.touch()
    assert image_build.ensure(recipe, print) is False


def test_only_root_may_build(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    recipe = image_recipe.Recipe(name="app", tag="1", files={}, helpers=tmp_path, parent=None)
    with pytest.raises(Failure, match="Run as root, or use the public images"):
        image_build.refuse_unless_root(recipe)


def test_missing_programs_are_named_with_their_packages(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGOPS_AIRFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(image_build.command, "find", lambda _program: None)
    recipe = image_recipe.Recipe(name="app", tag="1", files={}, helpers=tmp_path, parent=None)
    recipe.archive.parent.mkdir()
    with pytest.raises(Failure, match=r"buildah and mmdebstrap .* apt-get install buildah mmdebstrap util-linux"):
        image_build.ensure(recipe, print)
    assert not recipe.archive.exists()
