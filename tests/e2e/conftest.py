"""An instance of its own on the evaluation cluster, made by the collection's own playbook.

Run with: tools/run --dev pytest tests/e2e   (the cluster is up: make cluster-up images)
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from ansible_collections.dagops.airflow.plugins.module_utils.kube import kinds

pytest.register_assert_rewrite("tests.e2e.support", "tests.e2e.twenty")

from tests.e2e.support import CLUSTER, FILES, ROOT, Instance, ansible, namespace_and_dags  # noqa: E402

NAME = "e2e"

# What files use together, and take away in the end. (Marks for groups do nothing under pytest 9.2 and xdist 3.8.)
USERS = {
    "parts": ("bad_sources", "brokers", "cloud_logs", "log_shipper", "matrix", "parts", "teams"),
    "keda": ("addons", "autoscaling", "mysql"),
}
SHARING = {f"test_{name}": lane for lane, names in USERS.items() for name in names}

# Two cores are shared with whatever else runs.
LESS = {"requests": {"cpu": "50m"}}

# One pod less than usual, and no pod for each task.
VARIABLES: dict[str, t.Any] = {
    "airflow_image": {"repository": "localhost/airflow"},
    "airflow_database_postgres": {
        "image": {"repository": "localhost/postgres", "tag": "15"},
        "storage": {"size": "1Gi"},
    },
    "airflow_database_pgbouncer": {"enabled": True, "image": {"repository": "localhost/pgbouncer", "tag": "1.18"}},
    "airflow_logging_store": "volume",
    "airflow_logging_volume": {
        "size": "1Gi",
        "storageClassName": "local-path-shared",
    },
    "airflow_overrides": {
        "Job/*-migrate": {"spec": {"template": {"spec": {"containers": [{"name": "migrate", "resources": LESS}]}}}},
    },
    "airflow_core_api_server": {"resources": LESS},
    "airflow_core_executor": "LocalExecutor",
    "airflow_core_triggerer": {"enabled": False},
    "airflow_core_config": {"dag_processor": {"refresh_interval": 5, "min_file_process_interval": 5}},
    **{
        f"airflow_core_{component}": {
            "resources": LESS,
            "volumes": [{"name": "e2e-dags", "configMap": {"name": "e2e-dags"}}],
            "volumeMounts": [
                {"name": "e2e-dags", "mountPath": f"/opt/airflow/dags/{file}", "subPath": file} for file in FILES
            ],
        }
        for component in ("dag_processor", "scheduler")
    },
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep", action="store_true", help="leave the instance running, to be used by the next run")
    parser.addoption("--instance", default=NAME, help="name of the instance, before the version's major number")
    parser.addoption("--airflow", default="3.3.2", help="version of Airflow whose image the cluster has")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)


class Lanes(LoadScopeScheduling):  # type: ignore[misc]
    """Runs the tests of a file one after the other, and those of files that use the same parts of the cluster."""

    def _split_scope(self, nodeid: str) -> str:
        file = pathlib.Path(nodeid.partition("::")[0]).stem
        return SHARING.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> Lanes:
    return Lanes(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: needs the evaluation cluster and its images")
    config.addinivalue_line("markers", "alone: nothing may run beside it, on the machine or on the node")


@pytest.fixture(scope="session")
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Instance]:
    inventory = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    version = request.config.getoption("--airflow")
    name = f"{request.config.getoption('--instance')}{version[0]}"
    values = {**VARIABLES, "airflow_instance": name, "airflow_version": version}
    if version.startswith("2."):
        # It has its own name for what makes Airflow 3 see new files at once.
        values["airflow_core_config"] = {"scheduler": {"dag_dir_list_interval": 5, "min_file_process_interval": 5}}
    host = {
        "ansible_connection": "local",
        "airflow_kubeconfig": CLUSTER["kubeconfig"],
        "airflow_context": CLUSTER["context"],
        **values,
    }
    inventory.write_text(yaml.safe_dump({"airflow": {"hosts": {name: host}}}), encoding="utf-8")
    made = Instance(name=name, values=values, cluster_options=CLUSTER)
    namespace_and_dags(made)
    ansible(ROOT, inventory, "site.yml", name)
    yield made
    if not request.config.getoption("--keep"):
        ansible(ROOT, inventory, "uninstall.yml", name, "airflow_delete_data=true")
        # It was here before the instance, so it is not the instance's to delete.
        made.cluster.delete(kinds.named("Namespace"), name)
