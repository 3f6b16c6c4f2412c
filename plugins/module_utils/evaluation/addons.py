# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is installed into a cluster: one list of manifests per add-on, with ``${placeholders}`` for the cluster's facts.

Where a project's manifests are many and fit with few changes, the add-on is a kustomization of them instead: the Go
module of the same name brings them along, and what is rendered is kept in the cache.

An add-on names its images in its files; those that we build ourselves are built and loaded because of that alone.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import json
import pathlib
import re
import string
import tempfile
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    cache,
    files,
    go_build,
    kubectl,
    state,
    tools,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

YAML_IMPORT_ERROR: str | None
try:
    import yaml
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()
else:
    YAML_IMPORT_ERROR = None

KUBELET_API: t.Final = "kubelet-api"
"""The add-on that a node needs where kubeadm does not make it."""
_IMAGE: t.Final = re.compile(r"\blocalhost/[\w./-]+:[\w.-]+")
_WAIT: t.Final = "airflow.dagops/wait"
_KUSTOMIZATION: t.Final = "kustomization.yaml"


def names() -> list[str]:
    """The add-ons that there are to choose from."""
    return sorted({path.stem for path in files.ADDONS.iterdir()} - {KUBELET_API})


def manifests(name: str, facts: c.Mapping[str, str], client: kubectl.Kubectl, say: cache.Say) -> list[kubectl.Object]:
    """The objects of an add-on on a cluster with these ``facts``."""
    if YAML_IMPORT_ERROR is not None:
        raise Failure(missing_required_lib("PyYAML"), exception=YAML_IMPORT_ERROR)
    if (files.ADDONS / name).is_dir():
        return _rendered(name, client, say)
    return t.cast("list[kubectl.Object]", yaml.safe_load(string.Template(_read(name)).substitute(facts)))


def _rendered(name: str, client: kubectl.Kubectl, say: cache.Say) -> list[kubectl.Object]:
    """The objects of an add-on whose manifests come with its Go module."""
    tool = tools.named(name)
    key = cache.key(tool.key.encode(), _read(name).encode())
    kept = cache.root() / "addons" / f"{name}-{key}.json"

    def render(target: pathlib.Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            (work / _KUSTOMIZATION).write_text(_read(name), encoding="utf-8")
            (work / "config").symlink_to(go_build.source(tool, say) / "config")
            # The C loader is ten times as fast, and some builds of PyYAML do not have it.
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            target.write_text(json.dumps(list(yaml.load_all(client.kustomize(work), loader))), encoding="utf-8")

    cache.produce(kept, render, say)
    return t.cast("list[kubectl.Object]", json.loads(kept.read_text(encoding="utf-8")))


def images(wanted: c.Iterable[str]) -> list[go_build.Tool]:
    """The images that the ``wanted`` add-ons need and that we build ourselves."""
    named = {image for name in wanted for image in _IMAGE.findall(_read(name))}
    return [tool for image, tool in tools.by_image().items() if image in named]


def installed(folders: state.Folders) -> dict[str, list[kubectl.Object]]:
    """Kind and name of the objects of each add-on that was installed, or was about to be when something interrupted."""
    with contextlib.suppress(FileNotFoundError):
        return t.cast("dict[str, list[kubectl.Object]]", json.loads(folders.addons.read_text(encoding="utf-8")))
    return {}


def ensure(
    client: kubectl.Kubectl, folders: state.Folders, wanted: c.Mapping[str, list[kubectl.Object]]
) -> tuple[bool, list[kubectl.Object]]:
    """Have the ``wanted`` add-ons, and no other, in the cluster; whether that changed something, and how they are."""
    before = installed(folders)
    after = {name: [_reference(obj) for obj in objects] for name, objects in wanted.items()}
    kept = {_identity(obj) for objects in after.values() for obj in objects}
    gone = {name: [obj for obj in objects if _identity(obj) not in kept] for name, objects in before.items()}
    # Whatever there is of an add-on, the record has it.
    both = {name: [*after.get(name, ()), *gone.get(name, ())] for name in {**before, **after}}
    state.write(folders.addons, json.dumps(both))
    _remove(client, [obj for objects in gone.values() for obj in objects])
    changed, objects = _apply(client, [obj for several in wanted.values() for obj in several])
    state.write(folders.addons, json.dumps(after))
    return changed or before != after, objects


def _remove(client: kubectl.Kubectl, objects: list[kubectl.Object]) -> None:
    # What finishes objects of a kind runs until these are gone.
    kinds = [obj for obj in objects if obj["kind"] == "CustomResourceDefinition"]
    for several in (kinds, [obj for obj in objects if obj not in kinds]):
        if several:
            client.delete(several)


def _apply(client: kubectl.Kubectl, objects: list[kubectl.Object]) -> tuple[bool, list[kubectl.Object]]:
    """Have ``objects`` in the cluster; whether that changed something, and how they are now."""
    before = {_identity(obj): _content(obj) for obj in client.get_all(objects)}
    now = client.apply(objects)
    return before != {_identity(obj): _content(obj) for obj in now}, now


def wait(client: kubectl.Kubectl, objects: list[kubectl.Object], seconds: int) -> None:
    """Wait until the add-ons work, but for those that say that nobody need wait."""
    waiting = [obj for obj in objects if _awaited(obj) and not available(obj)]
    if waiting and not client.wait("Available", waiting, seconds):
        missing = ", ".join(_identity(obj) for obj in client.get_all(waiting) if not available(obj))
        raise Failure(
            f"The add-ons {missing} are not available after {seconds} s. See what their pods say: "
            f"{client.program} --kubeconfig {client.kubeconfig} describe pods --all-namespaces"
        )


def _awaited(obj: kubectl.Object) -> bool:
    annotations = obj["metadata"].get("annotations") or {}
    return obj["kind"] == "Deployment" and annotations.get(_WAIT) != "false"


def available(deployment: kubectl.Object) -> bool:
    """Whether all replicas of a Deployment, as it is written now, serve."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration") == deployment["metadata"].get("generation")
    return bool(seen and status.get("updatedReplicas", 0) == status.get("availableReplicas", 0) == wanted)


def status(client: kubectl.Kubectl, folders: state.Folders) -> dict[str, bool]:
    """Whether each add-on that was installed is available."""
    recorded = installed(folders)
    deployments = [obj for objects in recorded.values() for obj in objects if obj["kind"] == "Deployment"]
    serving = {_identity(obj) for obj in client.get_all(deployments) if available(obj)} if deployments else set()
    return {
        name: all(_identity(obj) in serving for obj in objects if obj["kind"] == "Deployment")
        for name, objects in recorded.items()
        if name != KUBELET_API
    }


def _read(name: str) -> str:
    folder = files.ADDONS / name
    file = folder / _KUSTOMIZATION if folder.is_dir() else files.ADDONS / f"{name}.yaml"
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = ", ".join(names())
        raise Failure(f"There is no add-on {name}. local_cluster_addons can hold: {known}.") from None


def _reference(obj: kubectl.Object) -> kubectl.Object:
    """What is needed to ask for an object or delete it."""
    namespace = obj["metadata"].get("namespace")
    metadata = {"name": obj["metadata"]["name"], **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}


def _identity(obj: kubectl.Object) -> str:
    parts = (obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"])
    return "/".join(part for part in parts if part)


def _content(obj: kubectl.Object) -> kubectl.Object:
    """What somebody wrote into an object, without what the API server and controllers note there."""
    noted = ("managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in noted}
    return {**obj, "metadata": metadata, "status": None}
