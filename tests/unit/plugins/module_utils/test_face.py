"""What faces hide, and what they do not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.face import readable


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, set()),
        ({"kubeconfig": "/home/ada/.kube/config", "values": None}, {"/home/ada/.kube/config"}),
        ({"kubeconfig": '{"users": []}'}, set()),
        ({"kubeconfig": "users:\n- name: ada"}, set()),
        # A result says in which namespace objects are, and a later task has to be able to read it.
        ({"values": {"airflow_instance": "ml", "airflow_namespace": "data"}}, {"ml", "data"}),
        ({"values": {"airflow_instance": "ml"}, "given": {"database_password": "ml"}}, {"ml"}),
        ({"values": {"airflow_instance": "ml"}, "given": {"database_password": "not a name"}}, {"ml"}),
    ],
)
def test_what_is_no_secret_can_be_read(params: dict[str, t.Any], expected: set[str]) -> None:
    assert readable(params) == expected
