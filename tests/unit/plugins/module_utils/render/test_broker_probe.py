"""The Job that asks Celery's broker, and what its script makes of what it hears."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import broker_probe, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import probe_broker
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.render.scripts import source
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import CASES

Object = dict[str, t.Any]

EXTERNAL: Object = {
    "airflow_instance": "airflow",
    "airflow_logging_store": "volume",
    "airflow_core_executor": "CeleryExecutor",
    "airflow_celery_broker": {
        "provider": "external",
        "scheme": "amqps",
        "host": "rabbit.example.com",
        "credentials": {"name": "mine"},
    },
}
BY_URL: Object = {**EXTERNAL, "airflow_celery_broker": {"provider": "external", "urlSecret": {"name": "whole"}}}
BACKEND: Object = {"airflow_celery_result_backend": {"urlSecret": {"name": "results", "key": "address"}}}
EMBEDDED: Object = {name: value for name, value in EXTERNAL.items() if name != "airflow_celery_broker"}


def pod_of(variables: Object) -> Object:
    return t.cast("Object", broker_probe.named_job(load(variables), "print")["spec"]["template"])


def env_of(variables: Object) -> dict[str, Object]:
    return {one["name"]: one for one in pod_of(variables)["spec"]["containers"][0]["env"]}


def worker_of(variables: Object) -> Object:
    found = [item for item in render_all(load(variables)) if item["metadata"]["name"] == "airflow-worker"]
    return next(item["spec"]["template"]["spec"] for item in found if item["kind"] == "Deployment")


def test_it_has_what_a_worker_has() -> None:
    set_ = {
        "env": [{"name": "MINE", "value": "1"}],
        "nodeSelector": {"pool": "tasks"},
        "volumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
        "volumeMounts": [{"name": "ca", "mountPath": "/ca"}],
    }
    # Pods of the other executor are others.
    both = {"airflow_core_executor": "CeleryExecutor,KubernetesExecutor", "airflow_core_workers": {"env": []}}
    variables = {**EXTERNAL, **both, "airflow_celery_workers": {"default": set_}}
    pod, worker = pod_of(variables)["spec"], worker_of(variables)
    mine, theirs = (one["containers"][0] for one in (pod, worker))
    assert pod["serviceAccountName"] == worker["serviceAccountName"] == "airflow-worker"
    assert mine["image"] == theirs["image"]
    assert pod["nodeSelector"] == {"pool": "tasks"}
    assert {"name": "MINE", "value": "1"} in mine["env"]
    assert set_["volumeMounts"][0] in mine["volumeMounts"]
    assert set_["volumes"][0] in pod["volumes"]
    config = json.loads(env_of(variables)["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"]["value"])
    assert config["broker_use_ssl"]["cert_reqs"] == 2


def test_it_reads_an_address_that_nothing_of_the_instance_reads() -> None:
    address = env_of(EXTERNAL)["AIRFLOW__CELERY__BROKER_URL"]["valueFrom"]["secretKeyRef"]
    made = broker_probe.secret(load(EXTERNAL), {"metadata": {"name": "job", "uid": "1"}}, "amqps://x")
    assert address == {"name": made["metadata"]["name"], "key": names.BROKER_KEY}
    assert made["metadata"]["name"] not in json.dumps(worker_of(EXTERNAL))
    assert base64.b64decode(made["data"][names.BROKER_KEY]) == b"amqps://x"
    # It goes with the Job.
    assert made["metadata"]["ownerReferences"] == [{"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": "1"}]


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        (EXTERNAL, {"broker": "airflow-broker-probe"}),
        (BY_URL, {"broker": "whole"}),
        ({**BY_URL, **BACKEND}, {"broker": "whole", "result_backend": "results"}),
        ({**EMBEDDED, **BACKEND}, {"result_backend": "results"}),
        (EMBEDDED, {}),
        ({**BY_URL, **BACKEND, "airflow_core_executor": "LocalExecutor"}, {}),
    ],
)
def test_what_is_ones_own_is_asked(variables: Object, wanted: dict[str, str]) -> None:
    values = load(variables)
    assert {name: one.name for name, one in broker_probe.asked(values).items()} == wanted
    if wanted:
        assert pod_of(variables)["spec"]["containers"][0]["args"][3:] == sorted(wanted)
        given = {name: env_of(variables).get(variable) for name, variable in probe_broker.VARIABLES.items()}
        assert {name for name, one in given.items() if one} == set(wanted)


def test_another_address_is_another_job() -> None:
    values = load(EXTERNAL)
    named = {broker_probe.named_job(values, prints)["metadata"]["name"] for prints in ("a", "b")}
    assert len(named) == 2
    assert all(name.startswith("airflow-broker-probe-") for name in named)


def test_overrides_reach_it() -> None:
    values = load({**EXTERNAL, "airflow_overrides": {"Job/airflow-broker-probe": {"spec": {"backoffLimit": 1}}}})
    assert render_all(values)
    assert broker_probe.named_job(values, "")["spec"]["backoffLimit"] == 1


def test_a_new_value_of_anything_that_says_where_and_who_is_another_broker() -> None:
    config = {"celery": {"extra_celery_config": {"broker_use_ssl": {"cert_reqs": 2, "ca_certs": "/ca"}}}}
    base = load(EXTERNAL)
    found = [
        broker_probe.fingerprint(base, "a"),
        broker_probe.fingerprint(base, "b"),
        broker_probe.fingerprint(load({**EXTERNAL, "airflow_core_config": config}), "a"),
        broker_probe.fingerprint(load({**EXTERNAL, "airflow_rbac_service_accounts": {"worker": {"name": "x"}}}), "a"),
    ]
    assert len(set(found)) == len(found)
    same = [{"airflow_version": "3.3.1"}, {"airflow_celery_workers": {"default": {"replicas": 3}}}]
    assert {broker_probe.fingerprint(load({**EXTERNAL, **one}), "a") for one in same} == {found[0]}


def test_other_instances_ask_nothing() -> None:
    asking = {name for name, variables in CASES.items() if broker_probe.asked(load(variables))}
    assert asking == {"several-executors"}


# --- its script ---------------------------------------------------------------------------------------------------

UTILS = """\
import pathlib


