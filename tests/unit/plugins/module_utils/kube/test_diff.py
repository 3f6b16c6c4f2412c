"""Diffs show what people decide, in the same words each time, and no secret value."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.kube import diff

NOISE = {
    "uid": "1",
    "resourceVersion": "2",
    "generation": 3,
    "creationTimestamp": "now",
    "selfLink": "/x",
    "managedFields": [{"manager": "x"}],
}


def config_map(**data: str) -> dict[str, t.Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": data}


def secret(**data: str) -> dict[str, t.Any]:
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {**config_map(), "kind": "Secret", "data": encoded}


def test_noise_is_no_change() -> None:
    noisy = {**config_map(a="1"), "status": {"x": 1}}
    noisy["metadata"] = {
        **noisy["metadata"],
        **NOISE,
        "annotations": {
            "deployment.kubernetes.io/revision": "1",
            "kubectl.kubernetes.io/last-applied-configuration": "secret",
        },
    }
    assert not diff.changed(config_map(a="1"), noisy)
    assert diff.content(noisy) == config_map(a="1")


def test_annotations_of_people_are_content() -> None:
    noted = config_map(a="1")
    noted["metadata"] = {**noted["metadata"], "annotations": {"mine": "1", "pv.kubernetes.io/x": "2"}}
    assert diff.changed(config_map(a="1"), noted)
    assert diff.content(noted)["metadata"]["annotations"] == {"mine": "1"}


def test_entry_of_a_change() -> None:
    entry = diff.entry(config_map(a="1"), config_map(a="2"))
    assert entry["before_header"] == entry["after_header"] == "ConfigMap/n/a"
    assert "a: '1'" in entry["before"]
    assert "a: '2'" in entry["after"]


def test_entries_of_a_creation_and_a_deletion() -> None:
    assert diff.entry(None, config_map())["before"] == ""
    assert diff.entry(config_map(), None)["after"] == ""


def deployment(**checksums: str) -> dict[str, t.Any]:
    notes = {f"checksum/{name.replace('_', '-')}": value for name, value in checksums.items()}
    return {**config_map(), "kind": "Deployment", "spec": {"template": {"metadata": {"annotations": notes}}}}


def test_checksums_of_secrets_are_words_since_a_check_cannot_know_what_a_run_will_generate() -> None:
    entry = diff.entry(
        deployment(configmap_a="1", secret_a="2", secret_b="3"), deployment(configmap_a="4", secret_a="2", secret_b="5")
    )
    assert "configmap-a: '1'" in entry["before"]
    assert "configmap-a: '4'" in entry["after"]
    assert (entry["before"].count("(hidden)"), entry["before"].count("(hidden, another value)")) == (2, 0)
    assert "secret-a: (hidden)" in entry["after"]
    assert "secret-b: (hidden, another value)" in entry["after"]
    assert diff.changed(deployment(secret_a="1"), deployment(secret_a="2"))


def service(*ports: int | None) -> dict[str, t.Any]:
    entries = [{"port": 1, **({"nodePort": port} if port else {})} for port in ports]
    return {**config_map(), "kind": "Service", "spec": {"ports": entries}}


def test_ports_that_the_api_server_chooses_are_words() -> None:
    """Each rehearsal, and then the run, gets another one."""
    chosen = diff.without_chance(service(30001, 30002, 30003), service(30001, None), service(None, 30002, None))
    assert [port["nodePort"] for port in chosen["spec"]["ports"]] == [30001, 30002, "(chosen by the API server)"]
    assert diff.without_chance(service(None), service(30001), service(None)) == service(None)
    assert diff.without_chance(config_map(), config_map(), None) == config_map()


@pytest.mark.parametrize("key", [None, b"key"])
def test_secret_values_are_hidden(key: bytes | None) -> None:
    entry = diff.entry(secret(a="hunter2", b="same"), secret(a="hunter3", b="same", c="new"), key)
    text = json.dumps(entry)
    for value in ("hunter2", "hunter3", "same", "new"):
        assert value not in text
        assert base64.b64encode(value.encode()).decode() not in text
    before, after = entry["before"].splitlines(), entry["after"].splitlines()
    changed = [line for line in after if line not in before]
    assert [line.split(":")[0].strip() for line in changed] == ["a", "c"]


def test_fingerprints_depend_on_value_and_key() -> None:
    assert diff.fingerprint("a", b"k") == diff.fingerprint("a", b"k")
    assert len({diff.fingerprint(value, key) for value in "ab" for key in (b"k", b"l")}) == 4


def test_yaml_is_for_readers() -> None:
    shared = {"x": 1}
    assert diff.to_yaml({"b": shared, "a": shared, "text": "one\ntwo\n"}) == (
        "a:\n  x: 1\nb:\n  x: 1\ntext: |\n  one\n  two\n"
    )
    # A block cannot hold trailing blanks.
    assert "|" not in diff.to_yaml({"text": "one \ntwo"})
