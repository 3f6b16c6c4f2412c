# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Has an instance fetch its DAGs at once, instead of when it would look again.

git-sync syncs when it gets a signal, in each pod that follows a repository. Airflow 3 refreshes a bundle that its
database says was never refreshed. Nothing restarts, and nothing is fetched twice.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import re
import time
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import git_words
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.payload import bundles as payload
from ansible_collections.dagops.airflow.plugins.module_utils.airflow.target import (
    Target,
    described,
    newest_ready,
    run_inside,
)
from ansible_collections.dagops.airflow.plugins.module_utils.face import Face, Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster, connect
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object, label, named
from ansible_collections.dagops.airflow.plugins.module_utils.kube.streams import ExecResult
from ansible_collections.dagops.airflow.plugins.module_utils.render import dag_bundles, git, git_sync, names
from ansible_collections.dagops.airflow.plugins.module_utils.render.dags import VOLUME_BUNDLE
from ansible_collections.dagops.airflow.plugins.module_utils.spec import git as addresses
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitSource, Values

PROCESSOR: t.Final = "dag-processor"
HASH: t.Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
LATE: t.Final = 3
"""How the script ends that has waited long enough."""
_SPEAK: t.Final = 5.0
"""Seconds between two lines of progress."""
_MARGIN: t.Final = 15.0
"""Seconds that a command may take beyond what it waits by itself."""
_TAIL: t.Final = 20

# In git-sync's container, by what its image has (a shell and GNU's core utilities): git-sync is process 1, or passes
# signals on as such. FETCH_HEAD is written by each fetch: emptied when it begins, filled when it ends. So a look that
# had begun before the signal, perhaps before the push, is known by an empty one; git-sync then looks once more.
SYNC: t.Final = f"""\
cd "$1" || exit
end=$(($(date +%s) + $3))
shown() {{ basename "$(readlink "$2")"; }}
fetched() {{ stat -c %y .git/FETCH_HEAD 2>/dev/null; }}
around() {{
    stamp=$(fetched)
    kill -HUP 1 || exit
    until test "$(fetched)" != "$stamp" && test -s .git/FETCH_HEAD &&
        test "$(git rev-parse --verify --quiet 'FETCH_HEAD^{{commit}}')" = "$(shown "$@")"; do
        test "$(date +%s)" -lt $end || exit {LATE}
        sleep 0.1
    done
}}
before=$(shown "$@")
test -s .git/FETCH_HEAD || around "$@"
around "$@"
echo "$before" "$(shown "$@")"
"""
SHOW: t.Final = 'cd "$1" && commit=$(basename "$(readlink "$2")") && echo "$commit" "$commit"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Copy:
    """A container of git-sync that follows a repository in a pod."""

    name: str
    source: GitSource
    ref: str
    pod: Object

    def __str__(self) -> str:
        return f"{label(self.pod)} (container {git_sync.following_name(self.name)})"

    @property
    def pinned(self) -> bool:
        """Whether it is told a commit: git-sync then never looks again."""
        return bool(HASH.fullmatch(self.ref))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """Where DAGs come from, and the commit that the instance has of it before and after; None where there is none."""

    way: str
    before: str | None = None
    commit: str | None = None
    pods: tuple[str, ...] = ()

    def told(self) -> dict[str, t.Any]:
        return {"way": self.way, "before": self.before, "commit": self.commit, "pods": list(self.pods)}

    def line(self, name: str) -> str:
        """For people."""
        pods = f" in {len(self.pods)} pod{'s'[: len(self.pods) != 1]}" if self.pods else ""
        commit = f"commit {self.commit}" if self.commit else "looked at"
        before = f", before {self.before}" if self.before != self.commit else ""
        return f"{name} ({self.way}{pods}): {commit}{before}"


def run(face: Face) -> dict[str, t.Any]:
    """Refresh what is asked for; ``changed`` where another commit has come."""
    values = described(face.params)
    ways = wanted(values, face.params["names"])
    cluster = connect(face.params, face.progress)
    sources = Refresh(face, cluster, values, ways).run() if ways else {}
    changed = [name for name, source in sources.items() if source.before != source.commit]
    return {
        "changed": bool(changed),
        "sources": {name: source.told() for name, source in sources.items()},
        "summary": [source.line(name) for name, source in sources.items()] or [nothing(values)],
        "diff": [difference(values, {name: sources[name] for name in changed})] if changed else [],
        "api_requests": cluster.requests,
    }


