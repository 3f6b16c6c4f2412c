"""How the log of a task is printed for a shipper, by a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.render import log_config
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import print_logs
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from tests.unit.cases import LOG_SHIPPERS, LOG_STORES

PATH = "dag_id=a/run_id=b/attempt=1.log"
# The handler of the store, as far as it is asked, and a task instance.
RUN = """
import pathlib, sys, types

store = types.SimpleNamespace(
    base_log_folder=pathlib.Path(sys.argv[1]),
    log_id_template="{dag_id}-{task_id}-{run_id}-{map_index}-{try_number}",
    offset_field="offset",
    host_field="host",
    delete_local_copy=sys.argv[3] == "delete",
)
ti = types.SimpleNamespace(dag_id="a", task_id="t", run_id="b", map_index=-1, try_number=2)
printed(store, "airflow", sys.argv[2], ti if sys.argv[4] == "task" else None)
"""

Line = dict[str, t.Any]


def start(folder: Path, *, copy: str = "keep", of: str = "task") -> subprocess.Popen[str]:
    source = Path(print_logs.__file__).read_text(encoding="utf-8") + RUN
    command = [sys.executable, "-c", source, str(folder), PATH, copy, of]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def lines_of(process: subprocess.Popen[str]) -> list[Line]:
    out, _err = process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def write(folder: Path, *lines: Line | str) -> Path:
    file = folder / PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return file


def test_lines_are_found_again_in_their_order(tmp_path: Path) -> None:
    write(tmp_path, *({"timestamp": "2026-01-02", "level": "info", "event": str(number)} for number in range(50)))
    found = lines_of(start(tmp_path))
    assert {line["log_id"] for line in found} == {"a-t-b--1-2"}
    assert {line["airflow_instance"] for line in found} == {"airflow"}
    assert [line["event"] for line in sorted(found, key=lambda line: int(line["offset"]))] == [
        str(number) for number in range(50)
    ]
    assert len({line["offset"] for line in found}) == 50
    # It fits into a field of 64 bits.
    assert max(line["offset"] for line in found) < 2**63


def test_where_a_deferred_task_goes_on_its_lines_come_later(tmp_path: Path) -> None:
    write(tmp_path, {"event": "before"}, {"event": "deferred"})
    before = lines_of(start(tmp_path, copy="delete"))
    write(tmp_path, {"event": "resumed"})
    after = lines_of(start(tmp_path, copy="delete"))
    assert max(line["offset"] for line in before) < min(line["offset"] for line in after)


def test_the_copy_in_the_pod_goes_with_its_folders(tmp_path: Path) -> None:
    write(tmp_path, {"event": "x"})
    assert lines_of(start(tmp_path, copy="delete"))
    assert tmp_path.exists()
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_holds_another_log_stays(tmp_path: Path) -> None:
    other = write(tmp_path, {"event": "x"}).with_name("attempt=2.log")
    other.touch()
    lines_of(start(tmp_path, copy="delete"))
    assert [*other.parent.iterdir()] == [other]


def test_what_is_no_task_is_not_printed(tmp_path: Path) -> None:
    write(tmp_path, {"event": "a callback"})
    assert lines_of(start(tmp_path, of="callback")) == []


def test_a_log_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert lines_of(start(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("no JSON", {"event": "no JSON"}),
        ("[1]", {"event": "[1]"}),
        ('{"event": "x", "level": "info"}', {"event": "x", "level": "info"}),
        # A store refuses what it knows as another type: one task logs rows=1, another rows="many".
        ('{"event": "x", "rows": 1, "a": {"b": 2}}', {"event": "x", "extra": '{"a": {"b": 2}, "rows": 1}'}),
        ('{"event": ["a", 1]}', {"event": '["a", 1]'}),
        ('{"message": "of Airflow 2"}', {"event": "of Airflow 2"}),
        ('{"event": "x", "error_detail": []}', {"event": "x", "extra": '{"error_detail": []}'}),
    ],
)
def test_a_line_has_what_airflow_shows_and_the_rest_as_text(text: str, line: Line) -> None:
    assert print_logs.line_of(text) == line


def test_logs_that_end_at_the_same_time_do_not_run_into_each_other(tmp_path: Path) -> None:
    """More than a pipe takes at once, by processes that share it, as those of a LocalExecutor do."""
    count = 4
    source = Path(print_logs.__file__).read_text(encoding="utf-8") + RUN
    command = [sys.executable, "-c", source]
    folders = [tmp_path / str(number) for number in range(count)]
    for folder in folders:
        write(folder, *({"event": folder.name * 30_000} for _line in range(20)))
    shared = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    running = [subprocess.Popen([*command, str(one), PATH, "keep", "task"], stdout=shared.stdin) for one in folders]
    assert shared.stdin
    shared.stdin.close()
    shared.stdin = None
    found = [line["event"] for line in lines_of(shared)]
    assert [process.wait() for process in running] == [0] * count
    assert sorted(found) == sorted(folder.name * 30_000 for folder in folders for _line in range(20))


@pytest.mark.parametrize("case", LOG_SHIPPERS)
def test_log_config_py_is_python(case: str) -> None:
    content = log_config.content(load({"airflow_instance": "airflow", **LOG_SHIPPERS[case]}))
    assert content
    compile(content, "log_config.py", "exec")
    assert 'functools.partial(printed, REMOTE_TASK_LOG, "airflow")' in content


def test_airflow_2_prints_by_itself() -> None:
    variables = {"airflow_instance": "airflow", "airflow_version": "2.11.2", **LOG_SHIPPERS["elasticsearch"]}
    assert log_config.content(load(variables)) is None


@pytest.mark.parametrize("store", LOG_STORES)
def test_it_is_there_only_where_airflow_lacks_something(store: str) -> None:
    values = load({"airflow_instance": "airflow", **LOG_STORES[store]})
    assert bool(log_config.content(values)) == (store == "opensearch")
