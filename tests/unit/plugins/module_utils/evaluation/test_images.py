"""Which archives a node lacks."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import go_build, images, oci

TABLE = """\
REF                     TYPE                                       DIGEST        SIZE     PLATFORMS   LABELS
localhost/coredns:1.15  application/vnd.oci.image.manifest.v1+json sha256:aaaa   75.2 MiB linux/amd64 a=b
sha256:bbbb             application/vnd.oci.image.manifest.v1+json sha256:cccc   75.2 MiB linux/amd64 -
"""


def archive(folder: Path, content: bytes) -> Path:
    program = folder / "hello"
    program.write_bytes(content)
    target = folder / f"{content.decode()}.tar"
    oci.write(target, go_build.Image(name="localhost/hello:1", user="0:0"), [program])
    return target


def test_the_table_of_containerd_is_read() -> None:
    assert images.parse(TABLE) == {"localhost/coredns:1.15": "sha256:aaaa", "sha256:bbbb": "sha256:cccc"}


def test_what_a_node_has_is_not_missing(tmp_path: Path) -> None:
    one = archive(tmp_path, b"one")
    (image,) = oci.read(one)
    assert images.missing({image.name: image.digest}, [one]) == {}


def test_the_same_name_with_other_content_is_missing(tmp_path: Path) -> None:
    one, two = archive(tmp_path, b"one"), archive(tmp_path, b"two")
    (image,) = oci.read(one)
    missing = images.missing({image.name: image.digest}, [one, two])
    assert missing == {two: ["localhost/hello:1"]}
    assert images.names(missing) == ["localhost/hello:1"]
