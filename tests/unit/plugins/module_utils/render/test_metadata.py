"""The metadata database from inside Airflow's image: how a connection ends."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import metadata


class Library:
    """A driver whose only error is the one of a connection that is gone."""

    Error = ConnectionError


class Connection:
    """Notes what becomes of its transaction."""

    def __init__(self, *, gone: bool = False) -> None:
        self.gone = gone
        self.done: list[str] = []

    def cursor(self) -> contextlib.AbstractContextManager[Connection]:
        return contextlib.nullcontext(self)

    def commit(self) -> None:
        self.done.append("commit")

    def rollback(self) -> None:
        if self.gone:
            raise ConnectionError("it is gone")
        self.done.append("rollback")

    def close(self) -> None:
        self.done.append("close")


def test_a_transaction_takes_effect_before_its_connection_closes() -> None:
    connection = Connection()
    with metadata.transaction(connection) as cursor:
        assert cursor is connection
    assert connection.done == ["commit", "close"]


@pytest.mark.parametrize("gone", [False, True])
def test_a_transaction_that_fails_takes_no_effect(monkeypatch: pytest.MonkeyPatch, gone: bool) -> None:
    monkeypatch.setattr(metadata, "driver", lambda: t.cast("t.Any", Library))
    connection = Connection(gone=gone)
    with pytest.raises(ZeroDivisionError), metadata.transaction(connection):
        raise ZeroDivisionError
    assert connection.done == (["close"] if gone else ["rollback", "close"])
