"""What ships printed logs: its objects, and where they may be."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.preflight import log_shipper as preflight
from ansible_collections.dagops.airflow.plugins.module_utils.render import features, log_shipper
from ansible_collections.dagops.airflow.plugins.module_utils.render.pipeline import render_all
from ansible_collections.dagops.airflow.plugins.module_utils.spec import references
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Values
from tests.unit.cases import LOG_SHIPPERS

GOLDEN = Path(__file__).parents[3] / "golden_log_shipper"
SHIPPED = LOG_SHIPPERS["opensearch"]

Object = dict[str, t.Any]


def values_of(variables: Object, **shipper: t.Any) -> Values:
    own = {**variables["airflow_logging_shipper"], **shipper}
    return load({"airflow_instance": "airflow", **variables, "airflow_logging_shipper": own})


def daemon_set(**shipper: t.Any) -> Object:
    return log_shipper.daemon_set(values_of(SHIPPED, **shipper))


def pod(**shipper: t.Any) -> Object:
    return t.cast("Object", daemon_set(**shipper)["spec"]["template"]["spec"])


@pytest.mark.parametrize("case", LOG_SHIPPERS)
def test_golden(case: str, update_golden: bool) -> None:
    objects = log_shipper.render(values_of(LOG_SHIPPERS[case]))
    (config,) = [item for item in objects if item["kind"] == "ConfigMap"]
    found = {
        "conf": config["data"][log_shipper.CONFIG_FILE],
        "json": json.dumps([item for item in objects if item is not config], indent=1, sort_keys=True) + "\n",
    }
    for suffix, text in found.items():
        path = GOLDEN / f"{case}.{suffix}"
        if update_golden:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, "the render changed: run `pytest tests/unit --update-golden`"


def test_nothing_of_it_is_there_until_it_is_switched_on() -> None:
    values = values_of(SHIPPED, enabled=False)
    assert not [item for item in render_all(values) if "shipper" in item["metadata"]["name"]]
    # And what was there goes by itself.
    assert features.LOG_SHIPPER in features.unused(values)
    objects = log_shipper.render(values_of(SHIPPED))
    assert {item["metadata"]["labels"][features.FEATURE] for item in objects} == {features.LOG_SHIPPER}


def test_all_of_it_is_in_the_namespace_that_admits_it() -> None:
    objects = [item for item in render_all(values_of(SHIPPED)) if "shipper" in item["metadata"]["name"]]
    assert {item["kind"] for item in objects} == {"ConfigMap", "DaemonSet", "ServiceAccount"}
    assert {item["metadata"]["namespace"] for item in objects} == {"node-agents"}


def test_it_has_the_least_rights_that_will_do() -> None:
    spec = pod()
    container = spec["containers"][0]
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    of_node = [volume["name"] for volume in spec["volumes"] if "hostPath" in volume]
    assert [name for name in of_node if not mounts[name].get("readOnly")] == ["state"]


def test_two_instances_share_no_state() -> None:
    one, other = (log_shipper.state_on_node(load({**SHIPPED, "airflow_instance": name})) for name in ("a", "b"))
    assert one != other


@pytest.mark.parametrize("case", LOG_SHIPPERS)
def test_no_credentials_are_in_the_configuration(case: str) -> None:
    text = log_shipper.configuration(values_of(LOG_SHIPPERS[case]))
    assert "uid=`echo $SHIPPER_USER` pwd=`echo $SHIPPER_PASSWORD`" in text


def test_only_pods_of_the_instance_are_read() -> None:
    values = load({**SHIPPED, "airflow_instance": "ml", "airflow_namespace": "team"})
    text = log_shipper.configuration(values)
    paths = re.findall(r'file="(/var/log/.*)"', text)
    assert paths
    assert all(path.startswith("/var/log/pods/team_*/") for path in paths)
    assert '$!airflow_instance == "ml"' in text


@pytest.mark.parametrize(
    ("name", "read"),
    [("0.log", True), ("12.log.20260102-030405", True), ("0.log.20260102-030405.gz", False), ("0.log.x.tmp", False)],
)
def test_what_the_kubelet_has_put_aside_is_read_until_it_is_compressed(name: str, read: bool) -> None:
    patterns = set(re.findall(r'file="/var/log/.*/([^/"]+)"', log_shipper.configuration(values_of(SHIPPED))))
    assert {Path(name).match(pattern) for pattern in patterns} == {read}


@pytest.mark.parametrize(
    ("url", "verify", "told"),
    [
        ("https://search.example.com", True, 'server="https://search.example.com:443"'),
        ("https://[2001:db8::1]:9200", True, 'server="https://[2001:db8::1]:9200"'),
        ("https://search.example.com", False, 'allowunsignedcerts="on" skipverifyhost="on"'),
    ],
)
def test_connection(url: str, verify: bool, told: str) -> None:
    store = {"airflow_logging_opensearch": {"url": url, "verify": verify, "write": "stdout"}}
    assert told in log_shipper.configuration(values_of({**SHIPPED, **store}))


def test_an_authority_that_is_not_given_is_not_named() -> None:
    text = log_shipper.configuration(values_of(SHIPPED, ca=None))
    assert "tls.cacert" not in text
    assert not [volume for volume in pod(ca=None)["volumes"] if volume["name"] == "ca"]


# --- its namespace ------------------------------------------------------------------------------------------------


def namespace(level: str | None) -> Object:
    return {"metadata": {"name": "node-agents", "labels": {preflight.ENFORCED: level} if level else None}}


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (None, "names Namespace 'node-agents', which does not exist"),
        (namespace("restricted"), "which namespace node-agents forbids"),
        (namespace("baseline"), "is 'baseline'"),
        (namespace("privileged"), None),
        (namespace(None), None),
    ],
)
def test_a_namespace_that_does_not_admit_it_is_told(live: Object | None, told: str | None) -> None:
    found = [*preflight.wrong_namespace(values_of(SHIPPED), live)]
    assert len(found) == bool(told)
    assert (told or "") in "".join(found)


def test_a_namespace_that_a_run_labels_itself_is_not_judged() -> None:
    variables = {**SHIPPED, "airflow_rbac_pod_security": "privileged"}
    assert not [*preflight.wrong_namespace(values_of(variables, namespace=None), namespace("restricted"))]


def test_secrets_are_looked_for_where_its_pods_are() -> None:
    values = values_of(SHIPPED)
    assert dict(preflight.secrets(values)) == {
        "airflow_logging_shipper.credentials.name": "logs-writer",
        "airflow_logging_shipper.ca.name": "company-ca",
    }
    here = {one.variable for one in references.references(values)}
    assert not [one for one in here if "shipper" in one]
    with_both = values_of({**SHIPPED, "airflow_rbac_pod_security": "privileged"}, namespace=None)
    here = {one.variable for one in references.references(with_both)}
    assert set(dict(preflight.secrets(values))) <= here


def test_permissions_are_those_of_its_namespace() -> None:
    objects = render_all(values_of(SHIPPED))
    found = {(one.group, one.resource): one.verbs for one in preflight.permissions(objects, "node-agents")}
    assert set(found) == {
        ("", "configmaps"),
        ("apps", "daemonsets"),
        ("", "serviceaccounts"),
        ("", "pods"),
        ("", "secrets"),
    }
