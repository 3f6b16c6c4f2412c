"""Pods of tasks go from one namespace after the other, whatever becomes of the one before."""

from __future__ import annotations

import sys
import types

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import clean_pods


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Command lines that a stand-in for Airflow got; it does not reach the namespace `away`."""
    lines: list[str] = []

    def main() -> None:
        lines.append(" ".join(sys.argv))
        if "away" in sys.argv:
            raise RuntimeError("403")

    package, module = types.ModuleType("airflow"), types.ModuleType("airflow.__main__")
    module.main = main  # type: ignore[attr-defined]
    package.__main__ = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow", package)
    monkeypatch.setitem(sys.modules, "airflow.__main__", module)
    return lines


def test_each_namespace_is_cleaned(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-c", "30", "own", "team"])
    clean_pods.main()
    assert asked == [
        f"airflow kubernetes cleanup-pods --namespace {name} --min-pending-minutes 30" for name in ("own", "team")
    ]


def test_one_that_cannot_be_cleaned_is_told_after_the_others(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["-c", "30", "away", "team"])
    with pytest.raises(SystemExit, match="not cleaned: away"):
        clean_pods.main()
    assert "team" in asked[-1]
    assert "403" in capsys.readouterr().err
