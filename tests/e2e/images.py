"""An older image of Airflow, made of the one that the cluster has: it lacks the newest migration."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import tarfile
import typing as t

_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def without(archive: pathlib.Path, path: str, name: str, target: pathlib.Path) -> None:
    """Write an OCI archive like ``archive``, but as the image ``name``, and without the file ``path``."""
    with tarfile.open(archive) as whole, tarfile.open(target, "w") as made:

        def read(descriptor: dict[str, t.Any]) -> t.Any:
            blob = whole.extractfile(f"blobs/{descriptor['digest'].replace(':', '/')}")
            assert blob
            return json.load(blob)

        def add(file: str, content: bytes) -> None:
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))

        def blob(content: bytes, kind: str) -> dict[str, t.Any]:
            digest = hashlib.sha256(content).hexdigest()
            add(f"blobs/sha256/{digest}", content)
            return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

        for member in whole:
            if member.name != "index.json":
                made.addfile(member, whole.extractfile(member) if member.isfile() else None)
        index = json.load(whole.extractfile("index.json") or io.BytesIO())
        manifest = read(index["manifests"][0])
        configuration = read(manifest["config"])
        layer = blob(_whiteout(path), "application/vnd.oci.image.layer.v1.tar")
        manifest["layers"].append(layer)
        configuration["rootfs"]["diff_ids"].append(layer["digest"])
        manifest["config"] = blob(json.dumps(configuration).encode(), manifest["config"]["mediaType"])
        entry = blob(json.dumps(manifest).encode(), index["manifests"][0]["mediaType"])
        index["manifests"] = [{**entry, "annotations": dict.fromkeys(_NAMES, name)}]
        add("index.json", json.dumps(index).encode())


def _whiteout(path: str) -> bytes:
    """A layer that takes a file away."""
    folder, _slash, file = path.lstrip("/").rpartition("/")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        layer.addfile(tarfile.TarInfo(f"{folder}/.wh.{file}"))
    return content.getvalue()
