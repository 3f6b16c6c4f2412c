# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes, reads and deletes a small object in the log store, with the identity and the clients that tasks will have.

Runs in Airflow's image: ``python -c … STORE``. What it finds is JSON, as the last words of its container: ``problem``
is why logs would be lost, ``notes`` are what else a person should know, ``unknown`` is why nothing could be found out.
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import signal
import sys
import typing as t
import uuid

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.ending import LateError, told

OWN_CONNECTION = "dagops_logs"
PATIENCE = 60
NAME = f"dagops-probe-{uuid.uuid4().hex[:12]}"
CONTENT = "Written by dagops.airflow to see whether task logs can be kept here.\n"
PACKAGES = {
    "s3": "amazon",
    "cloudwatch": "amazon",
    "gcs": "google",
    "wasb": "microsoft-azure",
    "opensearch": "opensearch",
    "elasticsearch": "elasticsearch",
}
# Codes of S3 and CloudWatch, and what they mean for logs.
CODES = {
    "NoSuchBucket": "there is no such bucket",
    "404": "there is no such bucket",
    "ResourceNotFoundException": "there is no such log group",
    "AccessDenied": "the identity may not do that",
    "AccessDeniedException": "the identity may not do that",
    "403": "the identity may not do that",
    "InvalidAccessKeyId": "the access key is not known there",
    # Versity's S3 gateway.
    "XAdminUserNotFound": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "UnrecognizedClientException": "the access key is not known there",
    "InvalidSignatureException": "the secret access key is wrong",
    "PermanentRedirect": "the bucket is in another region",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
}
# The same of exceptions, whatever library has them; the first that is among a class's ancestors counts.
ERRORS = {
    "NoCredentialsError": "no credentials were found: no access key, and no role of the ServiceAccount",
    "DefaultCredentialsError": "no credentials were found: no key file, and no identity of the ServiceAccount",
    "ClientAuthenticationError": "the identity is not accepted",
    "SSLError": "TLS failed",
    "EndpointConnectionError": "the server cannot be reached",
    "ConnectTimeoutError": "the server cannot be reached",
    "ConnectionTimeout": "the server cannot be reached",
    "AuthenticationException": "the user or the password is wrong",
    "AuthorizationException": "the identity may not do that",
    "Forbidden": "the identity may not do that",
    "NotFound": "there is no such bucket",
    "ResourceNotFoundError": "there is no such container",
    "ConnectionError": "the server cannot be reached",
    "ServiceRequestError": "the server cannot be reached",
    "TransportError": "the server refuses it",
}


class Store(t.Protocol):
    """What can be done to a store."""

    def write(self) -> None:
        """Write the object."""

    def read(self) -> str:
        """Read it back."""

    def delete(self) -> None:
        """Take it away."""


def option(section: str, name: str) -> str:
    """An option of airflow.cfg, as Airflow's own handlers read it."""
    from airflow.configuration import conf

    return str(conf.get(section, name, fallback=None) or "")


def connection() -> str:
    return option("logging", "remote_log_conn_id")


def folder() -> tuple[str, str]:
    """Bucket and key of the object, from ``s3://bucket/prefix``."""
    bucket, _slash, prefix = option("logging", "remote_base_log_folder").partition("://")[2].partition("/")
    return bucket, f"{prefix}/{NAME}"


class S3:
    def __init__(self) -> None:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        self.client: t.Any = S3Hook(aws_conn_id=connection()).get_conn()
        bucket, key = folder()
        self.place = {"Bucket": bucket, "Key": key}

    def write(self) -> None:
        encrypted = option("logging", "encrypt_s3_logs").lower() == "true"
        self.client.put_object(
            **self.place, Body=CONTENT.encode(), **({"ServerSideEncryption": "AES256"} if encrypted else {})
        )

    def read(self) -> str:
        # Airflow looks for all attempts of a task by listing them.
        self.client.list_objects_v2(Bucket=self.place["Bucket"], Prefix=self.place["Key"])
        return str(self.client.get_object(**self.place)["Body"].read().decode())

    def delete(self) -> None:
        self.client.delete_object(**self.place)


class CloudWatch:
    def __init__(self) -> None:
        from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook

        arn = option("logging", "remote_base_log_folder").partition("://")[2].split(":")
        self.client: t.Any = AwsLogsHook(aws_conn_id=connection(), region_name=arn[3]).get_conn()
        self.place = {"logGroupName": arn[6], "logStreamName": NAME}

    def write(self) -> None:
        import time

        self.client.create_log_stream(**self.place)
        self.client.put_log_events(**self.place, logEvents=[{"timestamp": int(time.time() * 1000), "message": CONTENT}])

    def read(self) -> str:
        self.client.get_log_events(**self.place)
        # An event is seen some seconds after it was taken, so that none comes back now is no fault.
        return CONTENT

    def delete(self) -> None:
        self.client.delete_log_stream(**self.place)


class Gcs:
    def __init__(self) -> None:
        if connection():
            from airflow.providers.google.cloud.hooks.gcs import GCSHook

            client = GCSHook(gcp_conn_id=connection()).get_conn()
        else:
            from airflow.providers.google.cloud.utils.credentials_provider import get_credentials_and_project_id
            from google.cloud import storage

            scope = "https://www.googleapis.com/auth/devstorage.read_write"
            credentials, project = get_credentials_and_project_id(
                key_path=option("logging", "google_key_path") or None, scopes=[scope]
            )
            client = storage.Client(credentials=credentials, project=project)
        bucket, self.key = folder()
        self.bucket: t.Any = client.bucket(bucket)
        self.blob: t.Any = self.bucket.blob(self.key)

    def write(self) -> None:
        self.blob.upload_from_string(CONTENT)

    def read(self) -> str:
        # It lists them here as well, which is a permission of its own.
        list(self.bucket.list_blobs(prefix=self.key))
        return str(self.blob.download_as_bytes().decode())

    def delete(self) -> None:
        self.blob.delete()


