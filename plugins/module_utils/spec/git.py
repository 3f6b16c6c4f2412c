# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Addresses of git repositories, and whether a known_hosts file knows their servers.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import fnmatch
import hashlib
import hmac
import re
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.spec import forms

SSH_PORT: t.Final = 22
_WITHOUT_SCHEME = re.compile(r"([A-Za-z0-9._-]+)@([A-Za-z0-9._-]+):([^\s$:/][^\s$:]*)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """Where a repository is."""

    scheme: t.Literal["https", "http", "ssh"]
    host: str
    port: int | None = None
    secret: bool = False
    """Whether it holds a password, or the user of an address that takes a token for one."""

    @property
    def known_as(self) -> str:
        """What a known_hosts file calls the server."""
        return self.host if self.port in (None, SSH_PORT) else f"[{self.host}]:{self.port}"


def address(url: str) -> Address | None:
    """What a URL says; None where it is none that both git-sync and git bundles read."""
    if found := _WITHOUT_SCHEME.fullmatch(url):
        return Address(scheme="ssh", host=found[2])
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if re.search(r"[\s$\"\\]", url) or not re.fullmatch(forms.HOST.pattern, host) or not parts.path.strip("/"):
        return None
    if parts.query or parts.fragment:
        return None
    secret = parts.password is not None or (parts.scheme != "ssh" and parts.username is not None)
    match parts.scheme:
        case "https" | "http" | "ssh" as scheme:
            return Address(scheme=scheme, host=host, port=port, secret=secret)
    return None


def knows(known_hosts: str, name: str) -> bool:
    """Whether a known_hosts file has a key of a server."""
    return any(_names(line, name) for line in known_hosts.splitlines())


def _names(line: str, name: str) -> bool:
    words = line.split()
    if not words or words[0].startswith("#") or words[0] == "@revoked":
        return False
    if words[0].startswith("@"):
        words = words[1:]
    if len(words) < 3:
        return False
    patterns = words[0].split(",")
    if any(one.startswith("!") and fnmatch.fnmatchcase(name, one[1:]) for one in patterns):
        return False
    return any(_is(pattern, name) for pattern in patterns)


def _is(pattern: str, name: str) -> bool:
    """A name may be hashed, so that a file does not tell which servers somebody visits."""
    if not pattern.startswith("|1|"):
        # Brackets are part of a name with a port, and no set of characters.
        return fnmatch.fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))
    try:
        salt, wanted = (base64.b64decode(part, validate=True) for part in pattern[3:].split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), wanted)
