"""The stand-in for git-sync keeps git-sync's contract, with a real git."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import http.server
import importlib.util
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import typing as t
import urllib.error
import urllib.request

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import dags_refresh

PROGRAM = pathlib.Path(__file__).parents[3] / "roles/local_images/files/images/git-sync-standin/v4/git_sync.py"
NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
AUTHOR = {f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ENDS = 120
"""Seconds that nothing here may take."""


@pytest.fixture(scope="module")
def program() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("git_sync", PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclasses.dataclass(frozen=True)
class Remote:
    """A repository that is synced from."""

    path: pathlib.Path

    def git(self, *arguments: str) -> str:
        environment = {**os.environ, **NOBODY, **AUTHOR}
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.path / f"{name}.py").write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")
        return self.git("rev-parse", "HEAD")


@dataclasses.dataclass(frozen=True)
class Sync:
    """How the program is run, and the root that it works in."""

    remote: Remote
    root: pathlib.Path

    @property
    def link(self) -> pathlib.Path:
        return self.root / "current"

    @property
    def log(self) -> pathlib.Path:
        """What a run in the background says."""
        return self.root.with_name("log")

    def environment(self, variables: c.Mapping[str, str]) -> dict[str, str]:
        given = {"REPO": str(self.remote.path), "ROOT": str(self.root), "LINK": "current", **variables}
        named = {f"GITSYNC_{name}": value for name, value in given.items()}
        return {**os.environ, **NOBODY, "HOME": str(self.root.parent), **named}

    def once(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PROGRAM), *arguments],
            env=self.environment({"ONE_TIME": "true", **variables}),
            capture_output=True,
            text=True,
            check=False,
            timeout=ENDS,
        )

    @contextlib.contextmanager
    def running(self, **variables: str) -> c.Iterator[subprocess.Popen[bytes]]:
        with (
            self.log.open("w", encoding="utf-8") as log,
            subprocess.Popen([sys.executable, str(PROGRAM)], env=self.environment(variables), stderr=log) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def shows(self, commit: str) -> bool:
        return self.link.is_symlink() and os.readlink(self.link) == f".worktrees/{commit}"


@pytest.fixture
def sync(tmp_path: pathlib.Path) -> Sync:
    remote = Remote(tmp_path / "remote.git")
    remote.path.mkdir()
    remote.git("init", "--quiet", "--initial-branch", "main")
    remote.commit(dag="first")
    return Sync(remote, tmp_path / "volume")


def until(true: c.Callable[[], bool]) -> None:
    """Wait for what a program does by itself."""
    deadline = time.monotonic() + ENDS
    while not true():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.02)


def said(done: subprocess.CompletedProcess[str]) -> list[dict[str, t.Any]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_the_link_shows_a_worktree_that_is_named_by_its_hash(sync: Sync) -> None:
    done = sync.once()
    commit = sync.remote.git("rev-parse", "HEAD")
    assert done.returncode == 0, done.stderr
    assert sync.shows(commit)
    assert (sync.link / "dag.py").read_text() == "first"
    assert said(done)[-1]["msg"] == "exiting after one sync"


def test_a_new_commit_takes_the_place_of_the_old_one_and_removes_it(sync: Sync) -> None:
    sync.once()
    second = sync.remote.commit(dag="second")
    sync.once()
    assert sync.shows(second)
    assert (sync.link / "dag.py").read_text() == "second"
    assert [path.name for path in (sync.root / ".worktrees").iterdir()] == [second]


def test_an_old_worktree_stays_as_long_as_it_is_told_to(sync: Sync) -> None:
    sync.once()
    sync.remote.commit(dag="second")
    sync.once(STALE_WORKTREE_TIMEOUT="1h")
    assert len(list((sync.root / ".worktrees").iterdir())) == 2


def test_what_is_the_same_is_left_alone(sync: Sync) -> None:
    sync.once()
    before = sync.link.lstat().st_ino
    assert sync.once().returncode == 0
    assert sync.link.lstat().st_ino == before


def test_readers_never_see_a_link_that_leads_nowhere(sync: Sync) -> None:
    with sync.running(PERIOD="10ms", MAX_FAILURES="-1") as process:
        until(sync.link.is_symlink)
        for number in range(5):
            commit = sync.remote.commit(dag=f"number {number}")
            while not sync.shows(commit):
                assert process.poll() is None
                assert os.readlink(sync.link).startswith(".worktrees/")


@pytest.mark.parametrize("kind", ["branch", "tag", "hash"])
def test_a_ref_is_a_branch_a_tag_or_a_hash(sync: Sync, kind: str) -> None:
    first = sync.remote.git("rev-parse", "HEAD")
    sync.remote.git("branch", "release")
    sync.remote.git("tag", "--annotate", "--message", "x", "v1")
    sync.remote.commit(dag="second")
    done = sync.once(REF={"branch": "release", "tag": "v1", "hash": first}[kind])
    assert done.returncode == 0, done.stderr
    assert sync.shows(first)


def test_only_the_newest_commit_is_fetched_unless_more_are_wanted(sync: Sync) -> None:
    remote = {"REPO": f"file://{sync.remote.path}"}
    sync.remote.commit(dag="second")
    count = ["git", "-c", "safe.directory=*", "-C", str(sync.link), "rev-list", "--count", "HEAD"]
    sync.once(**remote)
    assert subprocess.check_output(count, text=True).strip() == "1"
    sync.once(**remote, DEPTH="0")
    assert subprocess.check_output(count, text=True).strip() == "2"


def test_the_root_may_be_mounted_elsewhere(sync: Sync) -> None:
    sync.once()
    moved = sync.root.rename(sync.root.with_name("elsewhere"))
    status = ["git", "-c", "safe.directory=*", "-C", str(moved / "current"), "status", "--porcelain"]
    assert subprocess.check_output(status, text=True) == ""


def test_a_root_that_holds_something_else_is_emptied(sync: Sync) -> None:
    (sync.root / "lost+found").mkdir(parents=True)
    assert sync.once().returncode == 0
    assert not (sync.root / "lost+found").exists()
    assert (sync.link / "dag.py").exists()


def test_without_a_name_the_link_has_that_of_the_repository(sync: Sync) -> None:
    sync.once(LINK="")
    assert (sync.root / "remote" / "dag.py").exists()


def test_the_link_may_be_elsewhere(sync: Sync, tmp_path: pathlib.Path) -> None:
    sync.once(LINK=str(tmp_path / "published" / "dags"))
    assert (tmp_path / "published" / "dags" / "dag.py").exists()
    assert os.readlink(tmp_path / "published" / "dags").startswith("../volume/.worktrees/")


def test_a_group_may_write_where_it_is_told_to(sync: Sync) -> None:
    sync.once(GROUP_WRITE="true")
    assert (sync.link / "dag.py").stat().st_mode & 0o060 == 0o060
    assert (sync.root / ".git/config").stat().st_mode & 0o060 == 0o060


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"REF": "nope"}, "couldn't find remote ref nope"),
        ({"REPO": "/does/not/exist"}, "'/does/not/exist' does not appear to be a git repository"),
    ],
)
def test_the_first_failure_ends_it_in_the_words_of_git(sync: Sync, variables: dict[str, str], why: str) -> None:
    done = sync.once(**variables)
    assert done.returncode == 1
    assert said(done)[-1]["msg"] == "too many failures, aborting"
    assert why in said(done)[-1]["err"]


def test_so_many_failures_are_borne_as_are_told(sync: Sync) -> None:
    done = sync.once(REF="nope", MAX_FAILURES="3", PERIOD="10ms")
    assert done.returncode == 1
    assert [line["failCount"] for line in said(done) if "failCount" in line] == [1, 2, 3]


def test_a_failure_leaves_what_was_there_before_and_is_made_good(sync: Sync) -> None:
    first = sync.remote.git("rev-parse", "HEAD")
    hidden = sync.remote.path.with_name("hidden")
    with sync.running(PERIOD="10ms", MAX_FAILURES="-1", ERROR_FILE="error.json"):
        until(lambda: sync.shows(first))
        sync.remote.path.rename(hidden)
        until((sync.root / "error.json").exists)
        assert sync.shows(first)
        hidden.rename(sync.remote.path)
        second = sync.remote.commit(dag="second")
        until(lambda: sync.shows(second))
        until(lambda: not (sync.root / "error.json").exists())


def test_a_sync_that_takes_too_long_is_a_failure(sync: Sync, tmp_path: pathlib.Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    done = sync.once(REPO=f"ext::{slow}", SYNC_TIMEOUT="2s", GIT_CONFIG="protocol.ext.allow:always")
    assert done.returncode == 1
    assert "context deadline exceeded" in said(done)[-1]["err"]


def test_a_signal_syncs_at_once(sync: Sync) -> None:
    with sync.running(PERIOD="1h", SYNC_ON_SIGNAL="SIGHUP") as process:
        until(sync.link.is_symlink)
        second = sync.remote.commit(dag="second")
        process.send_signal(signal.SIGHUP)
        until(lambda: sync.shows(second))
        process.terminate()
        assert process.wait(ENDS) == 128 + signal.SIGTERM


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_refresh_waits_for_the_newest_commit(sync: Sync, shell: str) -> None:
    first = sync.remote.git("rev-parse", "HEAD")
    with sync.running(PERIOD="1h", SYNC_ON_SIGNAL="SIGHUP") as process:
        until(sync.link.is_symlink)

        def refreshed(seconds: int = ENDS) -> subprocess.CompletedProcess[str]:
            # In its container it is process 1.
            script = dags_refresh.SYNC.replace("kill -HUP 1 ", f"kill -HUP {process.pid} ")
            command = [shell, "-c", script, shell, str(sync.root), "current", str(seconds)]
            return subprocess.run(command, env={**os.environ, **NOBODY}, capture_output=True, text=True, check=False)

        second = sync.remote.commit(dag="second")
        assert refreshed().stdout.split() == [first, second]
        assert sync.shows(second)
        assert refreshed().stdout.split() == [second, second]
        # As while it fetches: what this has seen may be older than the push.
        (sync.root / ".git/FETCH_HEAD").write_text("")
        third = sync.remote.commit(dag="third")
        assert refreshed().stdout.split() == [second, third]
        sync.remote.path.rename(sync.remote.path.with_name("away"))
        assert refreshed(seconds=2).returncode == dags_refresh.LATE
        assert sync.shows(third)


def test_a_hash_is_synced_once(sync: Sync) -> None:
    first = sync.remote.git("rev-parse", "HEAD")
    with sync.running(REF=first, PERIOD="10ms") as process:
        until(lambda: "no further sync needed" in sync.log.read_text())
        sync.remote.path.rename(sync.remote.path.with_name("gone"))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)


def test_the_touch_file_tells_of_changes_only(sync: Sync) -> None:
    touched = sync.root / "touched"
    with sync.running(PERIOD="10ms", TOUCH_FILE="touched"):
        until(touched.exists)
        touched.unlink()
        sync.remote.commit(dag="second")
        until(touched.exists)


def test_the_endpoint_is_not_ready_before_the_first_sync(sync: Sync) -> None:
    port = free_port()
    hidden = sync.remote.path.rename(sync.remote.path.with_name("hidden"))
    bind = {"HTTP_BIND": f"127.0.0.1:{port}", "HTTP_METRICS": "true"}
    with sync.running(PERIOD="10ms", MAX_FAILURES="-1", **bind):
        until(lambda: answer(port)[0] == 503)
        until(lambda: 'git_sync_count_total{status="error"} ' in answer(port, "/metrics")[1])
        hidden.rename(sync.remote.path)
        until(lambda: answer(port)[0] == 200)
        until(lambda: 'git_sync_count_total{status="noop"}' in answer(port, "/metrics")[1])
        metrics = answer(port, "/metrics")[1].splitlines()
    assert 'git_sync_count_total{status="success"} 1' in metrics
    assert any(line.startswith("git_fetch_count_total ") for line in metrics)


def test_metrics_are_told_only_where_they_are_wanted(sync: Sync) -> None:
    port = free_port()
    with sync.running(PERIOD="10ms", HTTP_BIND=f"127.0.0.1:{port}"):
        until(lambda: answer(port)[0] == 200)
        assert answer(port, "/metrics")[1] == ""


def test_a_webhook_is_called_until_it_succeeds(sync: Sync) -> None:
    calls: list[tuple[str, str | None]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append((self.path, self.headers["Gitsync-Hash"]))
            self.send_response(200 if len(calls) > 1 else 500)
            self.end_headers()

        def log_message(self, *_parts: t.Any) -> None:
            pass

    first = sync.remote.git("rev-parse", "HEAD")
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/pushed"
        with sync.running(PERIOD="10ms", WEBHOOK_URL=url, WEBHOOK_BACKOFF="1s"):
            until(lambda: len(calls) == 2)
        server.shutdown()
    assert calls == [("/pushed", first)] * 2


def test_a_hook_that_fails_fails_a_run_of_one_sync(sync: Sync, tmp_path: pathlib.Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ncp dag.py {tmp_path}/$GITSYNC_HASH\nexit $CODE\n", encoding="utf-8")
    hook.chmod(0o755)
    first = sync.remote.git("rev-parse", "HEAD")
    for code in (3, 0):
        environment = {**sync.environment({"ONE_TIME": "true", "EXECHOOK_COMMAND": str(hook)}), "CODE": str(code)}
        done = subprocess.run([sys.executable, str(PROGRAM)], env=environment, check=False, capture_output=True)
        assert bool(done.returncode) == bool(code)
    assert (tmp_path / first).read_text() == "first"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answer(port: int, path: str = "/") -> tuple[int, str]:
    """What the endpoint says; no status where nobody listens yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=ENDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


