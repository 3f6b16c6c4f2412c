# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of the delivery of DAGs. Each yields a sentence for every mistake it finds.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import names
from ansible_collections.dagops.airflow.plugins.module_utils.spec import git
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import camel, said
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    DagBundle,
    FileRef,
    GitSource,
    Pods,
    Values,
)

BUNDLES = "airflow_core_dag_bundles"
REPOSITORIES = "airflow_git_sync_repositories"
VOLUME = "airflow_core_dags_volume"

# Names of bundles that the collection makes itself.
TAKEN = ("dags-folder", "dagops-canary", "example-dags")

# Which options mean something to which kind of bundle; what all have is not among them.
OF_KIND: dict[str, tuple[str, ...]] = {
    "git": ("ref", "credentials", "ssh_key", "known_hosts", "known_hosts_from", "known_hosts_waived", "ca", "sub_path"),
    "local": ("sub_path",),
    "s3": ("sub_path", "credentials", "region", "endpoint_url"),
    "gcs": ("sub_path", "key_file"),
}
ADDRESSES: dict[str, tuple[str, str]] = {
    "s3": (r"s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]", "s3://bucket; a prefix goes into subPath"),
    "gcs": (r"gs://[a-z0-9][-a-z0-9_.]{1,220}[a-z0-9]", "gs://bucket; a prefix goes into subPath"),
    "local": (r"/[-A-Za-z0-9._+=@]+(/[-A-Za-z0-9._+=@]+)*", "an absolute path of the containers, such as /srv/dags"),
}


def sources(values: Values) -> t.Iterator[tuple[str, GitSource]]:
    """Every git repository that something reads, with its path."""
    for name, repository in values.git_sync.repositories.items():
        yield f"{REPOSITORIES}.{name}", repository
    for name, bundle in values.core.dag_bundles.items():
        if bundle.kind == "git":
            yield f"{BUNDLES}.{name}", bundle


def volumes(values: Values) -> set[str]:
    """Volumes that the delivery of DAGs brings into pods."""
    found = {"dags-volume"} if values.core.dags_volume.enabled else set()
    if values.git_sync.repositories:
        found |= {"git-sync", *(f"git-sync-{name}" for name in values.git_sync.repositories)}
    if values.major < 3 and found:
        found.add("dags")
    return found | {f"bundle-{name}" for name in values.core.dag_bundles}


def containers(values: Values) -> set[str]:
    """Containers that the delivery of DAGs brings into pods."""
    found = {f"git-sync-{name}{end}" for name in values.git_sync.repositories for end in ("", "-init")}
    if values.major < 3 and (found or values.core.dags_volume.enabled):
        found.add("dags-links")
    return found


def variables(values: Values) -> dict[str, str]:
    """Environment variables that bundles bring into pods, and what to set instead."""
    settings_of_git = any(bundle.kind == "git" for bundle in values.core.dag_bundles.values())
    found = {"GIT_CONFIG_COUNT": BUNDLES} if settings_of_git else {}
    for name, bundle in values.core.dag_bundles.items():
        identifier = names.connection_id(name).upper()
        if bundle.kind != "local":
            found |= dict.fromkeys(
                (f"AIRFLOW_CONN_{identifier}", f"{identifier}_LOGIN", f"{identifier}_PASSWORD"), f"{BUNDLES}.{name}"
            )
    return found


def addresses(values: Values) -> t.Iterator[str]:
    """A repository is somewhere, and its address shows no secret."""
    for path, source in sources(values):
        found = git.address(source.url)
        if found is None:
            yield (
                f"{path}.url is {said(source.url)}, which is no address of a repository: write it like "
                "https://git.example.com/team/dags.git, ssh://git@git.example.com/team/dags.git or "
                "git@git.example.com:team/dags.git"
            )
        elif found.secret:
            yield (
                f"{path}.url holds a user or password, which everybody would see: leave it out, and name a Secret of "
                f"yours by {path}.credentials"
            )


