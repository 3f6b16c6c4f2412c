"""Which keys an instance has after each step of a rotation."""

from __future__ import annotations

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.rotation import next_keys, readers
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import BASE

A, B, C = (fernet.generate() for _key in range(3))


def test_a_rotation_puts_a_new_key_in_front() -> None:
    keys = next_keys("rotated", [A], [])
    assert keys[1:] == [A]
    assert fernet.checked(keys[0], "x")


@pytest.mark.parametrize(
    ("existing", "given", "wished"),
    [
        ([A], [B], [B, A]),
        ([A], [B, A], [B, A]),
        ([B, A], [], [B, A]),
        ([B, A], [B], [B, A]),
        ([B, A], [B, A], [B, A]),
        ([B, A], [C], [C, B, A]),
    ],
)
def test_a_rotation_takes_the_given_key_or_goes_on(existing: list[str], given: list[str], wished: list[str]) -> None:
    assert next_keys("rotated", existing, given) == wished


@pytest.mark.parametrize(("existing", "given"), [([A], [A]), ([B, A], [A])])
def test_a_rotation_to_a_used_key_is_refused(existing: list[str], given: list[str]) -> None:
    with pytest.raises(Failure, match="uses already") as caught:
        next_keys("rotated", existing, given)
    assert not any(key in caught.value.message for key in (*existing, *given))


@pytest.mark.parametrize("given", [[], [B], [B, A]])
def test_finalizing_keeps_the_first_key(given: list[str]) -> None:
    assert next_keys("finalized", [B, A], given) == [B]
    assert next_keys("finalized", [B], given) == [B]


def test_finalizing_another_key_than_the_given_one_is_refused() -> None:
    with pytest.raises(Failure, match="rotate to it first"):
        next_keys("finalized", [B, A], [A])


def test_every_part_that_reads_the_key_is_rolled_out() -> None:
    assert readers(load(BASE), "airflow-fernet-key") == ["core", "triggerer"]
    assert readers(load(BASE), "airflow-postgresql") == ["database"]
    assert readers(load(BASE), "nobody-reads-it") == []
