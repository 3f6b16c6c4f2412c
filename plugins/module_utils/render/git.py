# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What it takes to read a git repository, as files of one volume.

Secrets are files and not environment variables: a token that somebody changes is read anew, and no process that the
container starts inherits it.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import FileRef, GitSource

USERNAME, PASSWORD, SSH_KEY, KNOWN_HOSTS, CA = "username", "password", "ssh", "known_hosts", "ca.crt"

# For the pod's group, since the files belong to root; ssh looks at the mode of a key of its own user only.
FILE_MODE = 0o440


def known_hosts_key(name: str) -> str:
    """Where a ConfigMap of the instance keeps the host keys that a person wrote."""
    return f"{name}.known_hosts"


def files(name: str, source: GitSource, config_map: str) -> list[Object]:
    """Sources of a projected volume; host keys that a person wrote are in ``config_map``."""
    found: list[Object] = []
    if source.credentials:
        keys = {source.credentials.username_key: USERNAME, source.credentials.password_key: PASSWORD}
        found.append(of("secret", source.credentials.name, **keys))
    if source.ssh_key:
        found.append(of("secret", source.ssh_key.name, **{source.ssh_key.key or "ssh-privatekey": SSH_KEY}))
    if source.known_hosts:
        found.append(of("configMap", config_map, **{known_hosts_key(name): KNOWN_HOSTS}))
    if source.known_hosts_from:
        found.append(of_reference(source.known_hosts_from, KNOWN_HOSTS))
    if source.ca:
        found.append(of_reference(source.ca, CA))
    return found


def of(kind: str, name: str, **keys: str) -> Object:
    """Keys of a Secret or ConfigMap, each with the file that it becomes."""
    return {kind: {"name": name, "items": [{"key": key, "path": path} for key, path in keys.items()]}}


def of_reference(reference: FileRef, path: str) -> Object:
    """One key of a Secret or ConfigMap as a file; the usual key has the file's name."""
    kind, name = ("secret", reference.secret) if reference.secret else ("configMap", reference.config_map)
    return of(kind, name or "", **{reference.key or path: path})


def volume(name: str, sources: list[Object]) -> list[Object]:
    """The volume, where there is anything in it."""
    return [{"name": name, "projected": {"defaultMode": FILE_MODE, "sources": sources}}] if sources else []


def mount(volumes: list[Object], folder: str) -> list[Object]:
    """Where a container has the volume."""
    return [{"name": one["name"], "mountPath": folder, "readOnly": True} for one in volumes]
