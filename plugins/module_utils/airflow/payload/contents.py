# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs inside an image of Airflow to tell what it holds: its version, its DAGs, and what keeps DAGs from loading.

It prints one line of JSON at the end. Looking for DAGs starts Airflow, so it does so in the wanted version only.

Usage: ``python -c SOURCE VERSION``
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import importlib.metadata
import json
import pathlib
import sys
import typing as t

Contents = dict[str, t.Any]


def version() -> str | None:
    """Version of the image's Airflow; None where it has none, or has installed it in a way of its own."""
    try:
        return importlib.metadata.version("apache-airflow")
    except importlib.metadata.PackageNotFoundError:
        return None


def bags() -> t.Iterator[tuple[str, pathlib.Path, t.Any]]:
    """Name, folder and DagBag of every bundle; Airflow 2 has but one folder."""
    try:
        from airflow.dag_processing.bundles.manager import DagBundlesManager
    except ImportError:
        from airflow.configuration import conf
        from airflow.models import DagBag

        folder = conf.get("core", "dags_folder")
        yield "dags-folder", pathlib.Path(folder), DagBag(folder, include_examples=False)
        return
    try:
        from airflow.dag_processing.dagbag import BundleDagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag as BundleDagBag
    for bundle in DagBundlesManager().get_all_dag_bundles():
        bundle.initialize()
        yield bundle.name, bundle.path, BundleDagBag(bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)


def contents(wanted: str) -> Contents:
    """Version, DAG ids by bundle, and by bundle and file the errors that keep DAGs from loading."""
    found = version()
    told: Contents = {"version": found, "dags": {}, "import_errors": {}}
    if found != wanted:
        return told
    for name, folder, bag in bags():
        told["dags"][name] = sorted(bag.dags)
        told["import_errors"][name] = {
            shown(folder, path): str(error).strip() for path, error in sorted(bag.import_errors.items())
        }
    return told


def shown(folder: pathlib.Path, path: str) -> str:
    """A file as people know it: by its place in the bundle."""
    file = pathlib.Path(path)
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else path


if __name__ == "__main__":
    result = json.dumps(contents(sys.argv[1]))
    # What DAG files print comes before.
    print(f"\n{result}", flush=True)