def ways_of(values: Values) -> dict[str, str]:
    """What can be refreshed, and how it comes; DAGs of the image and the volume of Airflow 2 cannot."""
    found = dict.fromkeys(values.git_sync.repositories, "git-sync")
    if values.major >= 3:
        found |= {name: f"{bundle.kind} bundle" for name, bundle in values.core.dag_bundles.items()}
        found |= {VOLUME_BUNDLE: "volume"} if values.core.dags_volume.enabled else {}
    return dict(sorted(found.items()))


def wanted(values: Values, chosen: t.Sequence[str] | None) -> dict[str, str]:
    """Those that a person names, or all."""
    known = ways_of(values)
    strange = sorted(set(chosen or ()) - known.keys())
    if strange:
        others = f"It has {', '.join(known)}." if known else "It has none: its DAGs are in the image or on a volume."
        raise Failure(
            f"Instance {values.name} has no repository or bundle {', '.join(strange)} (names) that could be refreshed. "
            f"{others}"
        )
    return {name: way for name, way in known.items() if not chosen or name in chosen}


def nothing(values: Values) -> str:
    """Why there is nothing to refresh."""
    if values.core.dags_volume.enabled:
        return (
            f"nothing to refresh: Airflow 2 looks at the volume of instance {values.name} every "
            f"{values.core.dags_volume.refresh_interval} s by itself"
        )
    return f"nothing to refresh: the DAGs of instance {values.name} are in its image, which release.yml rolls out"