def access(values: Values) -> t.Iterator[str]:
    """A token is for https and a key for ssh."""
    for path, source in sources(values):
        found = git.address(source.url)
        if found is None:
            continue
        if found.scheme == "ssh":
            if source.ssh_key is None:
                yield f"{path}.sshKey is required, because {path}.url is one of ssh: name a Secret of yours with a key"
            for name, given in (("credentials", source.credentials), ("ca", source.ca)):
                if given is not None:
                    yield f"{path}.{name} is for https, but {path}.url is one of ssh: leave one out"
            continue
        given_ssh = {
            "sshKey": source.ssh_key,
            "knownHosts": source.known_hosts,
            "knownHostsFrom": source.known_hosts_from,
            "knownHostsWaived": source.known_hosts_waived,
        }
        for name, value in given_ssh.items():
            if value:
                yield f"{path}.{name} is for ssh, but {path}.url is one of {found.scheme}: leave one out"
        if found.scheme == "http" and (source.credentials or source.ca):
            name = "credentials" if source.credentials else "ca"
            yield f"{path}.{name} is for https, but {path}.url begins with http://, which anybody on the way can read"


def host_keys(values: Values) -> t.Iterator[str]:
    """Who does not know the server's key would take DAGs, which are programs, from anybody."""
    for path, source in sources(values):
        found = git.address(source.url)
        if found is None or found.scheme != "ssh":
            continue
        ways = {
            "knownHosts": source.known_hosts,
            "knownHostsFrom": source.known_hosts_from,
            "knownHostsWaived": source.known_hosts_waived,
        }
        given = [name for name, value in ways.items() if value]
        if not given:
            yield (
                f"{path}.knownHosts is required, because {path}.url is one of ssh: give what `ssh-keyscan` tells of "
                f"{found.host} once you have compared it, or set knownHostsWaived to true to accept any server"
            )
        elif len(given) > 1:
            yield f"{path} has {' and '.join(given)}: leave one"
        elif source.known_hosts and not git.knows(source.known_hosts, found.known_as):
            yield (
                f"{path}.knownHosts has no key of {found.known_as}, which {path}.url names: add what `ssh-keyscan` "
                "tells of it once you have compared it"
            )


def files(values: Values) -> t.Iterator[str]:
    """A file is in a Secret or in a ConfigMap."""
    for path, source in sources(values):
        for name, reference in (("knownHostsFrom", source.known_hosts_from), ("ca", source.ca)):
            if reference is not None and not _one(reference):
                yield f"{path}.{name} must have exactly one of secret and configMap"


def _one(reference: FileRef) -> bool:
    return (reference.secret is None) != (reference.config_map is None)


def bundles(values: Values) -> t.Iterator[str]:
    """Bundles are of Airflow 3; each kind has options of its own."""
    if values.major < 3 and values.core.dag_bundles:
        yield (
            f"{BUNDLES} is for Airflow 3, but airflow_version is {values.instance.version}: use {REPOSITORIES} or "
            f"{VOLUME}"
        )
        return
    for name, bundle in values.core.dag_bundles.items():
        path = f"{BUNDLES}.{name}"
        yield from _meaningless(path, bundle)
        if bundle.kind == "git" and bundle.ref is None:
            yield f"{path}.ref is required of a git bundle: the branch, tag or commit to follow"
        pattern, words = ADDRESSES.get(bundle.kind, ("(?s).*", ""))
        if not re.fullmatch(pattern, bundle.url):
            yield f"{path}.url is {said(bundle.url)}, but that of the kind '{bundle.kind}' is {words}"


def _meaningless(path: str, bundle: DagBundle) -> t.Iterator[str]:
    for name in sorted({option for options in OF_KIND.values() for option in options}):
        if getattr(bundle, name) and name not in OF_KIND[bundle.kind]:
            yield f"{path}.{camel(name)} means nothing to the kind '{bundle.kind}': leave it out"


