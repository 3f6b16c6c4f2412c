# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is installed into a cluster: one list of manifests per add-on, with ``${placeholders}`` for the cluster's facts.

An add-on names its images in its manifests; those that we build ourselves are built and loaded because of that alone.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import re
import string
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import files, go_build, kubectl, tools
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


def names() -> list[str]:
    """The add-ons that there are to choose from."""
    return sorted({path.stem for path in files.ADDONS.glob("*.yaml")} - {KUBELET_API})


def manifests(wanted: c.Iterable[str], facts: c.Mapping[str, str]) -> list[kubectl.Object]:
    """The objects of the ``wanted`` add-ons on a cluster with these ``facts``."""
    if YAML_IMPORT_ERROR is not None:
        raise Failure(missing_required_lib("PyYAML"), exception=YAML_IMPORT_ERROR)
    return [obj for name in wanted for obj in yaml.safe_load(string.Template(_read(name)).substitute(facts))]


def images(wanted: c.Iterable[str]) -> list[go_build.Tool]:
    """The images that the ``wanted`` add-ons need and that we build ourselves."""
    named = {image for name in wanted for image in _IMAGE.findall(_read(name))}
    return [tool for image, tool in tools.by_image().items() if image in named]


def apply(client: kubectl.Kubectl, objects: list[kubectl.Object]) -> tuple[bool, list[kubectl.Object]]:
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


def _read(name: str) -> str:
    try:
        return (files.ADDONS / f"{name}.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:
        known = ", ".join(names())
        raise Failure(f"There is no add-on {name}. local_cluster_addons can hold: {known}.") from None


def _identity(obj: kubectl.Object) -> str:
    parts = (obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"])
    return "/".join(part for part in parts if part)


def _content(obj: kubectl.Object) -> kubectl.Object:
    """What somebody wrote into an object, without what the API server and controllers note there."""
    noted = ("managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in noted}
    return {**obj, "metadata": metadata, "status": None}
