"""Finds secret values in whatever a run shows or leaves, also in the forms that programs give them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import pathlib
import secrets
import subprocess
import threading
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.kube.client import Cluster
from ansible_collections.dagops.airflow.plugins.module_utils.kube.kinds import Object

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHORTEST = 8
"""Shorter texts would be found by chance."""
PUBLIC = frozenset({"username", "pgbouncer.ini"})
"""Keys of Secrets whose values are none."""
HASHES = ("md5", "sha1", "sha256", "sha512")
DIGITS = 12
"""As many of a hash as we show ourselves."""
SAMPLES_SECONDS = 0.05


def forms(value: str) -> dict[str, str]:
    """The texts that would betray ``value``, each with the name of its form."""
    assert len(value) >= SHORTEST, f"{value!r} is too short to be searched for"
    content = value.encode()
    found = {hashed: f"its {name}" for name in HASHES for hashed in _hashes(name, content)}
    found |= dict.fromkeys(_base64(content), "in base64")
    found |= {quoted(value, safe=""): "quoted for a URL" for quoted in (urllib.parse.quote, urllib.parse.quote_plus)}
    found |= {
        urllib.parse.quote(value): "quoted for a URL",
        json.dumps(value)[1:-1]: "in JSON",
        repr(value)[1:-1]: "in Python",
    }
    return {**found, value: "as it is"}


def _hashes(name: str, content: bytes) -> t.Iterator[str]:
    """Without a key: of the value, and of what a Secret holds."""
    for one in (content, base64.b64encode(content)):
        digest = hashlib.new(name, one, usedforsecurity=False).digest()
        yield digest.hex()[:DIGITS]
        yield base64.b64encode(digest).decode()[:DIGITS]


def _base64(content: bytes) -> t.Iterator[str]:
    """Wherever it stands in what was encoded: without the characters that its neighbours have a share in."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"x" * before + content).decode()
            yield text[(before * 8 + 5) // 6 : (before + len(content)) * 8 // 6]


def marker(name: str) -> str:
    """A value that stands nowhere else, and that URLs, JSON and shells write in other ways."""
    return f"{name}-{secrets.token_hex(8)}/+ %\"'$x-{secrets.token_hex(40)}"


class Search:
    """Texts of a run, and the secrets that must not be in them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._secrets: dict[str, str] = {}

    def secret(self, name: str, value: str | None = None) -> str:
        """A value that must not be found, made for the search unless it is given."""
        chosen = marker(name) if value is None else value
        self._secrets.setdefault(chosen, name)
        return chosen

    @property
    def secrets(self) -> t.Collection[str]:
        return self._secrets.keys()

    def text(self, where: str, text: str) -> None:
        self._texts[f"{len(self._texts)} {where}"] = text

    def files(self, where: str, folder: pathlib.Path) -> None:
        """All files below a folder, and their names."""
        for path in sorted(folder.rglob("*")):
            self.text(f"{where}: name of a file", str(path))
            if path.is_file():
                self.text(f"{where}: {path.relative_to(folder)}", path.read_text(encoding="utf-8", errors="replace"))

    def findings(self) -> list[str]:
        """A sentence for every secret in every text, without the secret."""
        searched = {name: forms(value) for value, name in self._secrets.items()}
        return [
            f"{name} ({form}) in {where}"
            for where, text in self._texts.items()
            for name, betraying in searched.items()
            for one, form in betraying.items()
            if one in text
        ]

    def check(self) -> None:
        """Fails with all that was found."""
        found = self.findings()
        if found:
            raise AssertionError("\n".join(found))


@contextlib.contextmanager
def processes(search: Search) -> t.Iterator[None]:
    """Look at the arguments of all processes of the machine, again and again."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(SAMPLES_SECONDS):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(path.read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        search.text(
            "arguments of processes", "\n".join(line.replace(b"\0", b" ").decode(errors="replace") for line in seen)
        )


class Runs:
    """Commands, all of whose traces are searched; what they leave in folders for temporary files, too."""

    def __init__(self, search: Search, folder: pathlib.Path) -> None:
        self.search = search
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)

    def run(self, command: t.Sequence[str], environment: t.Mapping[str, str], *, fails: bool = False) -> None:
        """A run that ends well, or that ``fails``."""
        own = {"ANSIBLE_LOCAL_TEMP": "local", "ANSIBLE_REMOTE_TEMP": "remote", "TMPDIR": "."}
        folders = {name: str(self.temporary / folder) for name, folder in own.items()}
        with processes(self.search):
            done = subprocess.run(
                command,
                cwd=ROOT,
                env={**environment, **folders},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        words = " ".join(command[3:])
        self.search.text(f"standard output of {words}", done.stdout)
        self.search.text(f"standard error of {words}", done.stderr)
        self.search.files(f"temporary files after {words}", self.temporary)
        assert bool(done.returncode) == fails, done.stdout[-4000:] + done.stderr


def listed(cluster: Cluster, namespace: str) -> t.Iterator[Object]:
    """Every object of a namespace, and the namespace itself."""
    yield cluster.request("GET", f"/api/v1/namespaces/{namespace}")
    groups = cluster.request("GET", "/apis")["groups"]
    for path in ("/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)):
        for resource in cluster.request("GET", path)["resources"]:
            if resource["namespaced"] and "list" in resource["verbs"]:
                found = cluster.request("GET", f"{path}/namespaces/{namespace}/{resource['name']}")
                for item in found["items"]:
                    yield {"kind": resource["kind"], **item}


def read_namespace(search: Search, cluster: Cluster, namespace: str, when: str) -> None:
    """All objects of a namespace as they are; of a Secret, all but its values, which are secrets to search for."""
    for item in listed(cluster, namespace):
        label = f"{item['kind']}/{namespace}/{item['metadata']['name']}"
        if item["kind"] == "Secret":
            for key, value in (item.pop("data", None) or {}).items():
                text = base64.b64decode(value).decode()
                if key not in PUBLIC:
                    search.secret(f"{label}, key {key}", text)
        search.text(f"{label} {when}", json.dumps(item))
