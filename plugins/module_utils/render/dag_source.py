# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Job that reads the git repositories of an instance as its pods would.

Its pod has the containers of git-sync that come before Airflow, one for each repository, and then one of Airflow's
image, which looks for the folders in what these have fetched (git-sync's own image has nothing to look with), and
fetches git bundles by Airflow's own classes.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_bundles, git_sync, names, probe
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, image, named_by_content
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_sources
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import DagBundle, Values

COMPONENT = "dag-probe"
NOTE = "airflow.dagops/known-hosts"
ATTEMPTS = 2
"""Of git-sync at a repository: the rules of a network may hold for a pod only a moment after its start."""


def bundles(values: Values) -> dict[str, DagBundle]:
    """Git bundles by name."""
    return {name: bundle for name, bundle in dag_bundles.bundles(values) if bundle.kind == "git"}


def wanted(values: Values) -> bool:
    """Whether there is a repository to be read."""
    return bool(values.git_sync.repositories or bundles(values))


def fingerprint(values: Values) -> str:
    """Of all that says where repositories are and who may read them: the same ones need no second look."""
    return probe.fingerprint(
        values,
        {name: dataclasses.asdict(one) for name, one in git_sync.repositories(values)},
        {
            name: {**dataclasses.asdict(one), "refresh_interval": None, "team": None}
            for name, one in bundles(values).items()
        },
        image(values, values.git_sync.image) if values.git_sync.repositories else None,
    )


def named_job(values: Values) -> Object:
    """The Job, whose name carries a hash of its content."""
    return named_by_content(job(values))


def job(values: Values) -> Object:
    """The Job with the person's overrides, which know it without the hash."""
    tried = probe.with_dags_of(
        values, values.git_sync.repositories, bundles(values), period="1s", init_max_failures=ATTEMPTS
    )
    folders = {name: git_sync.dags_folder(name, one) for name, one in git_sync.repositories(tried)}
    what = json.dumps({"folders": folders, "bundles": list(bundles(values))}, sort_keys=True)
    return probe.job(
        values,
        COMPONENT,
        probe_sources,
        what,
        env=_options(tried),
        dags=tried,
        finish=lambda pod: _with_hosts(tried, pod),
    )


def _options(tried: Values) -> list[Object]:
    """Options of airflow.cfg as environment variables."""
    # Airflow refuses a team where its configuration allows none, and whose they are makes no difference here.
    entries = [dag_bundles.entry(name, dataclasses.replace(one, team=None)) for name, one in dag_bundles.bundles(tried)]
    if not entries:
        return []
    return [
        {"name": "AIRFLOW__CORE__LOAD_EXAMPLES", "value": "False"},
        {"name": "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", "value": json.dumps(entries, sort_keys=True)},
    ]


def _with_hosts(tried: Values, template: Object) -> None:
    """Let the pod have host keys that a person wrote as annotations of its own.

    The instance's ConfigMaps hold those of before, and its pods read them.
    """
    written = {
        names.name(tried, "config"): dag_bundles.known_hosts(tried),
        names.name(tried, git_sync.COMPONENT): git_sync.known_hosts(tried),
    }
    notes: dict[str, str] = {}
    for volume in template["spec"]["volumes"]:
        sources = (volume.get("projected") or {}).get("sources", [])
        for number, source in enumerate(sources):
            keys = written.get(source.get("configMap", {}).get("name"), {})
            items: list[Object] = source.get("configMap", {}).get("items", [])
            if all(item["key"] in keys for item in items) and items:
                sources[number] = {"downwardAPI": {"items": [_note(notes, keys, item) for item in items]}}
    if notes:
        template["metadata"]["annotations"] = {**template["metadata"].get("annotations", {}), **notes}


def _note(notes: dict[str, str], keys: t.Mapping[str, str], item: Object) -> Object:
    """An annotation as a file."""
    note = f"{NOTE}-{len(notes)}"
    notes[note] = keys[item["key"]]
    return {"path": item["path"], "fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{note}']"}}