NEEDED = {"GITSYNC_REPO": "git@git.example.com:team/dags.git", "GITSYNC_ROOT": "/git"}


def test_a_flag_goes_before_a_variable(program: types.ModuleType) -> None:
    given = program.options(
        ["--period=30s", "--depth", "0", "--one-time", "--ssh-known-hosts=false"],
        {**NEEDED, "GITSYNC_PERIOD": "5s", "GITSYNC_MAX_FAILURES": "-1", "PATH": "/bin"},
    )
    assert [given[name] for name in ("period", "depth", "one-time", "ssh-known-hosts", "max-failures")] == [
        30,
        0,
        True,
        False,
        -1,
    ]
    assert str(given.link) == "/git/dags"


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400)])
def test_times_are_written_as_go_does(program: types.ModuleType, text: str, seconds: float) -> None:
    assert program.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("http.sslCAInfo:/etc/ca.crt", [("http.sslCAInfo", "/etc/ca.crt")]),
        ('"http.https://x.y/.sslVerify":false,a.b:c', [("http.https://x.y/.sslVerify", "false"), ("a.b", "c")]),
        (r'a.b:"one, two",c.d:x\,y\\', [("a.b", "one, two"), ("c.d", "x,y\\")]),
    ],
)
def test_options_of_git_may_be_quoted(program: types.ModuleType, text: str, parsed: list[tuple[str, str]]) -> None:
    assert program.pairs(text) == parsed


