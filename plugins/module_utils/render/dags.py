# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How DAGs come into pods: which components need them, and what brings them there.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_bundles, git_sync, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, image, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

LINKS = "dags"
VOLUME = "dags-volume"
VOLUME_BUNDLE = "dags-folder"

LINKS_RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a pod gets to have the DAGs."""

    volumes: list[Object] = dataclasses.field(default_factory=list)
    mounts: list[Object] = dataclasses.field(default_factory=list)
    """Of Airflow's container."""
    env: list[Object] = dataclasses.field(default_factory=list)
    """The same."""
    init_containers: list[Object] = dataclasses.field(default_factory=list)
    containers: list[Object] = dataclasses.field(default_factory=list)


def needs_dags(values: Values, component: str) -> bool:
    """Whether a component reads DAG files.

    All others know DAGs by the database. A triggerer of Airflow 2 imports triggers out of the DAGs folder, one of
    Airflow 3 looks into no bundle.
    """
    if component == "scheduler":
        # It runs the tasks of these; else the DAG processor reads the files for it, on Airflow 2, too.
        return values.runs_local
    return component in ("dag-processor", "worker") or (component == "triggerer" and values.major < 3)


def delivery(values: Values, component: str, *, once: bool, security: Object) -> Delivery:
    """What a component's pods get; those that run ``once`` follow no later commit.

    ``security`` is the security context that containers have.
    """
    if not needs_dags(values, component):
        return Delivery()
    synced = bool(values.git_sync.repositories)
    git = [{"name": git_sync.VOLUME, "mountPath": names.GIT_FOLDER, "readOnly": True}] if synced else []
    links = _linked(values)
    return Delivery(
        volumes=[
            *_volume(values),
            *git_sync.volumes(values),
            *([{"name": LINKS, "emptyDir": {}}] if links else []),
            *dag_bundles.volumes(values),
        ],
        mounts=[*_volume_mount(values), *git, *_links_mount(links), *dag_bundles.mounts(values)],
        env=[*_import_path(links), *dag_bundles.environment(values)],
        init_containers=[*git_sync.first(values, security), *_link(values, links, security)],
        containers=[] if once else git_sync.following(values, security),
    )


# --- the shared volume --------------------------------------------------------------------------------------------


def volume_folder(values: Values) -> str:
    """Where the shared volume is mounted: on Airflow 2, links in the DAGs folder lead to it."""
    return names.DAGS_FOLDER if values.major >= 3 else names.DAGS_VOLUME_FOLDER


def _volume(values: Values) -> list[Object]:
    wanted = values.core.dags_volume
    if not wanted.enabled:
        return []
    claim = {"claimName": wanted.existing_claim or names.name(values, "dags")}
    read_only = {"readOnly": True} if wanted.access_mode == "ReadOnlyMany" else {}
    return [{"name": VOLUME, "persistentVolumeClaim": {**claim, **read_only}}]


def _volume_mount(values: Values) -> list[Object]:
    wanted = values.core.dags_volume
    if not wanted.enabled:
        return []
    sub_path = {"subPath": wanted.sub_path} if wanted.sub_path else {}
    return [{"name": VOLUME, "mountPath": volume_folder(values), "readOnly": True, **sub_path}]


def claim(values: Values) -> list[Object]:
    """The claim of the shared volume, unless a person names one of theirs."""
    wanted = values.core.dags_volume
    if not wanted.enabled or wanted.existing_claim:
        return []
    spec = {
        "accessModes": [wanted.access_mode],
        "storageClassName": wanted.storage_class_name,
        "resources": {"requests": {"storage": wanted.size}},
    }
    return [object_(values, "v1", "PersistentVolumeClaim", "dags", spec=spec)]


# --- the DAGs folder of Airflow 2 ---------------------------------------------------------------------------------


def _linked(values: Values) -> dict[str, str]:
    """On Airflow 2, which knows one folder: the links in it, and where they lead."""
    if values.major >= 3:
        return {}
    found = {VOLUME: names.DAGS_VOLUME_FOLDER} if values.core.dags_volume.enabled else {}
    repositories = {name: git_sync.dags_folder(name, one) for name, one in git_sync.repositories(values)}
    return {**found, **repositories}


def _links_mount(links: dict[str, str]) -> list[Object]:
    # Not read-only: the canary is mounted as a file in it, for which the runtime makes a place.
    return [{"name": LINKS, "mountPath": names.DAGS_FOLDER}] if links else []


def _link(values: Values, links: dict[str, str], security: Object) -> list[Object]:
    """A container that makes the links; git-sync changes what they lead to, so they stay as they are."""
    if not links:
        return []
    commands = [f"ln -sfn {target} {names.DAGS_FOLDER}/{name}" for name, target in links.items()]
    return [
        {
            "name": "dags-links",
            "image": image(values, values.instance.image, values.instance.version),
            "imagePullPolicy": values.instance.image.pull_policy,
            "command": ["sh", "-ec", "\n".join(commands)],
            "resources": LINKS_RESOURCES,
            "securityContext": security,
            "volumeMounts": _links_mount(links),
        }
    ]


def _import_path(links: dict[str, str]) -> list[Object]:
    """Modules beside DAGs are imported from where their repository's DAGs begin, as on Airflow 3."""
    folders = ":".join(f"{names.DAGS_FOLDER}/{name}" for name in links)
    return [{"name": "PYTHONPATH", "value": folders}] if links else []


# --- airflow.cfg --------------------------------------------------------------------------------------------------


def bundle_list(values: Values) -> list[Object]:
    """Bundles of Airflow 3: the DAGs folder, of the image or of the shared volume, and what is delivered otherwise."""
    volume, synced = values.core.dags_volume, git_sync.repositories(values)
    found: list[Object] = []
    if volume.enabled or not (synced or values.core.dag_bundles):
        kwargs: Object = {"refresh_interval": volume.refresh_interval} if volume.enabled else {}
        found.append({"name": VOLUME_BUNDLE, "classpath": dag_bundles.LOCAL, "kwargs": kwargs})
    for name, repository in synced:
        kwargs = {
            "path": git_sync.dags_folder(name, repository),
            "refresh_interval": values.git_sync.refresh_interval,
        }
        team = dag_bundles.of_team(repository)
        found.append({"name": name, "classpath": dag_bundles.LOCAL, "kwargs": kwargs, **team})
    return [*found, *(dag_bundles.entry(name, bundle) for name, bundle in dag_bundles.bundles(values))]


def looks(values: Values) -> int | None:
    """Seconds between two looks for new files, of what is to be looked at most often."""
    volume = values.core.dags_volume
    found = [volume.refresh_interval] if volume.enabled else []
    found += [values.git_sync.refresh_interval] if values.git_sync.repositories else []
    found += [bundle.refresh_interval for bundle in values.core.dag_bundles.values()]
    return min(found, default=None)


def processor_options(values: Values) -> dict[str, int]:
    """How often Airflow 3 asks its database whether a bundle is due: as often as it looks for changed files."""
    return {"bundle_refresh_check_interval": 1} if looks(values) is not None else {}


def core_options(values: Values) -> dict[str, int]:
    """How long a DAG that was changed a moment ago stays as it is: by default 30 s, which delays the next push."""
    return {"min_serialized_dag_update_interval": 1} if looks(values) is not None else {}


def scheduler_options(values: Values) -> dict[str, int]:
    """How often Airflow 2 lists the DAGs folder."""
    seconds = looks(values)
    return {} if seconds is None else {"dag_dir_list_interval": seconds}
