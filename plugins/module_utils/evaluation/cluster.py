# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The backends of the modules ``local_cluster``, ``local_cluster_info`` and ``local_cluster_image``.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import ipaddress
import itertools
import pathlib
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import (
    addons,
    api_server,
    cache,
    existing,
    kind,
    machine,
    native,
    network,
    provider,
    state,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure

_NAME: t.Final = re.compile(r"[a-z]([a-z0-9-]{0,12}[a-z0-9])?")
_NAMES: t.Final = {"all": "dagops", "api": "dagops-api"}
_CIDRS: t.Final = ("link_cidr", "pod_cidr", "service_cidr")

WHICH: t.Final[dict[str, dict[str, t.Any]]] = {
    "name": {"type": "str"},
    "components": {"type": "str", "choices": ["all", "api"], "default": "all"},
    "provider": {"type": "str", "choices": ["auto", "kind", "native", "existing"], "default": "auto"},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
}
"""The options that say which cluster is meant."""
WHAT: t.Final[dict[str, dict[str, t.Any]]] = {
    "addons": {"type": "list", "elements": "str"},
    "link_cidr": {"type": "str", "default": "10.200.0.0/30"},
    "pod_cidr": {"type": "str", "default": "10.244.0.0/16"},
    "service_cidr": {"type": "str", "default": "10.96.0.0/16"},
}
"""The options that say what it is."""
_DEFAULTS: t.Final = {name: option["default"] for name, option in WHAT.items() if "default" in option}
_ADDONS: t.Final = ("coredns", "local-path", "metrics-server")
"""The add-ons of a new cluster that nobody says more about."""


def run(face: Face) -> dict[str, t.Any]:
    """The backend of ``local_cluster``."""
    wanted = choose(face.params, face.progress)
    present = face.params["state"] == "present"
    if face.check_mode:
        now = wanted.status()
        differs = not now.ready or set(now.addons) != set(wanted.addons)
        return {"changed": differs if present else now.exists and wanted.name != "existing", **_facts(wanted)}
    changed = wanted.present() if present else wanted.absent(keep_data=face.params["keep_data"])
    return {"changed": changed, **_facts(wanted)}


def run_info(face: Face) -> dict[str, t.Any]:
    """The backend of ``local_cluster_info``."""
    wanted = choose(face.params, face.progress)
    now = wanted.status()
    return {
        "changed": False,
        "exists": now.exists,
        "ready": now.ready,
        "problems": list(now.problems),
        "daemons": dict(now.daemons),
        "addons": dict(now.addons),
        "missing_packages": _missing_packages(wanted),
        "summary": _summary(wanted, now),
        **_facts(wanted),
    }


def run_image(face: Face) -> dict[str, t.Any]:
    """The backend of ``local_cluster_image``."""
    wanted = choose(face.params, face.progress)
    archives = [pathlib.Path(archive) for archive in face.params["archives"]]
    loaded = wanted.load(archives, pretend=face.check_mode)
    return {"changed": bool(loaded), "loaded": loaded, **_facts(wanted)}


def choose(params: dict[str, t.Any], say: cache.Say) -> provider.Provider:
    """The cluster that the options mean."""
    if params["provider"] == "existing":
        return _existing(params)
    name = params["name"] or _NAMES[params["components"]]
    if not _NAME.fullmatch(name):
        raise Failure(
            f"{name!r} cannot be the name of an evaluation cluster, because a network interface is named after it. Use "
            "at most 14 lower-case letters, digits and hyphens, and begin with a letter."
        )
    folders = state.folders(name)
    record = folders.record()
    if params["components"] == "api":
        _refuse_other_components(name, record, "api")
        return api_server.ApiServer(folders=folders, say=say)
    _refuse_other_components(name, record, "all")
    # Who only asks how a cluster is need not say again what it was made as.
    what = {**_DEFAULTS, **(record or {}), **params}
    cidrs = {option: _network(option, what[option]) for option in _CIDRS}
    _refuse_overlap(cidrs)
    chosen_addons = _addons(params.get("addons"), folders)
    # A cluster that exists stays what it is, also when a container engine has come or gone.
    chosen = params["provider"] if params["provider"] != "auto" else record["provider"] if record else _automatic()
    if chosen == "kind":
        pods, services = cidrs["pod_cidr"], cidrs["service_cidr"]
        return kind.Kind(folders=folders, pod_cidr=pods, service_cidr=services, addons=chosen_addons, say=say)
    return native.Native(folders=folders, network=network.Network(name=name, **cidrs), addons=chosen_addons, say=say)


def _addons(told: list[str] | None, folders: state.Folders) -> tuple[str, ...]:
    """The add-ons that are told, else those that the cluster has, so that only who means them takes some away."""
    if told is not None:
        return tuple(told)
    have = addons.installed(folders)
    return tuple(name for name in have if name != addons.KUBELET_API) if have else _ADDONS


def _missing_packages(wanted: provider.Provider) -> list[str]:
    return machine.missing_packages() if isinstance(wanted, native.Native) and machine.has_apt() else []


def _automatic() -> str:
    return "kind" if kind.installed() and kind.engine() else "native"


def _existing(params: dict[str, t.Any]) -> existing.Existing:
    missing = [option for option in ("kubeconfig", "context") if not params[option]]
    if missing:
        raise Failure(
            f"The provider existing needs {' and '.join(missing)} (local_cluster_{missing[0]}), so that no cluster is "
            "ever used that was not named."
        )
    return existing.Existing(kubeconfig=pathlib.Path(params["kubeconfig"]), context=params["context"])


def _refuse_other_components(name: str, record: state.Record | None, components: str) -> None:
    if record and record["components"] != components:
        raise Failure(
            f"Cluster {name} exists with components {record['components']}, not {components}. Give this one another "
            "name with local_cluster_name."
        )


def _network(option: str, cidr: str) -> str:
    try:
        parsed = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise Failure(f"local_cluster_{option} is no IPv4 network: {error}.") from error
    if parsed.num_addresses < 4:
        raise Failure(f"local_cluster_{option} {cidr} is too small.")
    return str(parsed)


def _refuse_overlap(cidrs: dict[str, str]) -> None:
    for (one, first), (other, second) in itertools.combinations(cidrs.items(), 2):
        if ipaddress.ip_network(first).overlaps(ipaddress.ip_network(second)):
            raise Failure(f"local_cluster_{one} {first} and local_cluster_{other} {second} overlap.")


def _facts(chosen: provider.Provider) -> dict[str, t.Any]:
    return {
        "provider": chosen.name,
        "kubeconfig": str(chosen.kubeconfig),
        "context": chosen.context,
        "kubectl": chosen.kubectl,
    }


def _summary(chosen: provider.Provider, now: provider.Status) -> list[str]:
    if not now.exists:
        return [f"Cluster {chosen.context} does not exist."]
    how = f"is not ready: {'; '.join(now.problems)}" if now.problems else f"is ready (kubeconfig {chosen.kubeconfig})"
    daemons = [f"{name}: pid {pid}" for name, pid in now.daemons.items() if pid]
    added = [f"{name}: {'available' if serves else 'not available'}" for name, serves in now.addons.items()]
    return [f"Cluster {chosen.context} {how}.", *daemons, *added]
