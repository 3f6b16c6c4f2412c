"""Images of static programs."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import go_build, oci
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from tests.unit.plugins.module_utils.evaluation.conftest import MakeTool

IMAGE = go_build.Image(name="localhost/hello:1.0", user="65532:65532")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "hello"
    path.write_bytes(b"\x7fELF and more")
    return path


@pytest.fixture
def archive(tmp_path: Path, program: Path) -> Path:
    target = tmp_path / "hello.tar"
    oci.write(target, IMAGE, [program])
    return target


def blob(archive: tarfile.TarFile, digest: str) -> bytes:
    file = archive.extractfile(f"blobs/{digest.replace(':', '/')}")
    assert file is not None
    return file.read()


def test_the_same_program_gives_the_same_bytes(archive: Path, program: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar"
    program.touch()
    oci.write(again, IMAGE, [program])
    assert again.read_bytes() == archive.read_bytes()


def test_every_blob_is_what_its_digest_says(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        names = [name for name in opened.getnames() if name.startswith("blobs/")]
        assert len(names) == 3
        for name in names:
            file = opened.extractfile(name)
            assert file is not None
            assert hashlib.sha256(file.read()).hexdigest() == name.rpartition("/")[2]


def test_the_image_runs_the_program_as_its_user(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        index = json.load(opened.extractfile("index.json"))  # type: ignore[arg-type]
        manifest = json.loads(blob(opened, index["manifests"][0]["digest"]))
        config = json.loads(blob(opened, manifest["config"]["digest"]))
        (layer,) = manifest["layers"]
        content = blob(opened, layer["digest"])
    assert config["config"]["Entrypoint"] == ["/bin/hello"]
    assert config["config"]["User"] == "65532:65532"
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    assert layer["size"] == len(content)


def test_an_image_of_several_programs_runs_what_the_pod_names(tmp_path: Path, program: Path) -> None:
    other = tmp_path / "bye"
    other.write_bytes(b"\x7fELF")
    target = tmp_path / "both.tar"
    oci.write(target, IMAGE, [other, program])
    with tarfile.open(target) as opened:
        index = json.load(opened.extractfile("index.json"))  # type: ignore[arg-type]
        manifest = json.loads(blob(opened, index["manifests"][0]["digest"]))
        config = json.loads(blob(opened, manifest["config"]["digest"]))
        layer = io.BytesIO(blob(opened, manifest["layers"][0]["digest"]))
    assert "Entrypoint" not in config["config"]
    with tarfile.open(fileobj=layer) as opened:
        assert opened.getnames() == ["bin", "bin/bye", "bin/hello"]


def test_the_layer_holds_the_program_and_nothing_else(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as opened:
        layer = next(name for name in opened.getnames() if opened.getmember(name).size > 5000)
        opened.extract(layer, tmp_path, filter="data")
    with tarfile.open(tmp_path / layer) as opened:
        assert opened.getnames() == ["bin", "bin/hello"]
        member = opened.getmember("bin/hello")
        assert (member.mode, member.uid, member.mtime) == (0o755, 0, 0)


def test_an_archive_tells_its_images(archive: Path) -> None:
    (image,) = oci.read(archive)
    assert image.name == "localhost/hello:1.0"
    assert image.digest.startswith("sha256:")


def test_what_is_no_archive_is_said_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_text("nothing")
    with pytest.raises(Failure, match=r"broken\.tar is no OCI image archive"):
        oci.read(broken)


@pytest.mark.usefixtures("cache_root")
def test_a_tool_without_an_image_is_refused(make_tool: MakeTool, said: list[str]) -> None:
    with pytest.raises(Failure, match="hello has no image"):
        oci.ensure(make_tool(), said.append)
