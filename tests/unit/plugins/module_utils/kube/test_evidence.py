"""Selectors, and which pod and which log tell most."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import evidence, streams


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, "a in (1,2)"),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, "a notin (1)"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, "a"),
        ({"matchLabels": {"b": "2"}, "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, "b=2,!a"),
        ({}, ""),
    ],
)
def test_selectors(selector: dict[str, t.Any], text: str) -> None:
    assert evidence.label_selector(selector) == text


def test_the_container_that_ended_with_an_error_is_heard_first() -> None:
    running = {"name": "a", "state": {"running": {}}, "ready": False}
    failed = {"name": "b", "state": {"terminated": {"exitCode": 1}}}
    done = {"name": "c", "state": {"terminated": {"exitCode": 0}}}
    assert evidence._last_run({"status": {"containerStatuses": [running, failed]}}) == "b"
    assert evidence._last_run({"status": {"containerStatuses": [done, running]}}) == "a"
    assert evidence._last_run({"status": {}}) is None


def test_events_are_one_line() -> None:
    assert evidence._line({"reason": "Failed", "message": "one\n two", "count": 3}) == "Failed: one two (3 times)"
    assert evidence._line({"reason": "Failed", "message": "one"}) == "Failed: one"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b'{"status":"Success"}', 0),
        (b'{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}', 3),
    ],
)
def test_exit_codes(status: bytes, code: int) -> None:
    assert streams.exit_code(status, "run x") == code


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (b"", "the connection ended before the command did"),
        (b'{"status":"Failure","message":"not found"}', "Cannot run x: not found"),
        (b'{"status":"Failure"}', "it could not be started"),
    ],
)
def test_commands_that_did_not_run(status: bytes, message: str) -> None:
    with pytest.raises(Failure, match=message):
        streams.exit_code(status, "run x")