class Connection:
    def __enter__(self):
        return self

    def __exit__(self, *_how):
        pass

    def connect(self):
        {connect}


class app:
    connection_for_write = Connection

    class backend:
        @staticmethod
        def get_task_meta(name):
            {ask}
"""


def run(folder: Path, connect: str, ask: str = "pass", **urls: str) -> Object:
    """What the script finds, by Celery's app of a made-up Airflow."""
    module = folder / "airflow" / "providers" / "celery" / "executors"
    module.mkdir(parents=True)
    (module / "celery_executor_utils.py").write_text(UTILS.format(connect=connect, ask=ask), encoding="utf-8")
    told = folder / "told"
    env = {probe_broker.VARIABLES[name]: url for name, url in urls.items()}
    subprocess.run(
        [sys.executable, "-c", source(probe_broker), *sorted(urls)],
        env={"PYTHONPATH": str(folder), "TERMINATION_LOG": str(told), **env},
        check=True,
        capture_output=True,
    )
    return t.cast("Object", json.loads(told.read_text(encoding="utf-8")))


GOOD = "amqp://ada:s%2Fcret@rabbit:5672/team"


def test_what_answers_is_known_to_do_so(tmp_path: Path) -> None:
    assert run(tmp_path, "pass", broker=GOOD, result_backend="redis://x") == {"probe": "broker", "said": {}}


def test_what_does_not_answer_is_told_without_a_secret(tmp_path: Path) -> None:
    said = 'raise ConnectionRefusedError("Connection refused by ada:s%2Fcret and s/cret and hush")'
    found = run(tmp_path, said, 'raise KeyError("no")', broker=GOOD, result_backend="redis://:hush@redis:6379/1")[
        "said"
    ]
    assert found["broker"] == {
        "host": "rabbit",
        "port": 5672,
        "database": "team",
        "scheme": "amqp",
        "kind": "away",
        "said": "ConnectionRefusedError: Connection refused by *** and *** and ***",
    }
    assert (found["result_backend"]["kind"], found["result_backend"]["said"]) == ("", "KeyError: 'no'")


def test_an_image_without_the_provider_is_told(tmp_path: Path) -> None:
    script = source(probe_broker)
    env = {"TERMINATION_LOG": str(tmp_path / "told"), "AIRFLOW__CELERY__BROKER_URL": GOOD}
    subprocess.run([sys.executable, "-c", script, "broker"], env=env, check=True, capture_output=True)
    found = json.loads((tmp_path / "told").read_text(encoding="utf-8"))["said"]["broker"]
    assert found["kind"] == "package"


@pytest.mark.parametrize(
    "url",
    [
        "redis",
        "redis://:a/b@host/0",
        "redis://:1/b@host/0",
        "redis://:1#b@host/0",
        "redis://:1?b@host/0",
        "amqp://h:x/",
    ],
)
def test_of_what_is_no_address_nothing_is_repeated(url: str, tmp_path: Path) -> None:
    """Not even by the other one, which may speak by it."""
    found = run(tmp_path, "raise ValueError('1#b')", "raise ValueError('1#b')", broker=url, result_backend="rpc://x")
    assert found["said"] == {"broker": {"kind": "address"}}


def test_of_several_addresses_all_are_secret(tmp_path: Path) -> None:
    several = "sentinel://:one@a:26379/0;sentinel://:two@b:26379/0"
    found = run(tmp_path, "raise OSError('one two three')", broker=several)["said"]["broker"]
    assert (found["host"], found["said"]) == ("a", "OSError: *** *** three")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("gaierror: [Errno -2] Name or service not known", "name"),
        ("ConnectionError: Error -3 connecting to x:1. Temporary failure in name resolution.", "name"),
        ("SSLCertVerificationError: certificate verify failed: unable to get local issuer certificate", "certificate"),
        ("SSLCertVerificationError: certificate verify failed: Hostname mismatch, ...", "certificate-name"),
        ("SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1016)", "no-tls"),
        ("AccessRefused: (0, 0): (403) ACCESS_REFUSED - Login was refused using authentication mechanism", "login"),
        ("AuthenticationError: invalid username-password pair or user is disabled.", "login"),
        ("AuthenticationError: Authentication required.", "wants-login"),
        ("AuthenticationError: AUTH <password> called without any password configured for the default", "no-login"),
        ("NotAllowed: Connection.open: (530) NOT_ALLOWED - vhost nothing not found", "database"),
        ("NotAllowed: Connection.open: (530) NOT_ALLOWED - access to vhost 'x' refused for user 'y'", "denied"),
        ("ResponseError: DB index is out of range", "database"),
        ("OperationalError: x\nConnectionRefusedError: [Errno 111] Connection refused", "away"),
        ("OSError: Server unexpectedly closed connection", "closed"),
        ("KeyError: 'No such transport: foo'", "transport"),
        ("ImportError: Missing redis library (pip install redis)", "package"),
        ("KeyError: 'x'\nModuleNotFoundError: No module named 'psycopg2'", "package"),
        ("ValueError: something", ""),
    ],
)
def test_what_libraries_say_has_a_meaning(said: str, kind: str) -> None:
    assert probe_broker.kind_of(said.split("\n")) == kind
