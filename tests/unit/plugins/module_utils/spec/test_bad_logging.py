"""Log stores that cannot be: each mistake is named by its variable, and says what to do."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec import references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import SpecError
from tests.unit.cases import LOG_STORES

ONE: dict[str, t.Any] = {"airflow_instance": "airflow"}
OLD = {"airflow_version": "2.11.2"}
ARN = "arn:aws:logs:eu-central-1:123456789012:log-group:airflow"


def s3(**block: t.Any) -> dict[str, t.Any]:
    return {"airflow_logging_store": "s3", "airflow_logging_s3": {"bucket": "logs", **block}}


def wasb(**block: t.Any) -> dict[str, t.Any]:
    return {"airflow_logging_store": "wasb", "airflow_logging_wasb": {"container": "logs", **block}}


def search(kind: str = "opensearch", **block: t.Any) -> dict[str, t.Any]:
    return {
        "airflow_logging_store": kind,
        f"airflow_logging_{kind}": {"url": "https://search.example.com", **block},
    }


def shipped(store: dict[str, t.Any], **shipper: t.Any) -> dict[str, t.Any]:
    own = {"enabled": True, "namespace": "node-agents", "image": {"tag": "2026-08"}, **shipper}
    return {**store, "airflow_logging_shipper": own}


TABLE: list[tuple[dict[str, t.Any], str, str]] = [
    ({"airflow_logging_store": "S3"}, "airflow_logging_store", "which is none of none, volume, s3"),
    ({"airflow_logging_store": "azure"}, "airflow_logging_store", "none of none, volume, s3"),
    ({"airflow_logging_store": "s3"}, "airflow_logging_s3", "is required where airflow_logging_store is 's3'"),
    ({"airflow_logging_store": "volume", "airflow_logging_volume": {"enabled": True}}, "volume.enabled", "no"),
    ({"airflow_logging_volume": {"size": "1Gi"}}, "airflow_logging_volume", "set airflow_logging_store to 'volume'"),
    ({"airflow_logging_s3": {"bucket": "logs"}}, "airflow_logging_s3", "airflow_logging_store is 'none'"),
    (
        {**s3(), "airflow_logging_gcs": {"bucket": "logs"}},
        "airflow_logging_gcs",
        "airflow_logging_store is 's3', and a log goes to one place",
    ),
    (
        {**s3(), "airflow_logging_volume": {"size": "1Gi"}},
        "airflow_logging_volume",
        "airflow_logging_store is 's3', and a log goes to one place",
    ),
    (
        {**s3(), "airflow_core_config": {"logging": {"remote_base_log_folder": "s3://other"}}},
        "airflow_core_config.logging.remote_base_log_folder",
        "and so does airflow_logging_store",
    ),
    (shipped(s3()), "airflow_logging_shipper", "airflow_logging_store is 's3', to which Airflow itself brings logs"),
    (shipped({"airflow_logging_store": "volume"}), "airflow_logging_shipper", "choose opensearch or elasticsearch"),
    (shipped(search()), "airflow_logging_shipper", "airflow_logging_opensearch.write is 'direct'"),
    (shipped(search(write="stdout"), image={}), "airflow_logging_shipper.image.tag", "name a release of"),
    (
        shipped(search(write="stdout"), namespace=None),
        "airflow_logging_shipper.namespace",
        "is not given, but the shipper reads files of the node, which airflow_rbac_pod_security 'restricted' forbids",
    ),
    (
        shipped({**search(write="stdout"), "airflow_rbac_pod_security": "baseline"}, namespace="airflow"),
        "airflow_logging_shipper.namespace",
        "is the same as airflow_namespace",
    ),
    (
        shipped(search(write="stdout", url="http://search.example.com"), ca={"name": "ca"}),
        "airflow_logging_shipper.ca",
        "write https://, or leave the authority out",
    ),
    (shipped(search(write="stdout"), podsFolder="/var/log/pods/"), "airflow_logging_shipper.podsFolder", "absolute"),
    (
        {**shipped(search(write="stdout")), "airflow_image_digests_required": True},
        "airflow_logging_shipper.image.digest",
        "is required",
    ),
    (
        {**search(), "airflow_core_config": {"elasticsearch": {"host": "x"}}},
        "airflow_core_config.elasticsearch.host",
        "leave one of them out",
    ),
    (
        {
            "airflow_logging_loss_accepted": True,
            "airflow_logging_config_file": "LOGGING_CONFIG = {}",
            "airflow_core_config": {"logging": {"logging_config_class": "a.B"}},
        },
        "airflow_core_config.logging.logging_config_class",
        "and so does airflow_logging_config_file",
    ),
    (s3(bucket=None), "airflow_logging_s3.bucket", "is required"),
    (s3(bucket="s3://logs"), "airflow_logging_s3.bucket", "without a scheme or path"),
    (s3(bucket="logs/airflow"), "airflow_logging_s3.bucket", "without a scheme or path"),
    (s3(prefix="/logs/"), "airflow_logging_s3.prefix", "without a slash at its ends"),
    (s3(endpointUrl="minio:9000"), "airflow_logging_s3.endpointUrl", "does not begin with https://"),
    (s3(endpointUrl="https://u:p@minio"), "airflow_logging_s3.endpointUrl", "holds a user or password"),
    (s3(accessKey="AKIA"), "airflow_logging_s3.accessKey", "is not an option"),
    (s3(credentials={"idKey": "id"}), "airflow_logging_s3.credentials.name", "is required"),
    (
        s3(credentials={"name": "logs"}, connectionId="logs"),
        "airflow_logging_s3.connectionId",
        "and so does airflow_logging_s3.credentials",
    ),
    (s3(ca={"name": "ca"}), "airflow_logging_s3.ca", "airflow_logging_s3.endpointUrl is not given: set it"),
    (
        s3(ca={"name": "ca"}, endpointUrl="http://minio:9000"),
        "airflow_logging_s3.ca",
        "begins with http://: write https://",
    ),
    (wasb(), "airflow_logging_wasb.account", "which storage account has the container"),
    (wasb(account="My-Account"), "airflow_logging_wasb.account", "3 to 24 lower-case letters and digits"),
    (search(url="search:9200"), "airflow_logging_opensearch.url", "does not begin with https://"),
    (search(url="https://search.example.com/path"), "airflow_logging_opensearch.url", "no path for OpenSearch"),
    (search(index="Airflow"), "airflow_logging_opensearch.index", "lower-case"),
    (search(write="shipper"), "airflow_logging_opensearch.write", "none of direct, stdout"),
    (
        search("elasticsearch", url="http://search:9200", ca={"name": "ca"}),
        "airflow_logging_elasticsearch.ca",
        "airflow_logging_elasticsearch.url begins with http://",
    ),
    ({**search(), **OLD}, "airflow_logging_store", "Airflow 2.11.2 has no way to write there"),
    (
        {"airflow_logging_store": "cloudwatch", "airflow_logging_cloudwatch": {"logGroupArn": "airflow"}},
        "airflow_logging_cloudwatch.logGroupArn",
        "the ARN of a log group",
    ),
    ({**s3(), "airflow_logging_retention_days": -1}, "airflow_logging_retention_days", "at least 0"),
    (
        {**s3(), "airflow_logging_level": "info"},
        "airflow_logging_level",
        "none of CRITICAL, ERROR, WARNING, INFO, DEBUG",
    ),
    ({**s3(), "airflow_logging_levels": {"a": "LOUD"}}, "airflow_logging_levels.a", "none of CRITICAL, ERROR"),
    ({**s3(), "airflow_logging_levels": {"a b": "INFO"}}, "airflow_logging_levels", "no name of a logger"),
    ({**s3(), **OLD, "airflow_logging_levels": {"a": "INFO"}}, "airflow_logging_levels", "from 3.2 on"),
    ({**s3(), **OLD, "airflow_logging_json": True}, "airflow_logging_json", "from 3.2 on and this is 2.11.2"),
    ({**s3(), "airflow_version": "3.1.0", "airflow_logging_json": True}, "airflow_logging_json", "this is 3.1.0"),
    ({**s3(), "airflow_logging_config_file": "CONFIG = {}"}, "airflow_logging_config_file", "no LOGGING_CONFIG"),
    (
        {**s3(), "airflow_logging_config_file": 'LOGGING_CONFIG = {}\nPASSWORD = "x"'},
        "airflow_logging_config_file",
        "would put a secret into a ConfigMap (PASSWORD, line 2)",
    ),
]


@pytest.mark.parametrize(("variables", "path", "words"), TABLE)
def test_bad_input_is_refused_by_its_path(variables: dict[str, t.Any], path: str, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        load({**ONE, **variables})
    [problem] = [one for one in refused.value.problems if path in one]
    assert words in problem


def test_two_stores_at_once_are_one_error() -> None:
    with pytest.raises(SpecError) as refused:
        load({**ONE, **s3(), "airflow_logging_gcs": {"bucket": "logs"}})
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    "variables",
    [
        *LOG_STORES.values(),
        s3(endpointUrl="http://minio.storage.svc:9000", credentials={"name": "logs"}),
        search("elasticsearch", url="https://search.example.com/path"),
        wasb(connectionId="azure_logs"),
        {"airflow_logging_store": "cloudwatch", "airflow_logging_cloudwatch": {"logGroupArn": ARN}},
        {**search("elasticsearch"), **OLD},
        {"airflow_logging_loss_accepted": True},
        # What no variable reaches is Airflow's own way.
        {"airflow_core_config": {"logging": {"remote_logging": True, "remote_base_log_folder": "hdfs://x/logs"}}},
    ],
)
def test_what_works_is_taken(variables: dict[str, t.Any]) -> None:
    load({**ONE, **variables})


def test_secrets_of_a_store_are_looked_for_by_preflight() -> None:
    named = {store: set(references.references(load({**ONE, **LOG_STORES[store]}))) for store in LOG_STORES}
    assert named["s3"] == {
        ("airflow_logging_s3.credentials.name", "Secret", "logs"),
        ("airflow_logging_s3.ca.name", "Secret", "company-ca"),
    }
    assert named["stackdriver"] == {("airflow_logging_stackdriver.credentials.name", "Secret", "logs")}
