"""The cache: made once, complete or not at all."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache


def write(target: Path) -> None:
    target.write_text("made")


def test_the_folder_is_the_persons_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DAGOPS_AIRFLOW_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.root() == tmp_path / ".cache" / "dagops-airflow"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.root() == Path("/xdg/dagops-airflow")
    monkeypatch.setenv("DAGOPS_AIRFLOW_CACHE", "/own")
    assert cache.root() == Path("/own")


def test_a_key_tells_where_one_part_ends() -> None:
    assert cache.key(b"ab", b"c") != cache.key(b"a", b"bc")
    assert cache.key(b"a", b"b") == cache.key(b"a", b"b")


def test_contents_are_names_and_contents_in_a_stable_order(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "c").write_bytes(b"1")
    assert list(cache.contents(tmp_path)) == [b"a/c", b"1", b"b", b"2"]


def test_nothing_is_made_twice(tmp_path: Path, said: list[str]) -> None:
    target = tmp_path / "bin" / "thing"
    assert cache.produce(target, write, said.append) is True
    assert cache.produce(target, lambda _path: pytest.fail("made twice"), said.append) is False
    assert target.read_text() == "made"
    assert said == []


def test_an_interruption_leaves_nothing_that_counts(tmp_path: Path, said: list[str]) -> None:
    def interrupted(target: Path) -> None:
        target.write_text("half")
        raise KeyboardInterrupt

    target = tmp_path / "thing"
    with pytest.raises(KeyboardInterrupt):
        cache.produce(target, interrupted, said.append)
    assert [path.name for path in tmp_path.iterdir()] == [".thing.lock"]
    assert cache.produce(target, write, said.append) is True


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / ".thing.unfinished-x").mkdir()
    (tmp_path / ".thing.unfinished-x" / "half").touch()
    cache.produce(tmp_path / "thing", write, said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".thing.lock", "thing"]


def test_two_at_once_make_once(tmp_path: Path, said: list[str]) -> None:
    made: list[int] = []

    def slowly(target: Path) -> None:
        made.append(1)
        time.sleep(0.2)
        write(target)

    threads = [
        threading.Thread(target=cache.produce, args=(tmp_path / "thing", slowly, said.append)) for _number in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    assert said == ["waiting for another run that is at work on thing"]


def test_a_lock_that_its_holder_removed_is_taken_anew(tmp_path: Path, said: list[str]) -> None:
    lock = tmp_path / "lock"
    order: list[str] = []

    def second() -> None:
        with cache.locked(lock, said.append, "it"):
            order.append("second")

    with cache.locked(lock, said.append, "it"):
        thread = threading.Thread(target=second)
        thread.start()
        while not said:
            time.sleep(0.01)
        order.append("first")
        lock.unlink()
    thread.join()
    assert order == ["first", "second"]
    assert lock.exists()
