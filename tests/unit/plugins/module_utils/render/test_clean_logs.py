"""The script that keeps a log volume from filling, on a real folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import clean_logs

NOW = time.time()


def aged(path: Path, days: float) -> Path:
    os.utime(path, (NOW - days * clean_logs.DAY,) * 2, follow_symlinks=False)
    return path


def write(path: Path, days: float, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return aged(path, days)


def test_old_files_go_and_others_stay(tmp_path: Path) -> None:
    old = write(tmp_path / "dag_id=a/run_id=1/attempt=1.log", 31, "x" * 10)
    young = write(tmp_path / "dag_id=a/run_id=2/attempt=1.log", 29)
    assert clean_logs.clean(str(tmp_path), 30, NOW) == (1, 10)
    assert not old.exists()
    assert young.exists()


def test_a_folder_goes_once_it_has_been_empty_for_a_day(tmp_path: Path) -> None:
    old = write(tmp_path / "dag_id=a/run_id=1/attempt=1.log", 31)
    fresh = tmp_path / "dag_id=b" / "run_id=9"
    fresh.mkdir(parents=True)
    clean_logs.clean(str(tmp_path), 30, NOW)
    # Taking the file away was a change of the folder.
    assert old.parent.exists()
    assert fresh.exists()
    aged(old.parent, 2)
    clean_logs.clean(str(tmp_path), 30, NOW)
    assert not old.parent.exists()
    assert fresh.exists()


def test_the_volume_itself_stays(tmp_path: Path) -> None:
    clean_logs.clean(str(aged(tmp_path, 99)), 30, NOW)
    assert tmp_path.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere" / "kept.log", 99)
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "latest").symlink_to(elsewhere.parent)
    aged(volume / "latest", 99)
    (volume / "file").symlink_to(elsewhere)
    clean_logs.clean(str(volume), 30, NOW)
    assert elsewhere.exists()


def test_it_runs_by_itself_and_tells_what_went(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b.log", 8, "x" * 2**20)
    script = Path(clean_logs.__file__).read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(tmp_path), "7"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"Deleted 1 files older than 7 days from {tmp_path} (1.0 MiB).\n"
