"""What the tests of the evaluation cluster share: a cache, folders and tools of their own."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import go_build, state


@pytest.fixture
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "cache"
    monkeypatch.setenv("DAGOPS_AIRFLOW_CACHE", str(root))
    return root


@pytest.fixture
def folders(tmp_path: Path) -> state.Folders:
    return state.Folders(name="test", parent=tmp_path / "lib", runtime_parent=tmp_path / "run")


@pytest.fixture
def said() -> list[str]:
    """What a person was told."""
    return []


MakeTool = t.Callable[..., go_build.Tool]


@pytest.fixture
def make_tool(tmp_path: Path) -> MakeTool:
    def make(name: str = "hello", description: str = 'ldflags = "-s -w"\n', source: str | None = None) -> go_build.Tool:
        directory = tmp_path / "go" / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "go.mod").write_text(f"module dagops/{name}\n\ngo 1.21\n")
        (directory / "tool.toml").write_text(description)
        if source is not None:
            (directory / "main.go").write_text(source)
        return go_build.read(directory)

    return make