def twice(values: Values) -> t.Iterator[str]:
    """Two ways into one bundle, or into one folder."""
    for name in sorted(values.git_sync.repositories.keys() & values.core.dag_bundles.keys()):
        yield f"{BUNDLES}.{name} has the name of {REPOSITORIES}.{name}: a bundle has one way in, so rename one"
    for path, given in ((REPOSITORIES, values.git_sync.repositories), (BUNDLES, values.core.dag_bundles)):
        for name in sorted(set(given) & set(TAKEN)):
            yield f"{path}.{name} has the name of a bundle that is there already: choose another one"
    if values.major < 3 and values.core.dags_volume.enabled and "dags-volume" in values.git_sync.repositories:
        yield f"{REPOSITORIES}.dags-volume has the name that {VOLUME} has among the DAGs: choose another one"
    folders = {names.GIT_FOLDER: REPOSITORIES, names.CANARY_FOLDER: "airflow_verify_canary"}
    if values.core.dags_volume.enabled:
        folders[names.DAGS_FOLDER] = VOLUME
    for name, bundle in values.core.dag_bundles.items():
        if bundle.kind == "local":
            folder = f"{bundle.url}/{bundle.sub_path}" if bundle.sub_path else bundle.url
            owner = next((own for place, own in folders.items() if f"{folder}/".startswith(f"{place}/")), None)
            if owner:
                yield f"{BUNDLES}.{name} is in {folder}, where {owner} delivers DAGs already: leave one out"
            folders[folder] = f"{BUNDLES}.{name}"


def volume(values: Values) -> t.Iterator[str]:
    """Somebody has to fill a volume."""
    wanted = values.core.dags_volume
    if wanted.enabled and wanted.access_mode == "ReadOnlyMany" and not wanted.existing_claim:
        yield (
            f"{VOLUME}.accessMode is 'ReadOnlyMany', but a claim that is made anew is empty, and nobody could write to "
            "it: take ReadWriteMany, or name a claim that something else fills by existingClaim"
        )


def settings(values: Values) -> t.Iterator[str]:
    """What says where DAGs are is set by the variables that bring them there."""
    used = [VOLUME] if values.core.dags_volume.enabled else []
    used += [REPOSITORIES] if values.git_sync.repositories else []
    used += [BUNDLES] if values.core.dag_bundles else []
    for section, name in (("core", "dags_folder"), ("dag_processor", "dag_bundle_config_list")):
        if used and name in values.core.config.get(section, {}):
            yield (f"airflow_core_config.{section}.{name} would take the place of what {used[0]} sets: use one of them")


def mounts(values: Values) -> t.Iterator[str]:
    """A path has one volume."""
    shapes: dict[str, Pods] = {
        "airflow_core_dag_processor": values.core.dag_processor,
        "airflow_core_scheduler": values.core.scheduler,
        "airflow_core_workers": values.core.workers,
    }
    taken: dict[str, str] = {names.GIT_FOLDER: REPOSITORIES} if values.git_sync.repositories else {}
    if values.core.dags_volume.enabled or (values.major < 3 and taken):
        taken[names.DAGS_FOLDER] = VOLUME if values.core.dags_volume.enabled else REPOSITORIES
    for path, shape in shapes.items():
        for index, mount in enumerate(shape.volume_mounts):
            owner = taken.get(str(mount["mountPath"]).rstrip("/"))
            if owner:
                yield (
                    f"{path}.volumeMounts[{index}].mountPath is {said(mount['mountPath'])}, where {owner} mounts DAGs: "
                    "leave one out"
                )


def ports(values: Values) -> t.Iterator[str]:
    """Containers of a pod have ports of their own: those of the log servers are taken."""
    first = values.git_sync.http_port
    used = range(first, first + len(values.git_sync.repositories))
    for port in (8793, 8794):
        if port in used:
            yield (
                f"airflow_git_sync_http_port is {first}, so that one of {len(values.git_sync.repositories)} "
                f"repositories would have {port}, which Airflow serves logs at: choose another one"
            )
    if used and used[-1] > 65535:
        yield f"airflow_git_sync_http_port is {first}, and the ports after it are not enough: choose a lower one"


RULES: tuple[t.Callable[[Values], t.Iterator[str]], ...] = (
    addresses,
    access,
    host_keys,
    files,
    bundles,
    twice,
    volume,
    settings,
    mounts,
    ports,
)
