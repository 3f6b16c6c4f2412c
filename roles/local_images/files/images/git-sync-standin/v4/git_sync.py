# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for git-sync v4, whose own image cannot be had from packages: it is for tests, and for nothing else.

It takes git-sync's documented options, each as a flag or as a GITSYNC_... variable, drives the git command, and keeps
git-sync's contract: below --root, --link is a symlink that is swapped atomically, and the last part of its target is
the hash. Where git-sync's manual and its behaviour differ, it does what git-sync does: a full hash is synced once, the
touch file is touched after a change only, and the n-th failure in a row is the last one where --max-failures is n.

In one thing it differs on purpose: git-sync ignores a variable GITSYNC_... that it does not know, and this refuses it,
so that a test sees it.
"""

from __future__ import annotations

import collections
import collections.abc as c
import contextlib
import dataclasses
import datetime
import http.server
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import types
import typing as t
import urllib.error
import urllib.request

PREFIX: t.Final = "GITSYNC_"
HASH: t.Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_DURATION: t.Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS: t.Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHORTEST: t.Final = 0.01
_OF_THE_ENVIRONMENT_ALONE: t.Final = "password"


class Wrong(Exception):
    """An option that cannot be: ends the program before it does anything."""


class Failed(Exception):
    """A sync that did not come to its end."""


def switch(value: str) -> bool:
    """A boolean, in the words that Go takes."""
    known = {**dict.fromkeys(("1", "t", "true"), True), **dict.fromkeys(("0", "f", "false"), False)}
    if value.lower() not in known:
        raise ValueError("must be true or false")
    return known[value.lower()]


def duration(value: str) -> float:
    """Seconds, from Go's way to write a time: 10s, 1m30s, 500ms."""
    if value == "0":
        return 0.0
    parts = _DURATION.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError("must be a duration such as 10s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def at_least(shortest: float) -> c.Callable[[str], float]:
    def read(value: str) -> float:
        seconds = duration(value)
        if seconds < shortest:
            raise ValueError(f"must be at least {shortest:g}s")
        return seconds

    return read


def one_of(*words: str) -> c.Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return read


def natural(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("must be greater than or equal to 0")
    return number


def signal_number(value: str) -> int:
    """The number of a signal that is given by name or number; 0 for none."""
    if not value:
        return 0
    name = value if value.startswith("SIG") else f"SIG{value}"
    return int(signal.Signals(int(value)) if value.isdigit() else signal.Signals[name])


def pairs(value: str) -> list[tuple[str, str]]:
    """The options of git in ``key:value,key:value``, of which parts may be quoted and characters escaped."""
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(value):
        key, position = _part(value, position, ":")
        if not value[position:].startswith(":"):
            raise ValueError("must look like key:value,key:value")
        text, position = _part(value, position + 1, ",")
        found.append((key, text))
        if position < len(value) and value[position] != ",":
            raise ValueError("must have a comma after each value")
        position += 1
    return found


def _part(value: str, start: int, end: str) -> tuple[str, int]:
    """The part of ``value`` that begins at ``start``, and where it ends."""
    escapes = {"n": "\n", "t": "\t", '"': '"', ",": ",", "\\": "\\"}
    quoted = value[start : start + 1] == '"'
    position = start + quoted
    text = ""
    while position < len(value) and value[position] != ('"' if quoted else end):
        if value[position] == "\\":
            position += 1
            if value[position : position + 1] not in escapes:
                raise ValueError("has an unknown escape sequence")
            text += escapes[value[position]]
        else:
            text += value[position]
        position += 1
    if quoted and position == len(value):
        raise ValueError("has a quote that does not end")
    return text, position + quoted


@dataclasses.dataclass(frozen=True)
class Option:
    """How an option is read, and what it is when nobody gives it."""

    read: c.Callable[[str], t.Any]
    default: t.Any


OPTIONS: t.Final = {
    "add-user": Option(switch, False),
    "depth": Option(natural, 1),
    "error-file": Option(str, ""),
    "exechook-backoff": Option(at_least(1), 3.0),
    "exechook-command": Option(str, ""),
    "exechook-timeout": Option(at_least(1), 30.0),
    "git-config": Option(pairs, []),
    "git-gc": Option(one_of("auto", "always", "aggressive", "off"), "auto"),
    "group-write": Option(switch, False),
    "http-bind": Option(str, ""),
    "http-metrics": Option(switch, False),
    "link": Option(str, ""),
    "max-failures": Option(int, 0),
    "one-time": Option(switch, False),
    _OF_THE_ENVIRONMENT_ALONE: Option(str, ""),
    "password-file": Option(str, ""),
    "period": Option(at_least(_SHORTEST), 10.0),
    "ref": Option(str, "HEAD"),
    "repo": Option(str, ""),
    "root": Option(str, ""),
    "ssh-key-file": Option(lambda value: value.split(":"), ["/etc/git-secret/ssh"]),
    "ssh-known-hosts": Option(switch, True),
    "ssh-known-hosts-file": Option(str, "/etc/git-secret/known_hosts"),
    "stale-worktree-timeout": Option(duration, 0.0),
    "submodules": Option(one_of("recursive", "shallow", "off"), "recursive"),
    "sync-on-signal": Option(signal_number, 0),
    "sync-timeout": Option(at_least(_SHORTEST), 120.0),
    "touch-file": Option(str, ""),
    "username": Option(str, ""),
    "verbose": Option(natural, 0),
    "webhook-backoff": Option(at_least(1), 3.0),
    "webhook-method": Option(str, "POST"),
    "webhook-success-status": Option(natural, 200),
    "webhook-timeout": Option(at_least(1), 1.0),
    "webhook-url": Option(str, ""),
}


class Options(dict[str, t.Any]):
    """The options of a run, by the name of their flag."""

    @property
    def root(self) -> pathlib.Path:
        return pathlib.Path(os.path.abspath(self["root"]))

    @property
    def link(self) -> pathlib.Path:
        leaf = self["repo"].rstrip("/").removesuffix(".git").rpartition("/")[2].rpartition(":")[2]
        name: str = self["link"] or leaf
        return self.root / name

    def file(self, name: str) -> pathlib.Path | None:
        """A file that may be given relative to the root."""
        return self.root / self[name] if self[name] else None


def options(arguments: c.Sequence[str], environment: c.Mapping[str, str]) -> Options:
    """What the command line and the environment say; the command line wins."""
    given = {**_of_environment(environment), **dict(_of_arguments(arguments))}
    made = Options({name: option.default for name, option in OPTIONS.items()})
    for name, value in given.items():
        try:
            made[name] = OPTIONS[name].read(value)
        except (ValueError, KeyError) as error:
            raise Wrong(f"invalid flag: --{name} {error}") from error
    _refuse(made)
    return made


def _of_environment(environment: c.Mapping[str, str]) -> dict[str, str]:
    given = {
        name.removeprefix(PREFIX).lower().replace("_", "-"): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    unknown = sorted(given.keys() - OPTIONS.keys())
    if unknown:
        names = ", ".join(PREFIX + name.upper().replace("-", "_") for name in unknown)
        raise Wrong(f"this stand-in for git-sync does not know {names}")
    return given


def _of_arguments(arguments: c.Sequence[str]) -> c.Iterator[tuple[str, str]]:
    left = collections.deque(arguments)
    while left:
        argument = left.popleft()
        name, given, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or name not in OPTIONS or name == _OF_THE_ENVIRONMENT_ALONE:
            raise Wrong(f"unknown flag: {argument.partition('=')[0]}")
        if not given:
            if OPTIONS[name].read is switch:
                value = "true"
            elif not left:
                raise Wrong(f"flag needs an argument: --{name}")
            else:
                value = left.popleft()
        yield name, value


def _refuse(made: Options) -> None:
    """Refuse options that do not go together."""
    for name in ("repo", "root"):
        if not made[name]:
            raise Wrong(f"required flag: --{name} must be specified")
    passwords = [made["password"], made["password-file"]]
    if made["username"] and not any(passwords):
        raise Wrong(
            "required flag: $GITSYNC_PASSWORD or --password-file must be specified when --username is specified"
        )
    if any(passwords) and not made["username"]:
        raise Wrong("invalid flag: $GITSYNC_PASSWORD and --password-file may only be specified with --username")
    if all(passwords):
        raise Wrong("invalid flag: only one of $GITSYNC_PASSWORD and --password-file may be specified")
    if made["http-metrics"] and not made["http-bind"]:
        raise Wrong("required flag: --http-bind must be specified when --http-metrics is set")


def log(message: str, **more: t.Any) -> None:
    """One line of JSON for each thing that happens."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    sys.stderr.write(json.dumps({"ts": now, "msg": message, **more}) + "\n")
    sys.stderr.flush()


class Git:
    """The git command, as the options want it run, until a deadline."""

    def __init__(self, given: Options) -> None:
        self._given = given
        self.deadline = 0.0
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": self._ssh(),
        }
        self._config = [
            # The root belongs to another user where it is a volume.
            ("safe.directory", "*"),
            ("gc.autoDetach", "false"),
            *([("core.sharedRepository", "group")] if given["group-write"] else []),
            *given["git-config"],
        ]

    def _ssh(self) -> str:
        parts = [os.environ.get("GIT_SSH_COMMAND", "ssh"), *(f"-i {path}" for path in self._given["ssh-key-file"])]
        if self._given["ssh-known-hosts"]:
            parts += ["-o StrictHostKeyChecking=yes", f"-o UserKnownHostsFile={self._given['ssh-known-hosts-file']}"]
        else:
            parts += ["-o StrictHostKeyChecking=no", "-o UserKnownHostsFile=/dev/null"]
        return " ".join(parts)

    def _credentials(self) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """Options and variables for git to find user and password; a file is read anew each time."""
        if not self._given["username"]:
            return [], {}
        password = self._given["password"]
        if self._given["password-file"]:
            try:
                password = pathlib.Path(self._given["password-file"]).read_text(encoding="utf-8").rstrip("\n")
            except OSError as error:
                raise Failed(f"can't read password file: {error}") from error
        helper = (
            '!f() { test "$1" != get || printf "username=%s\\npassword=%s\\n" "$STANDIN_USER" "$STANDIN_PASSWORD"; }; f'
        )
        return [("credential.helper", helper)], {"STANDIN_USER": self._given["username"], "STANDIN_PASSWORD": password}

    def __call__(self, *arguments: str, directory: pathlib.Path | None = None) -> str:
        """What git prints; how it ended and what it said of it, where it fails."""
        credentials, variables = self._credentials()
        settings = [*self._config, *credentials]
        numbered = {
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _value) in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, (_key, value) in enumerate(settings)},
        }
        if self._given["verbose"] >= 5:
            log("running git", arguments=arguments)
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=directory or self._given.root,
                env={**self._environment, **numbered, **variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
                errors="replace",
                timeout=max(self.deadline - time.monotonic(), 0.001),
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"Run(git {' '.join(arguments)}): context deadline exceeded") from error
        if done.returncode:
            said = f"{{ stdout: {json.dumps(done.stdout.strip())}, stderr: {json.dumps(done.stderr.strip())} }}"
            raise Failed(f"Run(git {' '.join(arguments)}): exit status {done.returncode}: {said}")
        return done.stdout.strip()


class Repository:
    """The root, the worktrees in it, and the link to the one that counts."""

    def __init__(self, given: Options) -> None:
        self._given = given
        self._git = Git(given)
        self.worktrees = given.root / ".worktrees"

    def current(self) -> str | None:
        """The hash that the link shows."""
        try:
            target = pathlib.Path(os.readlink(self._given.link))
        except OSError:
            return None
        worktree = self._given.link.parent / target
        return target.name if HASH.fullmatch(target.name) and worktree.is_dir() else None

    def sync(self) -> tuple[str, bool]:
        """Bring the link to what the remote has now; the hash, and whether that is another one than before."""
        self._git.deadline = time.monotonic() + self._given["sync-timeout"]
        self._have_repository()
        depth = [f"--depth={self._given['depth']}"] if self._given["depth"] else self._unshallow()
        METRICS.fetched()
        self._git("fetch", self._given["repo"], self._given["ref"], "--no-progress", "--no-auto-gc", *depth)
        commit = self._git("rev-parse", "FETCH_HEAD^{commit}")
        before = self.current()
        if commit != before:
            log("update required", ref=self._given["ref"], local=before, remote=commit)
            self._check_out(commit)
            self._publish(commit)
            log("updated successfully", ref=self._given["ref"], remote=commit)
        return commit, commit != before

    def _have_repository(self) -> None:
        root = self._given.root
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(Failed):
            if pathlib.Path(self._git("rev-parse", "--show-toplevel")).resolve() == root.resolve():
                return
        for path in root.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self._git("init", "--quiet", "--initial-branch=git-sync")

    def _unshallow(self) -> list[str]:
        shallow = self._git("rev-parse", "--is-shallow-repository") == "true"
        return ["--unshallow"] if shallow else []

    def _check_out(self, commit: str) -> None:
        place = self.worktrees / commit
        # Left by a run that was ended half way.
        shutil.rmtree(place, ignore_errors=True)
        self._git("worktree", "prune")
        self._git("worktree", "add", "--force", "--detach", "--no-checkout", str(place), commit)
        # Wherever the root is mounted, the worktree finds the repository.
        (place / ".git").write_text(f"gitdir: ../../.git/worktrees/{commit}\n", encoding="utf-8")
        self._git("reset", "--hard", "--quiet", commit, directory=place)
        if self._given["submodules"] != "off":
            recursive = ["--recursive"] if self._given["submodules"] == "recursive" else []
            depth = [f"--depth={self._given['depth']}"] if self._given["depth"] else []
            self._git("submodule", "update", "--init", *recursive, *depth, directory=place)

    def _publish(self, commit: str) -> None:
        link = self._given.link
        link.parent.mkdir(parents=True, exist_ok=True)
        made = link.with_name(f".{link.name}.new")
        made.unlink(missing_ok=True)
        made.symlink_to(os.path.relpath(self.worktrees / commit, link.parent))
        made.replace(link)

    def clean(self) -> None:
        """Remove the worktrees that were replaced long enough ago."""
        current = self.current()
        for place in list(self.worktrees.iterdir()):
            published = self._given.link.lstat().st_mtime
            if place.name != current and time.time() - published >= self._given["stale-worktree-timeout"]:
                shutil.rmtree(place)
        self._git("worktree", "prune")
        collect = {"auto": ["--auto"], "always": [], "aggressive": ["--aggressive"]}
        if self._given["git-gc"] != "off":
            self._git("gc", "--quiet", *collect[self._given["git-gc"]])


class Metrics:
    """What the HTTP endpoint tells."""

    def __init__(self) -> None:
        self.ready = False
        self._fetches = 0
        self._syncs: dict[str, list[float]] = {}

    def fetched(self) -> None:
        self._fetches += 1

    def synced(self, status: str, seconds: float) -> None:
        self._syncs.setdefault(status, []).append(seconds)

    def text(self) -> str:
        lines = ["# TYPE git_fetch_count_total counter", f"git_fetch_count_total {self._fetches}"]
        lines += ["# TYPE git_sync_count_total counter"]
        lines += [f'git_sync_count_total{{status="{status}"}} {len(all_)}' for status, all_ in self._syncs.items()]
        lines += ["# TYPE git_sync_duration_seconds summary"]
        for status, all_ in self._syncs.items():
            lines += [f'git_sync_duration_seconds_sum{{status="{status}"}} {sum(all_):.6f}']
            lines += [f'git_sync_duration_seconds_count{{status="{status}"}} {len(all_)}']
        return "\n".join(lines) + "\n"


METRICS: t.Final = Metrics()


class Server(http.server.ThreadingHTTPServer):
    """One that does not look its own name up, for which a pod may have to wait."""

    server_bind = socketserver.TCPServer.server_bind


def serve(bind: str, *, metrics: bool) -> None:
    """Answer probes, and Prometheus if it is wanted, from a thread."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if metrics and self.path == "/metrics":
                self._answer(200, METRICS.text())
            elif METRICS.ready:
                self._answer(200, "")
            else:
                self._answer(503, "repo is not ready\n")

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_parts: t.Any) -> None:
            """Probes are no news."""

    host, _colon, port = bind.rpartition(":")
    try:
        server = Server((host.strip("[]"), int(port)), Handler)
    except (OSError, ValueError) as error:
        raise Wrong(f"can't bind HTTP endpoint {bind}: {error}") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()


class Hooks:
    """A webhook and a command, for each new hash until they succeed, from a thread."""

    def __init__(self, given: Options, worktrees: pathlib.Path) -> None:
        self._given = given
        self._worktrees = worktrees
        self._changed = threading.Condition()
        self._wanted: str | None = None
        self._done: str | None = None
        if given["webhook-url"] or given["exechook-command"]:
            threading.Thread(target=self._run, daemon=True).start()

    def send(self, commit: str) -> None:
        with self._changed:
            self._wanted, self._done = commit, None
            self._changed.notify_all()

    def tried_once(self, commit: str) -> bool:
        """For a run of one sync: whether the hooks of ``commit`` succeed at once."""
        return self._call(commit)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted != self._done)
                commit = t.cast("str", self._wanted)
            if self._call(commit):
                with self._changed:
                    self._done = commit if self._wanted == commit else self._done
            else:
                used = "webhook" if self._given["webhook-url"] else "exechook"
                time.sleep(self._given[f"{used}-backoff"])

    def _call(self, commit: str) -> bool:
        try:
            if self._given["webhook-url"]:
                self._webhook(commit)
            if self._given["exechook-command"]:
                self._command(commit)
        except (OSError, subprocess.SubprocessError, Failed) as error:
            log("hook failed", hash=commit, err=str(error))
            return False
        return True

    def _webhook(self, commit: str) -> None:
        method, wanted = self._given["webhook-method"], self._given["webhook-success-status"]
        request = urllib.request.Request(  # noqa: S310  (the address is the user's own)
            self._given["webhook-url"], method=method, headers={"Gitsync-Hash": commit}
        )
        try:
            with urllib.request.urlopen(request, timeout=self._given["webhook-timeout"]) as answer:  # noqa: S310
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        if wanted not in (0, status):
            raise Failed(f"received response code {status} expected {wanted}")

    def _command(self, commit: str) -> None:
        subprocess.run(
            [self._given["exechook-command"]],
            cwd=self._worktrees / commit,
            env={**os.environ, "GITSYNC_HASH": commit},
            stdin=subprocess.DEVNULL,
            timeout=self._given["exechook-timeout"],
            check=True,
        )


class Alarm:
    """Waits that a signal can end, also one that came before the wait."""

    def __init__(self, number: int) -> None:
        self._ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._theirs = theirs
        if number:
            signal.signal(number, self._ring)

    def _ring(self, _number: int, _frame: types.FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):
            self._theirs.send(b"!")

    def wait(self, seconds: float | None) -> None:
        if select.select([self._ours], [], [], seconds)[0]:
            self._ours.recv(4096)
            log("signal received, syncing now")


def tell_error(given: Options, message: str, error: str | None) -> None:
    """Keep the error file as things are."""
    file = given.file("error-file")
    if file and error is None:
        file.unlink(missing_ok=True)
    elif file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"Msg": message, "Err": error}), encoding="utf-8")