class Wasb:
    def __init__(self) -> None:
        from airflow.providers.microsoft.azure.hooks.wasb import WasbHook

        client = WasbHook(connection()).get_conn()
        container = option("azure_remote_logging", "remote_wasb_log_container")
        self.name = f"{option('logging', 'remote_base_log_folder')}/{NAME}"
        self.container: t.Any = client.get_container_client(container)
        self.blob: t.Any = self.container.get_blob_client(self.name)

    def write(self) -> None:
        self.blob.upload_blob(CONTENT)

    def read(self) -> str:
        list(self.container.list_blobs(name_starts_with=self.name))
        return str(self.blob.download_blob().readall().decode())

    def delete(self) -> None:
        self.blob.delete_blob()


class Search:
    """OpenSearch and Elasticsearch, whose clients have the same verbs."""

    def __init__(self, kind: str) -> None:
        if kind == "opensearch":
            from airflow.sdk.log import load_remote_log_handler

            self.client: t.Any = load_remote_log_handler().client
        else:
            import elasticsearch
            from airflow.providers.elasticsearch.log.es_task_handler import get_es_kwargs_from_config

            self.client = elasticsearch.Elasticsearch(option(kind, "host"), **get_es_kwargs_from_config())
        # Airflow only reads there where somebody else writes.
        self.writes = option(kind, "write_stdout").lower() != "true"
        self.index = option(kind, "target_index")
        self.patterns = option(kind, "index_patterns")

    def write(self) -> None:
        if self.writes:
            self.client.index(index=self.index, id=NAME, body={"event": CONTENT, "log_id": NAME, "offset": 1})

    def read(self) -> str:
        if not self.writes:
            # Nobody may have written there yet.
            query = {"query": {"match_phrase": {"log_id": NAME}}}
            self.client.search(index=self.patterns, body=query, ignore_unavailable=True)
            return CONTENT
        return str(self.client.get(index=self.index, id=NAME)["_source"]["event"])

    def delete(self) -> None:
        if self.writes:
            self.client.delete(index=self.index, id=NAME)


STORES: dict[str, t.Callable[[], Store]] = {
    "s3": S3,
    "cloudwatch": CloudWatch,
    "gcs": Gcs,
    "wasb": Wasb,
    "opensearch": lambda: Search("opensearch"),
    "elasticsearch": lambda: Search("elasticsearch"),
}


def words(error: BaseException) -> str:
    """An error in one sentence: what it means where that is known, and what the library says."""
    # Azure's clients add the whole answer to its first sentence.
    said = " ".join(str(error).partition("RequestId:")[0].split())[:400]
    response = getattr(error, "response", None)
    # A client of AWS has a dictionary there; those of others have an object.
    code = str((response.get("Error") or {}).get("Code", "")) if isinstance(response, dict) else ""
    meaning = CODES.get(code) or next(
        (ERRORS[one.__name__] for one in type(error).__mro__ if one.__name__ in ERRORS),
        # Azure's clients have one class for most answers.
        CODES.get(str(getattr(error, "status_code", "")), ""),
    )
    return f"{meaning} ({said})" if meaning else f"{type(error).__name__}: {said}"


def is_known(conn_id: str) -> bool:
    """Whether a connection is found; the clients of AWS go on without one that is not."""
    try:
        from airflow.sdk import BaseHook
    except ImportError:
        from airflow.hooks.base import BaseHook
    try:
        return bool(BaseHook.get_connection(conn_id))
    except Exception as error:
        print(f"Connection {conn_id}: {error}")
        return False


def probe(kind: str) -> dict[str, t.Any]:
    """What is wrong with the store, if anything; Airflow does not even start where it has no client for it."""
    try:
        return probed(kind)
    except ImportError as error:
        package = f"apache-airflow-providers-{PACKAGES[kind]}"
        return {"problem": f"the image has no {package} ({error}): install it in the image"}


def probed(kind: str) -> dict[str, t.Any]:
    if connection() and not is_known(connection()):
        if connection() == OWN_CONNECTION:
            return {"problem": "a value of the Secret has a quote or a backslash in it, which no connection can hold"}
        return {"unknown": f"no secrets backend knows the connection '{connection()}'"}
    try:
        store = STORES[kind]()
    except ImportError:
        raise
    except Exception as error:
        return {"problem": f"the client cannot be made: {words(error)}"}
    # The start of Airflow does not count, which takes long where CPU is short.
    signal.alarm(PATIENCE)
    doing = "written"
    try:
        store.write()
        doing = "read"
        found = store.read()
    except Exception as error:
        return {"problem": f"an object cannot be {doing}: {words(error)}"}
    if found != CONTENT:
        return {"problem": "what was read is not what was written"}
    try:
        store.delete()
    except Exception as error:
        return {"notes": [f"its probe {NAME} stays there, since it cannot be deleted: {words(error)}"]}
    return {}


def found(kind: str) -> dict[str, t.Any]:
    try:
        return probe(kind)
    except LateError:
        return {"problem": f"no answer came within {PATIENCE} s, as where a firewall is between"}


if __name__ == "__main__":
    told(sys.argv[1], lambda: found(sys.argv[1]))