class Refresh:
    """One run for one instance."""

    def __init__(self, face: Face, cluster: Cluster, values: Values, ways: dict[str, str]) -> None:
        self._face = face
        self._cluster = cluster
        self._values = values
        self._ways = ways
        self._where = Target(instance=values.name, namespace=values.namespace, values=values)
        self._timeout: int = face.params["wait_timeout"]
        self._deadline = time.monotonic() + self._timeout

    def run(self) -> dict[str, Source]:
        pods = self._cluster.list(named("Pod"), self._values.namespace, label_selector=self._where.selector())
        copies = self._copies(pods)
        synced = self._predicted(copies) if self._face.check_mode else self._synced(copies)
        return dict(sorted((synced | self._bundles(pods)).items()))

    def _left(self) -> int:
        """Whole seconds that are left to wait."""
        return max(int(self._deadline - time.monotonic()), 1)

    # --- git-sync ---

    def _copies(self, pods: t.Iterable[Object]) -> list[Copy]:
        """Where git-sync runs."""
        repositories = {
            name: one for name, one in self._values.git_sync.repositories.items() if self._ways.get(name) == "git-sync"
        }
        found = [
            Copy(name=name, source=one, ref=one.ref, pod=pod)
            for pod in pods
            for name, one in repositories.items()
            if runs(pod, git_sync.following_name(name))
        ]
        without = sorted(repositories.keys() - {copy.name for copy in found})
        if without:
            raise Failure(
                f"No pod of instance {self._values.name} follows {', '.join(without)} by git-sync now, so nothing can "
                "be refreshed. Run site.yml, and see by status.yml what keeps the pods."
            )
        return found

    def _synced(self, copies: list[Copy]) -> dict[str, Source]:
        """Signal all, until those of a repository agree: a push may come in between."""
        before: dict[str, set[str]] = {}
        left = copies
        done: dict[str, Source] = {}
        while left:
            commits = self._all(left, SYNC, str(self._left()))
            for copy, (old, _new) in commits:
                before.setdefault(copy.name, set()).add(old)
            for name in {copy.name for copy, _commits in commits}:
                new = {commit for copy, (_old, commit) in commits if copy.name == name}
                if len(new) == 1:
                    done[name] = source_of(
                        before[name], new.pop(), [copy for copy, _one in commits if copy.name == name]
                    )
            left = [copy for copy, _commits in commits if copy.name not in done]
        return done

    def _predicted(self, copies: list[Copy]) -> dict[str, Source]:
        """What a run would find: the commits that are there, and what the server says, asked by the same means."""
        shown = self._all(copies, SHOW)
        found = {}
        for name in sorted({copy.name for copy in copies}):
            own = [(copy, commits) for copy, commits in shown if copy.name == name]
            copy, (commit, _same) = own[-1]
            newest = None
            if not copy.pinned:
                container = git_sync.following_name(name)
                newest = self._on_server(copy.pod, container, copy.source, copy.ref, git_sync.SECRETS_FOLDER)
            before = {commit for _copy, (commit, _again) in own}
            found[name] = source_of(before, newest or commit, [copy for copy, _commits in own])
        return found

    def _all(self, copies: list[Copy], script: str, *arguments: str) -> list[tuple[Copy, tuple[str, str]]]:
        """What a script tells in all containers at once: two commits. Pods that go away meanwhile count no more."""
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(max(len(copies), 1)) as pool:
            tasks = {pool.submit(self._told, copy, script, *arguments): copy for copy in copies}
            pending = set(tasks)
            while pending:
                _ended, pending = concurrent.futures.wait(pending, timeout=_SPEAK)
                if pending:
                    waiting = sorted({tasks[task].name for task in pending})
                    self._face.progress(
                        f"{len(tasks) - len(pending)} of {len(tasks)} copies are current after "
                        f"{time.monotonic() - started:.0f} s; the others are of {', '.join(waiting)}"
                    )
            return [(copy, told) for task, copy in tasks.items() if (told := task.result())]

    def _told(self, copy: Copy, script: str, *arguments: str) -> tuple[str, str] | None:
        container = git_sync.following_name(copy.name)
        command = [
            "sh",
            "-c",
            SHOW if copy.pinned else script,
            "sh",
            git_sync.root(copy.name),
            names.GIT_LINK,
            *arguments,
        ]
        meta = copy.pod["metadata"]
        try:
            result = self._cluster.exec(
                meta["namespace"], meta["name"], container, command, timeout=self._left() + _MARGIN
            )
        except Failure:
            if self._is_gone(copy.pod):
                return None
            raise
        if result.rc == 0:
            before, after = result.stdout.split()
            return before, after
        if self._is_gone(copy.pod):
            return None
        raise self._unsynced(copy, result)

    def _is_gone(self, pod: Object) -> bool:
        meta = pod["metadata"]
        live = self._cluster.get(named("Pod"), meta["name"], meta["namespace"])
        return live is None or live["metadata"]["uid"] != meta["uid"] or "deletionTimestamp" in live["metadata"]

    def _unsynced(self, copy: Copy, result: ExecResult) -> Failure:
        meta = copy.pod["metadata"]
        if result.rc != LATE:
            return Failure(f"{copy} could not be told to sync: {git_words.last_line(result.stderr)}.")
        log = self._cluster.logs(meta["namespace"], meta["name"], git_sync.following_name(copy.name), tail=_TAIL)
        why = next((line for line in reversed(log.splitlines()) if '"err' in line), "")
        return Failure(
            f"{copy} has not come to the newest commit of {copy.source.url} within {self._timeout} s: "
            f"{git_words.meaning(copy.source, copy.ref, why) if why else 'git-sync does not say why'}. Airflow goes on "
            "with the commit that it has. See what keeps git-sync, or give it more time by wait_timeout."
        )

    def _on_server(self, pod: Object, container: str, source: GitSource, ref: str, folder: str) -> str | None:
        """The commit that a server has for a branch or tag; None where it does not say."""
        meta = pod["metadata"]
        command = ["env", *environment(source, folder), "timeout", str(self._left()), *listing(source, ref, folder)]
        result = self._cluster.exec(meta["namespace"], meta["name"], container, command, timeout=self._left() + _MARGIN)
        if result.rc != 0:
            raise Failure(
                f"{label(pod)} (container {container}) cannot read {source.url}: "
                f"{git_words.meaning(source, ref, result.stderr)}."
            )
        return commit_of(result.stdout, ref)

    # --- bundles of Airflow 3 ---

    def _bundles(self, pods: list[Object]) -> dict[str, Source]:
        """Have the DAG processor look at each; what it fetches by itself has a version where it is of git."""
        if self._values.major < 3:
            return {}
        pod = newest_ready(pods, (PROCESSOR,))
        if pod is None:
            raise Failure(
                f"No {PROCESSOR} of instance {self._values.name} is ready, so no bundle can be refreshed. Run "
                "site.yml, and see by status.yml what keeps its pod."
            )
        own = {name: way for name, way in self._ways.items() if way != "git-sync"}
        if self._face.check_mode:
            return self._predicted_bundles(pod, own)
        self._face.progress(f"{label(pod)} refreshes {', '.join(self._ways)}")
        seconds = self._left()
        told = run_inside(
            self._cluster, pod, "refresh", str(seconds), stdin=[*self._ways], timeout=seconds + _MARGIN, script=payload
        )
        self._refuse_unknown(told["before"])
        if told["waiting"]:
            meta = pod["metadata"]
            raise Failure(
                f"Airflow has not refreshed {', '.join(told['waiting'])} within {seconds} s, and goes on with what it "
                f"has. The log of its DAG processor says why (kubectl logs -n {meta['namespace']} {meta['name']} -c "
                f"{PROCESSOR}); wait_timeout gives it more time."
            )
        return {
            name: Source(way=way, before=told["before"][name], commit=told["after"][name]) for name, way in own.items()
        }

    def _predicted_bundles(self, pod: Object, own: dict[str, str]) -> dict[str, Source]:
        versions = run_inside(self._cluster, pod, "look", stdin=[*self._ways], script=payload)["before"]
        self._refuse_unknown(versions)
        found = {}
        for name, way in own.items():
            newest = versions[name]
            bundle = self._values.core.dag_bundles.get(name)
            if bundle and bundle.kind == "git" and bundle.ref and not HASH.fullmatch(bundle.ref):
                newest = self._on_server(pod, PROCESSOR, bundle, bundle.ref, dag_bundles.folder(name)) or newest
            found[name] = Source(way=way, before=versions[name], commit=newest)
        return found

    def _refuse_unknown(self, versions: dict[str, t.Any]) -> None:
        strange = sorted(self._ways.keys() - versions.keys())
        if strange:
            raise Failure(
                f"Airflow of instance {self._values.name} does not know the bundle {', '.join(strange)} yet. Run "
                "site.yml, which configures it, and wait until the DAG processor has started."
            )