def add_user() -> None:
    """Give the user id a name, which ssh asks for."""
    record = f"git-sync:x:{os.getuid()}:{os.getgid()}::{os.environ.get('HOME', '/')}:/sbin/nologin\n"
    passwd = pathlib.Path("/etc/passwd")
    if not any(line.split(":")[2] == str(os.getuid()) for line in passwd.read_text(encoding="utf-8").splitlines()):
        with passwd.open("a", encoding="utf-8") as file:
            file.write(record)


def run(given: Options) -> int:
    """Sync until there is nothing more to do; the exit code."""
    repository = Repository(given)
    hooks = Hooks(given, repository.worktrees)
    alarm = Alarm(given["sync-on-signal"])
    failures = 0
    while True:
        begun = time.monotonic()
        try:
            commit, changed = repository.sync()
        except (Failed, OSError) as error:
            failures += 1
            METRICS.synced("error", time.monotonic() - begun)
            if failed(given, str(error), failures):
                return 1
        else:
            failures = 0
            news = changed or not METRICS.ready
            METRICS.synced("success" if news else "noop", time.monotonic() - begun)
            well = after(given, repository, hooks, commit, news=news)
            if given["one-time"]:
                log("exiting after one sync", status=0 if well else 1)
                return 0 if well else 1
            if commit == given["ref"]:
                log("ref appears to be a git hash, no further sync needed", ref=commit)
                while True:
                    signal.pause()
        alarm.wait(given["period"])


