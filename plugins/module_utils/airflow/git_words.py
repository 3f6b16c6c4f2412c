# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What git's words mean for a person who wrote a variable.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import git
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitSource

_NOBODY: t.Final = "there is no such repository, or who asks may not see it{who}"
_AWAY: t.Final = "the server cannot be reached ({server})"
_VOUCHED: t.Final = "no authority that is known vouches for the server's certificate{ca}"
_NO_REF: t.Final = "there is no branch or tag '{ref}'"
_NO_COMMIT: t.Final = "there is no commit '{ref}', or the server does not hand it out by itself"
_REFUSED: t.Final = "the user or the password is wrong{who}"
_ANONYMOUS: t.Final = "the server wants a user and a password (credentials)"
_UNREADABLE: t.Final = "the ssh key is none that ssh can read{who}"

# The first fragment that git, ssh or git-sync has said counts, whatever its case: what is more special comes first.
MEANINGS: t.Final[tuple[tuple[str, str], ...]] = (
    ("into submodule path", "a submodule cannot be fetched ({said})"),
    ("error in libcrypto", _UNREADABLE),
    ("invalid format", _UNREADABLE),
    ("can't open /dev/tty", "the ssh key has a passphrase{who}"),
    ("incorrect passphrase", "the ssh key has a passphrase{who}"),
    ("host identification has changed", "the host key of {server} is another one than knownHosts has"),
    ("host key verification failed", "the host key of {server} is not in knownHosts"),
    ("permission denied (", "the server does not accept the ssh key{who}"),
    ("too many authentication failures", "the server does not accept the ssh key{who}"),
    ("could not resolve host", "the server cannot be reached: nobody knows the name {host}"),
    ("connection refused", _AWAY),
    ("timed out", _AWAY),
    ("no route to host", _AWAY),
    ("network is unreachable", _AWAY),
    ("failed to connect to", _AWAY),
    ("couldn't connect to server", _AWAY),
    ("deadline exceeded", "no answer came in time from {server}"),
    ("error setting certificate", "ca holds no certificate{ca}"),
    ("error reading ca cert", "ca holds no certificate{ca}"),
    ("no alternative certificate subject name", "the server's certificate is not for the name {host}"),
    ("certificate subject name", "the server's certificate is not for the name {host}"),
    ("ssl certificate problem", _VOUCHED),
    ("certificate verification failed", _VOUCHED),
    ("authentication failed for", _REFUSED),
    ("returned error: 401", _REFUSED),
    ("could not read username", _ANONYMOUS),
    ("could not read password", _ANONYMOUS),
    ("returned error: 403", "the user may not read the repository{who}"),
    ("does not appear to be a git repository", _NOBODY),
    ("repository not found", _NOBODY),
    ("returned error: 404", _NOBODY),
    ("couldn't find remote ref", _NO_REF),
    ("not our ref", _NO_COMMIT),
    ("unadvertised object", _NO_COMMIT),
    ("did not match any file", _NO_REF),
    ("reference is not a tree", _NO_COMMIT),
    # Of git over https, whose sentence has the address in between.
    ("' not found", _NOBODY),
    ("bad git executable", "the image of Airflow has no git"),
    ("no module named", "the image of Airflow has no apache-airflow-providers-git"),
    ("connection closed by", _AWAY),
    ("connection reset by", _AWAY),
)
_STDERR: t.Final = re.compile(r'stderr: "((?:[^"\\]|\\.)*)"')
_PASSWORD: t.Final = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
_LONGEST: t.Final = 300


def meaning(source: GitSource, ref: str, said: str) -> str:
    """Why a repository cannot be read, of what was said; the last line of that, where it is none that is known."""
    lower = said.lower()
    words = next((words for fragment, words in MEANINGS if fragment in lower), "{said}")
    address = git.address(source.url)
    secret = source.ssh_key or source.credentials
    ca = source.ca
    return words.format(
        who=f" (Secret {secret.name})" if secret else "",
        ca=f" ({f'Secret {ca.secret}' if ca.secret else f'ConfigMap {ca.config_map}'})" if ca else " (ca)",
        host=address.host if address else source.url,
        server=address.known_as if address else source.url,
        ref=ref,
        said=last_line(said),
    )


def last_line(said: str) -> str:
    """The last line of what git says; of git-sync's log, where it says nothing."""
    logged = said.strip().splitlines()
    words = _of_log(logged[-1]) if logged else ""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return _PASSWORD.sub(r"\1***@", lines[-1])[-_LONGEST:] if lines else "nothing was said of why"


def _of_log(line: str) -> str:
    """What git has said in a line of git-sync's log, which is JSON and may have lost its beginning."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if isinstance(entry, dict):
        error = str(entry.get("error") or entry.get("err") or entry.get("msg") or line)
    else:
        # Of a line without its beginning the end is still escaped.
        error = line.replace(r"\\", "\\").replace(r"\"", '"')
    quoted = _STDERR.search(error)
    if not quoted or not quoted[1].strip():
        return error
    # Go and JSON escape alike what git says.
    try:
        return str(json.loads(f'"{quoted[1]}"'))
    except ValueError:
        return quoted[1]
