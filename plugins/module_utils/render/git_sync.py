# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""git-sync: containers that copy git repositories into a volume of the pod, and keep them current.

Names of environment variables are those of git-sync 4. A container that ends when it has the first commit comes before
Airflow; another one, beside it, follows the repository. One init container that goes on (``restartPolicy: Always``)
would do both, but a Kubernetes that has this switched off (it can be before 1.33) takes the pod all the same, and waits
for ever.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import git, names, teams
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, image, merged, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec import git as addresses
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitRepository, Values

COMPONENT = "git-sync"
VOLUME = "git-sync"
SECRETS_FOLDER = "/etc/git-secret"
# The user that the image has a name for, without which ssh refuses to run.
USER = 65533


def repositories(values: Values) -> list[tuple[str, GitRepository]]:
    """All of them, in the order of their names."""
    return sorted(values.git_sync.repositories.items())


def root(name: str) -> str:
    """Where git-sync works, and leaves a link to the current commit."""
    return f"{names.GIT_FOLDER}/{name}"


def dags_folder(name: str, repository: GitRepository) -> str:
    """Where the DAGs of a repository are, whatever its commit."""
    folder = f"{root(name)}/{names.GIT_LINK}"
    return f"{folder}/{repository.sub_path}" if repository.sub_path else folder


def first_name(name: str) -> str:
    """The container that gets the first commit of a repository."""
    return f"{following_name(name)}-init"


def following_name(name: str) -> str:
    """The container that follows a repository."""
    return f"git-sync-{name}"


def secrets(values: Values, name: str, repository: GitRepository) -> list[Object]:
    """The volume of what it takes to read a repository."""
    return git.volume(f"git-sync-{name}", git.files(name, repository, names.name(values, COMPONENT)))


def volumes(values: Values) -> list[Object]:
    """Volumes of a pod with git-sync."""
    if not values.git_sync.repositories:
        return []
    found = [secrets(values, name, repository) for name, repository in repositories(values)]
    return [{"name": VOLUME, "emptyDir": {}}, *(one for several in found for one in several)]


def access(repository: GitRepository) -> list[Object]:
    """How git-sync proves who it is, and knows whom it speaks to."""
    found: list[Object] = []
    if repository.credentials:
        key = {"name": repository.credentials.name, "key": repository.credentials.username_key}
        found += [
            {"name": "GITSYNC_USERNAME", "valueFrom": {"secretKeyRef": key}},
            {"name": "GITSYNC_PASSWORD_FILE", "value": f"{SECRETS_FOLDER}/{git.PASSWORD}"},
        ]
    if repository.ca:
        found.append({"name": "GIT_SSL_CAINFO", "value": f"{SECRETS_FOLDER}/{git.CA}"})
    address = addresses.address(repository.url)
    if address and address.scheme == "ssh":
        known = not repository.known_hosts_waived
        found += [
            {"name": "GITSYNC_SSH_KEY_FILE", "value": f"{SECRETS_FOLDER}/{git.SSH_KEY}"},
            {"name": "GITSYNC_SSH_KNOWN_HOSTS", "value": str(known).lower()},
        ]
        if known:
            found.append({"name": "GITSYNC_SSH_KNOWN_HOSTS_FILE", "value": f"{SECRETS_FOLDER}/{git.KNOWN_HOSTS}"})
    return found


def container(
    values: Values,
    name: str,
    repository: GitRepository,
    called: str,
    security: Object,
    env: list[Object],
    **body: t.Any,
) -> Object:
    """What the container that ends and the one that goes on have in common."""
    wanted = values.git_sync
    common = {
        "GITSYNC_REPO": repository.url,
        "GITSYNC_REF": repository.ref,
        "GITSYNC_DEPTH": str(repository.depth),
        "GITSYNC_SUBMODULES": repository.submodules,
        "GITSYNC_ROOT": root(name),
        "GITSYNC_LINK": names.GIT_LINK,
        "GITSYNC_PERIOD": wanted.period,
        "GITSYNC_SYNC_TIMEOUT": wanted.timeout,
    }
    return {
        "name": called,
        "image": image(values, wanted.image),
        "imagePullPolicy": wanted.image.pull_policy,
        "env": [*({"name": key, "value": value} for key, value in common.items()), *access(repository), *env],
        "resources": wanted.resources,
        "securityContext": merged(security, {"runAsUser": USER}),
        "volumeMounts": [
            {"name": VOLUME, "mountPath": names.GIT_FOLDER},
            # Its home: git's settings and cached tokens, which two repositories must not share.
            {"name": "tmp", "mountPath": "/tmp", "subPath": f"git-sync-{name}"},
            *git.mount(secrets(values, name, repository), SECRETS_FOLDER),
        ],
        **body,
    }


def first(values: Values, security: Object) -> list[Object]:
    """Containers that end with the first commit, before Airflow starts."""
    env = [
        {"name": "GITSYNC_ONE_TIME", "value": "true"},
        {"name": "GITSYNC_MAX_FAILURES", "value": str(values.git_sync.init_max_failures)},
        {"name": "GITSYNC_GIT_GC", "value": "off"},
    ]
    return [
        container(
            values,
            name,
            repository,
            first_name(name),
            security,
            env,
            # Its last words say what is wrong with a repository.
            terminationMessagePolicy="FallbackToLogsOnError",
        )
        for name, repository in repositories(values)
    ]


def following(values: Values, security: Object) -> list[Object]:
    """Containers that follow their repositories, beside Airflow."""
    wanted = values.git_sync
    found = []
    for number, (name, repository) in enumerate(repositories(values)):
        port = wanted.http_port + number
        env = [
            {"name": "GITSYNC_MAX_FAILURES", "value": str(wanted.max_failures)},
            {"name": "GITSYNC_SYNC_ON_SIGNAL", "value": "SIGHUP"},
            {"name": "GITSYNC_HTTP_BIND", "value": f":{port}"},
            {"name": "GITSYNC_HTTP_METRICS", "value": str(wanted.metrics).lower()},
        ]
        # Says yes once it has a commit, and whether the process answers afterwards.
        probe = {"httpGet": {"path": "/", "port": port}, "timeoutSeconds": 5}
        found.append(
            container(
                values,
                name,
                repository,
                following_name(name),
                security,
                env,
                ports=[{"name": f"git-sync-{number}", "containerPort": port, "protocol": "TCP"}],
                startupProbe={**probe, "periodSeconds": 2, "failureThreshold": 150},
                livenessProbe={**probe, "periodSeconds": 30, "failureThreshold": 5},
            )
        )
    return found


def known_hosts(values: Values) -> dict[str, str]:
    """The host keys that a person wrote."""
    return {
        git.known_hosts_key(name): repository.known_hosts
        for name, repository in repositories(values)
        if repository.known_hosts
    }


def render(values: Values) -> list[Object]:
    """Objects of the role airflow_git_sync."""
    data = known_hosts(values)
    items = [object_(values, "v1", "ConfigMap", COMPONENT, data=data)] if data else []
    return teams.with_copies(values, items)
