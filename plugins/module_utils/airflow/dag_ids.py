# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ids of DAGs that are there more than once, which Airflow does not refuse and does not tell of.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import dag_ids as payload
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import newest_ready, run_inside
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object
from ansible_collections.dagops.airflow.plugins.module_utils.render import config, dag_bundles, names
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values

STORAGE: t.Final = "/tmp/airflow/dag_bundles"
"""Airflow's own default, in the pod."""
ROWS: t.Final = "SELECT dag_id, bundle_name, relative_fileloc FROM dag WHERE NOT is_stale AND bundle_name IS NOT NULL"
# Airflow 2 knows one folder, in which each repository and the volume is a folder again.
ROWS_OF_2: t.Final = (
    "SELECT dag_id, 'dags-folder', substr(fileloc, length('{0}/') + 1) FROM dag "
    "WHERE is_active AND left(fileloc, length('{0}/')) = '{0}/'"
)


def found(cluster: Cluster, values: Values, pods: t.Iterable[Object]) -> dict[str, list[str]]:
    """The places of each id that several files have, told by the DAG processor; none where that cannot be asked."""
    pod = newest_ready(pods, ("dag-processor",))
    if pod is None:
        return {}
    try:
        told = run_inside(cluster, pod, "duplicates", stdin=question(values), script=payload)
    except (Failure, ValueError):
        return {}
    return {one: [f"{bundle}: {path}" for bundle, path in places] for one, places in told.items()}


def question(values: Values) -> dict[str, t.Any]:
    """Where the DAG processor has the files of each bundle, and how it knows which of them are DAGs."""
    options = config.settings(values)
    if values.major >= 3:
        storage = options["dag_processor"].get("dag_bundle_storage_path") or STORAGE
        bundles = options["dag_processor"]["dag_bundle_config_list"]
        # A person may write their own as text.
        bundles = json.loads(bundles) if isinstance(bundles, str) else bundles
        folders = {one["name"]: folder(one, storage) for one in bundles}
        query, syntax = ROWS, "glob"
    else:
        folders, query, syntax = {"dags-folder": names.DAGS_FOLDER}, ROWS_OF_2.format(names.DAGS_FOLDER), "regexp"
    return {"folders": folders, "query": query, "syntax": options["core"].get("dag_ignore_file_syntax") or syntax}


def folder(bundle: Object, storage: str) -> str:
    """Where the files of a bundle are: of git in a copy of their own, which follows the branch."""
    kwargs = bundle.get("kwargs") or {}
    if bundle["classpath"] == dag_bundles.LOCAL:
        return str(kwargs.get("path") or names.DAGS_FOLDER)
    if bundle["classpath"] != dag_bundles.GIT:
        return f"{storage}/{bundle['name']}"
    subdir = kwargs.get("subdir")
    return f"{storage}/{bundle['name']}/tracking_repo{f'/{subdir}' if subdir else ''}"


def sentence(dag_id: str, places: t.Sequence[str]) -> str:
    """What it means, for people."""
    return f"the DAG {dag_id} is there several times ({', '.join(places)}), so Airflow runs whichever it has read last"
