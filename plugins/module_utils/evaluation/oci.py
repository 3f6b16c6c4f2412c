# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Container images of static programs: an OCI archive written by hand, the same bytes for the same program.

A node cannot start a pod before it has such images, so nothing that needs a container (or buildah) may build them.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import hashlib
import io
import json
import pathlib
import platform
import tarfile
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache, go_build
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure

FORMAT: t.Final = b"1"
"""Part of the cache's key: change it when the same program should give another archive."""
_ARCHITECTURES: t.Final = {"x86_64": "amd64", "aarch64": "arm64"}
_MANIFEST: t.Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG: t.Final = "application/vnd.oci.image.config.v1+json"
_LAYER: t.Final = "application/vnd.oci.image.layer.v1.tar"
_NAME: t.Final = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME: t.Final = "io.containerd.image.name"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Archived:
    """An image in an archive."""

    name: str
    digest: str


@dataclasses.dataclass(frozen=True)
class _Blob:
    media_type: str
    content: bytes

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def descriptor(self) -> dict[str, t.Any]:
        return {"mediaType": self.media_type, "digest": f"sha256:{self.hash}", "size": len(self.content)}


def archive_of(tool: go_build.Tool) -> pathlib.Path:
    """Where the archive of the tool's image is, or will be."""
    return cache.root() / "images" / f"{tool.name}-{cache.key(FORMAT, tool.key.encode())}.tar"


def ensure(tool: go_build.Tool, say: cache.Say) -> bool:
    """Have the archive of the tool's image in the cache; whether it had to be written."""
    image = tool.image
    if image is None:
        raise Failure(f"{tool.name} has no image: its tool.toml has no [image].")
    if archive_of(tool).exists():
        return False
    go_build.ensure(tool, say)
    return cache.produce(archive_of(tool), lambda target: write(target, image, tool.programs), say)


def write(target: pathlib.Path, image: go_build.Image, programs: c.Sequence[pathlib.Path]) -> None:
    """Write the archive of an image of ``programs``: it runs the only one, or of several the one that a pod names."""
    layer = _Blob(_LAYER, _layer(programs))
    config = _Blob(_CONFIG, _json(_configuration(image, programs, layer)))
    manifest = _Blob(
        _MANIFEST,
        _json(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": config.descriptor,
                "layers": [layer.descriptor],
            }
        ),
    )
    names = {_NAME: image.name, _CONTAINERD_NAME: image.name}
    index = {"schemaVersion": 2, "manifests": [{**manifest.descriptor, "annotations": names}]}
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _json(index))
        for blob in (layer, config, manifest):
            _add(archive, f"blobs/sha256/{blob.hash}", blob.content)


def read(archive: pathlib.Path) -> list[Archived]:
    """The named images in an OCI archive, whoever wrote it."""
    try:
        with tarfile.open(archive) as opened:
            index = json.load(t.cast("t.IO[bytes]", opened.extractfile("index.json")))
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise Failure(f"{archive} is no OCI image archive: {error}. Build it again.") from error
    return list(_named(index.get("manifests") or []))


def _named(manifests: c.Iterable[dict[str, t.Any]]) -> c.Iterator[Archived]:
    for manifest in manifests:
        annotations = manifest.get("annotations") or {}
        name = annotations.get(_CONTAINERD_NAME) or annotations.get(_NAME)
        if name:
            yield Archived(name=name, digest=manifest["digest"])


def _configuration(image: go_build.Image, programs: c.Sequence[pathlib.Path], layer: _Blob) -> dict[str, t.Any]:
    machine = platform.machine()
    entrypoint = {"Entrypoint": [f"/bin/{programs[0].name}"]} if len(programs) == 1 else {}
    return {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], **entrypoint, "User": image.user, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.hash}"]},
    }


def _layer(programs: c.Iterable[pathlib.Path]) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.USTAR_FORMAT) as opened:
        folder = tarfile.TarInfo("bin")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        opened.addfile(folder)
        for program in programs:
            _add(opened, f"bin/{program.name}", program.read_bytes(), mode=0o755)
    return layer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    # A TarInfo of our own has owner root and time 0, so that the same content is the same archive.
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _json(content: dict[str, t.Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def run(face: Face) -> dict[str, t.Any]:
    """The backend of the module ``go_binary``."""
    tool = go_build.read(pathlib.Path(face.params["source"]))
    wants_image: bool = face.params["image"]
    target, make = (archive_of(tool), ensure) if wants_image else (tool.target, go_build.ensure)
    changed = not target.exists() if face.check_mode else make(tool, face.progress)
    programs = tool.target.iterdir() if tool.target.exists() else ()
    return {
        "changed": changed,
        "path": str(tool.target),
        "programs": sorted(str(program) for program in programs),
        **({"archive": str(target)} if wants_image else {}),
    }