def failed(given: Options, error: str, count: int) -> bool:
    """Tell of a failure; whether it was one too many."""
    last: bool = 0 <= given["max-failures"] <= count
    message = "too many failures, aborting" if last else "error syncing repo, will retry"
    log(message, err=error, failCount=count)
    tell_error(given, message, error)
    return last


def after(given: Options, repository: Repository, hooks: Hooks, commit: str, *, news: bool) -> bool:
    """What follows a sync that succeeded; whether all of it did, too."""
    METRICS.ready = True
    tell_error(given, "", None)
    touched = given.file("touch-file")
    if touched and news:
        touched.parent.mkdir(parents=True, exist_ok=True)
        touched.touch()
    try:
        repository.clean()
    except (Failed, OSError) as error:
        log("git cleanup failed", err=str(error))
    if news and given["one-time"]:
        return hooks.tried_once(commit)
    if news:
        hooks.send(commit)
    return True


def end(number: int, _frame: types.FrameType | None) -> None:
    """As process 1, a program without a handler would not see the signal."""
    sys.exit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        given = options(sys.argv[1:], os.environ)
        if given["group-write"]:
            os.umask(0o002)
        if given["add-user"]:
            add_user()
        if given["http-bind"]:
            serve(given["http-bind"], metrics=given["http-metrics"])
        log("starting up", standin="git-sync v4", repo=given["repo"], ref=given["ref"])
        return run(given)
    except Wrong as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