@pytest.mark.parametrize(
    ("arguments", "variables", "why"),
    [
        ((), {"GITSYNC_REPO": ""}, "--repo must be specified"),
        ((), {"GITSYNC_ROOT": ""}, "--root must be specified"),
        ((), {"GITSYNC_PERIOD": "10"}, "--period must be a duration such as 10s"),
        ((), {"GITSYNC_PERIOD": "1ms"}, "--period must be at least 0.01s"),
        ((), {"GITSYNC_ONE_TIME": "yes"}, "--one-time must be true or false"),
        ((), {"GITSYNC_SYNC_ON_SIGNAL": "SIGNOPE"}, "--sync-on-signal"),
        ((), {"GITSYNC_SUBMODULES": "none"}, "--submodules must be one of recursive, shallow, off"),
        ((), {"GITSYNC_GIT_CONFIG": "http.sslCAInfo"}, "--git-config must look like key:value"),
        ((), {"GITSYNC_USERNAME": "ada"}, "when --username is specified"),
        ((), {"GITSYNC_PASSWORD": "hidden"}, "only be specified with --username"),
        (("--http-metrics",), {}, "--http-bind must be specified"),
        (("--password=hidden",), {}, "unknown flag: --password"),
        (("--branch=main",), {}, "unknown flag: --branch"),
        (("--ref",), {}, "needs an argument: --ref"),
        ((), {"GITSYNC_BRANCH": "main"}, "does not know GITSYNC_BRANCH"),
    ],
)
def test_options_that_cannot_be_are_refused(
    program: types.ModuleType, arguments: tuple[str, ...], variables: dict[str, str], why: str
) -> None:
    with pytest.raises(program.Wrong) as refused:
        program.options(arguments, {**NEEDED, **variables})
    assert why in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_wrong_option_ends_the_program_before_it_does_anything(sync: Sync) -> None:
    done = sync.once(REPO="")
    assert (done.returncode, done.stderr) == (1, "ERROR: required flag: --repo must be specified\n")
    assert not sync.root.exists()
