# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""DAG bundles that Airflow 3 itself fetches, with the connections that they need.

A connection is an environment variable of the pods that fetch: it is there before the database is, and nowhere else. It
holds no secret where Airflow can read a file instead: git reads tokens by a credential helper, which keeps them
out of the addresses that Airflow would write them into, its logs, and the copy of the repository.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import git, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object
from ansible_collections.dagops.airflow.plugins.module_utils.spec import git as addresses
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    DagBundle,
    GitSource,
    Values,
)

GIT = "airflow.providers.git.bundles.git.GitDagBundle"
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
S3 = "airflow.providers.amazon.aws.bundles.s3.S3DagBundle"
GCS = "airflow.providers.google.cloud.bundles.gcs.GCSDagBundle"

KEY_FILE = "key.json"


def bundles(values: Values) -> list[tuple[str, DagBundle]]:
    """All of them, in the order of their names."""
    return sorted(values.core.dag_bundles.items())


def known_hosts_key(name: str) -> str:
    """Where the instance's configuration keeps the host keys that a person wrote."""
    return git.known_hosts_key(f"bundle-{name}")


def known_hosts(values: Values) -> dict[str, str]:
    """Host keys that a person wrote, for the instance's configuration."""
    return {known_hosts_key(name): bundle.known_hosts for name, bundle in bundles(values) if bundle.known_hosts}


def of_team(source: GitSource) -> Object:
    """The team that DAGs of a bundle belong to."""
    return {"team_name": source.team} if source.team else {}


def entry(name: str, bundle: DagBundle) -> Object:
    """A bundle in ``dag_bundle_config_list``."""
    classpath, kwargs = _class(name, bundle)
    return {
        "name": name,
        "classpath": classpath,
        "kwargs": {**kwargs, "refresh_interval": bundle.refresh_interval, **bundle.kwargs},
        **of_team(bundle),
    }


def _class(name: str, bundle: DagBundle) -> tuple[str, Object]:
    where = names.connection_id(name)
    bucket = {"bucket_name": bundle.url.partition("://")[2], "prefix": bundle.sub_path or ""}
    match bundle.kind:
        case "local":
            return LOCAL, {"path": f"{bundle.url}/{bundle.sub_path}" if bundle.sub_path else bundle.url}
        case "s3":
            return S3, {"aws_conn_id": where, **bucket}
        case "gcs":
            return GCS, {"gcp_conn_id": where, **bucket}
        case "git":
            # Its address here, too: the API server makes links out of it, and has no connection.
            found = {"git_conn_id": where, "repo_url": bundle.url, "tracking_ref": bundle.ref}
            return GIT, {**found, **({"subdir": bundle.sub_path} if bundle.sub_path else {})}


def folder(name: str) -> str:
    """Where pods have the files that a bundle needs."""
    return f"{names.BUNDLES_FOLDER}/{name}"


def files(values: Values, name: str, bundle: DagBundle) -> list[Object]:
    """The volume of these files."""
    sources: list[Object] = []
    if bundle.kind == "git":
        sources = git.files(f"bundle-{name}", bundle, names.name(values, "config"))
    elif bundle.key_file:
        sources = [git.of("secret", bundle.key_file.name, **{bundle.key_file.key or KEY_FILE: KEY_FILE})]
    return git.volume(f"bundle-{name}", sources)


def volumes(values: Values) -> list[Object]:
    """Volumes of a pod that fetches bundles."""
    return [volume for name, bundle in bundles(values) for volume in files(values, name, bundle)]


def mounts(values: Values) -> list[Object]:
    """Where Airflow's container has them."""
    return [mount for name, bundle in bundles(values) for mount in git.mount(files(values, name, bundle), folder(name))]


def environment(values: Values) -> list[Object]:
    """Connections, and settings of git."""
    found: list[Object] = []
    for name, bundle in bundles(values):
        if bundle.kind != "local":
            found += _connection(name, bundle)
    return [*found, *_git_settings(values)]


def _connection(name: str, bundle: DagBundle) -> list[Object]:
    identifier = names.connection_id(name).upper()
    connection: Object
    parts: list[Object] = []
    match bundle.kind:
        case "s3":
            extra = _given(region_name=bundle.region, endpoint_url=bundle.endpoint_url)
            connection = {"conn_type": "aws", "extra": extra}
            if bundle.credentials:
                keys = {"LOGIN": bundle.credentials.username_key, "PASSWORD": bundle.credentials.password_key}
                for part, key in keys.items():
                    # The kubelet puts in what comes before: a variable's value that refers to others.
                    parts.append(_secret(f"{identifier}_{part}", bundle.credentials.name, key))
                    connection[part.lower()] = f"$({identifier}_{part})"
        case "gcs":
            key_path = f"{folder(name)}/{KEY_FILE}" if bundle.key_file else None
            connection = {"conn_type": "google_cloud_platform", "extra": _given(key_path=key_path)}
        case _:
            connection = {"conn_type": "git", "host": bundle.url, "extra": _ssh(name, bundle)}
    return [*parts, {"name": f"AIRFLOW_CONN_{identifier}", "value": json.dumps(connection, sort_keys=True)}]


def _given(**extra: str | None) -> Object:
    return {key: value for key, value in extra.items() if value}


def _secret(variable: str, secret: str, key: str) -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _ssh(name: str, bundle: DagBundle) -> Object:
    """Airflow would accept any host key that it meets first."""
    if not bundle.ssh_key:
        return {}
    known = not bundle.known_hosts_waived
    return {
        "key_file": f"{folder(name)}/{git.SSH_KEY}",
        "strict_host_key_checking": "yes" if known else "no",
        **({"known_hosts_file": f"{folder(name)}/{git.KNOWN_HOSTS}"} if known else {}),
    }


def credential_helper(files_of: str) -> str:
    """A shell command by which git reads a user and a token from two files, whether or not these end in a newline."""
    read = " ".join(f'read -r {name} < "{files_of}/{name}";' for name in (git.USERNAME, git.PASSWORD))
    return f'!f() {{ {read} printf \'username=%s\\npassword=%s\\n\' "$username" "$password"; }}; f'


def _git_settings(values: Values) -> list[Object]:
    """Settings of git by its environment, each for one repository."""
    found: dict[str, str] = {}
    for name, bundle in bundles(values):
        address = addresses.address(bundle.url) if bundle.kind == "git" else None
        if address and address.scheme == "https":
            if bundle.credentials:
                found[f"credential.{bundle.url}.helper"] = credential_helper(folder(name))
            if bundle.ca:
                found[f"http.{bundle.url}.sslCAInfo"] = f"{folder(name)}/{git.CA}"
    return [*_numbered(found)]


def _numbered(settings: t.Mapping[str, str]) -> t.Iterator[Object]:
    if settings:
        yield {"name": "GIT_CONFIG_COUNT", "value": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        yield {"name": f"GIT_CONFIG_KEY_{number}", "value": key}
        yield {"name": f"GIT_CONFIG_VALUE_{number}", "value": value}