def runs(pod: Object, container: str) -> bool:
    """Whether a container of a pod runs, and will go on doing so."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return any(status["name"] == container and "running" in (status.get("state") or {}) for status in statuses)


def source_of(before: set[str], commit: str, copies: list[Copy]) -> Source:
    """A repository by what its copies showed; the commit of one that was behind, where any was."""
    behind = sorted(one for one in before if one != commit)
    return Source(
        way="git-sync",
        before=behind[0] if behind else commit,
        commit=commit,
        pods=tuple(sorted(copy.pod["metadata"]["name"] for copy in copies)),
    )


def listing(source: GitSource, ref: str, folder: str) -> list[str]:
    """How git asks a server what a branch or tag is; files of the pod say who asks."""
    helper = ["-c", f"credential.helper={dag_bundles.credential_helper(folder)}"] if source.credentials else []
    return ["git", *helper, "ls-remote", source.url, ref, f"{ref}^{{}}"]


def environment(source: GitSource, folder: str) -> list[str]:
    """What git needs in its environment beside that of the container."""
    found = ["GIT_TERMINAL_PROMPT=0"]
    address = addresses.address(source.url)
    if address and address.scheme == "ssh":
        known = f"{folder}/{git.KNOWN_HOSTS}"
        check = ["no", "/dev/null"] if source.known_hosts_waived else ["yes", known]
        options = ("BatchMode=yes", f"StrictHostKeyChecking={check[0]}", f"UserKnownHostsFile={check[1]}")
        found.append(f"GIT_SSH_COMMAND=ssh -i {folder}/{git.SSH_KEY} {' '.join(f'-o {option}' for option in options)}")
    return found


def commit_of(listed: str, ref: str) -> str | None:
    """The commit that ``git ls-remote`` tells, found as ``git fetch`` would; the one that an annotated tag is of."""
    found = {name: commit for commit, _tab, name in (line.partition("\t") for line in listed.splitlines())}
    for name in (ref, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"):
        if name in found:
            return found.get(f"{name}^{{}}", found[name])
    return None


def difference(values: Values, sources: dict[str, Source]) -> dict[str, str]:
    """The commits that change."""
    header = f"commits of the DAGs of instance {values.name}"
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{name} {source.before}\n" for name, source in sources.items()),
        "after": "".join(f"{name} {source.commit}\n" for name, source in sources.items()),
    }
