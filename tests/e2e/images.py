"""Further images of Airflow, made of the one that the cluster has: with files added or taken away."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pathlib
import tarfile
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache

_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def built(version: str) -> pathlib.Path:
    """The newest archive of Airflow's image that was built here."""
    found = (cache.root() / "images").glob(f"airflow-{version}-*.tar")
    return max(found, key=os.path.getmtime)


def changed(
    archive: pathlib.Path,
    name: str,
    target: pathlib.Path,
    *,
    files: t.Mapping[str, str] | None = None,
    removed: t.Iterable[str] = (),
) -> None:
    """Write an OCI archive like ``archive``, but as the image ``name``, with further files and without others."""
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
        layer = blob(_layer(files or {}, removed), "application/vnd.oci.image.layer.v1.tar")
        manifest["layers"].append(layer)
        configuration["rootfs"]["diff_ids"].append(layer["digest"])
        manifest["config"] = blob(json.dumps(configuration).encode(), manifest["config"]["mediaType"])
        entry = blob(json.dumps(manifest).encode(), index["manifests"][0]["mediaType"])
        index["manifests"] = [{**entry, "annotations": dict.fromkeys(_NAMES, name)}]
        add("index.json", json.dumps(index).encode())


def _layer(files: t.Mapping[str, str], removed: t.Iterable[str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        for path, text in files.items():
            entry = tarfile.TarInfo(path.strip("/"))
            entry.size, entry.mode, entry.uid = len(text.encode()), 0o644, 50000
            layer.addfile(entry, io.BytesIO(text.encode()))
        for path in removed:
            folder, _slash, file = path.strip("/").rpartition("/")
            layer.addfile(tarfile.TarInfo(f"{folder}/.wh.{file}"))
    return content.getvalue()
