"""Stores of logs that are run by others: what the probe says of them, and that logs in them outlive their pods.

Google's and Microsoft's are emulators, which pods find by a variable of Google's libraries and by a connection string:
to roles and renderers they are the real ones. The DAG comes out of a GCS bundle, by the same emulator.
"""

from __future__ import annotations

import textwrap
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import connect
from ansible_collections.dagops.airflow.plugins.modules import dag_run, log_store
from tests.e2e import parts
from tests.e2e.site import BASE, Site, Variables
from tests.e2e.support import CLUSTER, Instance
from tests.e2e.test_matrix import LONGEST, Cell, dag_of, without_its_pods

NAME = "clouds"
IMAGE = "localhost/airflow-clouds:3.3.2"
CONTAINER = "airflow-logs"


class Store(t.NamedTuple):
    """A place for logs, and what is said of what is written wrongly."""

    name: str
    part: type[parts.Part]
    bad: t.Sequence[tuple[Variables, str]]


GCS = Store("gcs", parts.Gcs, [({"bucket": "nowhere"}, "there is no such bucket (404 POST ")])
WASB = Store(
    "wasb",
    parts.Azurite,
    [
        ({"container": "nowhere"}, "there is no such container (The specified container does not exist.)"),
        ({"credentials": {"name": "wrong", "key": "connection-string"}}, "the identity may not do that (Server failed"),
    ],
)
ELASTICSEARCH = Store(
    "elasticsearch",
    parts.Elasticsearch,
    [({"credentials": {"name": "wrong", "key": "api-key"}}, "the identity may not do that (")],
)
STORES = (GCS, WASB, ELASTICSEARCH)

# Airflow's own hook, with the connection of its bundle.
PUSH = """\
    import sys
    from airflow.providers.google.cloud.hooks.gcs import GCSHook

    GCSHook(sys.argv[1]).upload(sys.argv[2], sys.argv[3], data=sys.stdin.read())
"""


class Clouds:
    """One instance whose logs go to one store after the other."""

    def __init__(self, brought: dict[str, parts.Part], site: Site) -> None:
        self.site = site
        self._gcs = t.cast("parts.Gcs", brought["gcs"])
        self._azurite = t.cast("parts.Azurite | None", brought.get("azurite"))
        self._search = t.cast("parts.Elasticsearch | None", brought.get("elasticsearch"))
        self._cluster = connect(CLUSTER)

    def prepare(self) -> None:
        """What a person brings: the namespace with Secrets of their own."""
        self._cluster.apply(parts.namespace(NAME), force=True)
        self._secret("google", **{"key.json": self._gcs.secret["key.json"]})
        wrong: dict[str, str] = {}
        if self._azurite:
            self._azurite.make_container(CONTAINER)
            own, other = self._azurite, parts.Azurite(cluster=self._cluster, secret=parts.Azurite.credentials())
            self._secret("azure", **{"connection-string": own.connection_string()})
            wrong["connection-string"] = other.connection_string()
        if self._search:
            self._secret("search", **{name: self._search.secret[name] for name in ("api-key", "ca.crt")})
            wrong["api-key"] = parts.Elasticsearch.credentials()["api-key"]
        self._secret("wrong", **wrong)

    def _secret(self, name: str, **data: str) -> None:
        meta = {"name": name, "namespace": NAME}
        self._cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}, force=True)

    def variables(self, store: str, **changed: t.Any) -> Variables:
        logs, dags = self._gcs.buckets
        key_file = {"name": "google", "key": "key.json"}
        blocks: dict[str, Variables] = {
            "gcs": {"bucket": logs, "credentials": key_file},
            "wasb": {"container": CONTAINER, "credentials": {"name": "azure", "key": "connection-string"}},
            "elasticsearch": {
                "url": parts.Elasticsearch.url(),
                "ca": {"name": "search", "key": "ca.crt"},
                "credentials": {"name": "search", "key": "api-key"},
            },
        }
        repository, _colon, tag = IMAGE.rpartition(":")
        return {
            **BASE,
            "airflow_instance": NAME,
            "airflow_version": tag,
            "airflow_image": {"repository": repository},
            "airflow_core_executor": "KubernetesExecutor",
            "airflow_core_env": [{"name": "STORAGE_EMULATOR_HOST", "value": self._gcs.endpoint()}],
            "airflow_core_dag_bundles": {
                "bucket": {
                    "kind": "gcs",
                    "url": f"gs://{dags}",
                    "subPath": "team",
                    "keyFile": key_file,
                    "refreshInterval": 5,
                }
            },
            "airflow_logging_volume": {},
            "airflow_logging_store": store,
            f"airflow_logging_{store}": {**blocks[store], **changed},
        }

    def push(self, name: str, content: str) -> None:
        """Put a file into the bucket of DAGs."""
        _logs, dags = self._gcs.buckets
        code = textwrap.dedent(PUSH)
        command = ("python", "-W", "ignore", "-c", code, "dagops_bundle_bucket", dags, f"team/{name}")
        self.site.instance.run_in("dag-processor", *command, stdin=content)


@pytest.fixture(scope="module")
def clouds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Clouds]:
    names = [item.name for item in request.session.items]
    others = [store.part for store in STORES if any(f"[{store.name}]" in name for name in names)]
    brought = parts.bring_with_images(*dict.fromkeys([parts.Gcs, *others]), more=[IMAGE])
    instance = Instance(name=NAME, values={}, cluster_options=CLUSTER)
    made = Clouds(brought, Site(instance=instance, folder=tmp_path_factory.mktemp("runs")))
    instance.values.update(made.variables("gcs"))
    made.site.remove()
    made.prepare()
    yield made
    made.site.remove()
    for part in brought.values():
        parts.take_away(part.cluster, type(part))


def marked(store: Store) -> t.Any:
    return pytest.param(store, id=store.name, marks=() if store is GCS else pytest.mark.full)


@pytest.mark.parametrize("store", [marked(store) for store in STORES])
def test_a_log_outlives_its_pod(store: Store, clouds: Clouds) -> None:
    site, cell = clouds.site, Cell("kubernetes", "bundle", store.name)
    site.converge(clouds.variables(store.name))
    clouds.push("matrix.py", dag_of(cell))
    ran = site.instance.call(dag_run, dag_id="matrix", run_id=store.name, wait=True, wait_timeout=LONGEST)
    assert ran["run"]["state"] == "success"
    without_its_pods(site, cell)
    read = site.instance.call(dag_run, dag_id="matrix", run_id=store.name, wait=True, logs=True)
    (only,) = read["task_instances"]
    assert f"only of {cell.label} was here" in only["log"]

    known = site.instance.call(log_store, values=clouds.variables(store.name))
    assert (known["store"], known["probed"]) == (store.name, False)
    for changed, problem in store.bad:
        with pytest.raises(Failure) as refused:
            site.instance.call(log_store, values=clouds.variables(store.name, **changed))
        about = f"airflow_logging_{store.name}: the log store of instance {NAME}"
        assert refused.value.message.startswith(f"{about} does not work: an object cannot be written: {problem}")
        assert refused.value.message.endswith("Correct the variable, or what it names, and run again.")
