"""What git, ssh and git-sync say becomes one sentence that names what a person can correct."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.airflow.git_words import MEANINGS, last_line, meaning
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import GitRepository
from tests.unit.cases import HTTPS, SSH

STANDIN = pathlib.Path(__file__).parents[5] / "roles/local_images/files/images/git-sync-standin/v4/git_sync.py"

CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key for [git.example.com]:2222 has changed and you have requested strict checking.
Host key verification failed.
fatal: Could not read from remote repository.
"""
UNKNOWN = """\
No ED25519 host key is known for [git.example.com]:2222 and you have requested strict checking.
Host key verification failed.
fatal: Could not read from remote repository.
"""
CLOSED = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights"
BY_SSH = {
    CHANGED: "the host key of [git.example.com]:2222 is another one than knownHosts has",
    UNKNOWN: "the host key of [git.example.com]:2222 is not in knownHosts",
    f"git@git.example.com: Permission denied (publickey).\n{CLOSED}": (
        "the server does not accept the ssh key (Secret deploy-key)"
    ),
    f'Load key "/etc/git-secret/ssh": error in libcrypto\ngit@x: Permission denied (publickey).\n{CLOSED}': (
        "the ssh key is none that ssh can read (Secret deploy-key)"
    ),
    f"ssh: Could not resolve hostname git.example.com: Name or service not known\n{CLOSED}": (
        "the server cannot be reached: nobody knows the name git.example.com"
    ),
    f"ssh: connect to host git.example.com port 2222: Connection refused\n{CLOSED}": (
        "the server cannot be reached ([git.example.com]:2222)"
    ),
    f"fatal: '/ml/dags.git' does not appear to be a git repository\n{CLOSED}": (
        "there is no such repository, or who asks may not see it (Secret deploy-key)"
    ),
    "Run(git fetch ssh://...): context deadline exceeded: { stdout: , stderr: }": (
        "no answer came in time from [git.example.com]:2222"
    ),
}
URL = "https://git.example.com/data/dags.git/"
BY_HTTPS = {
    f"fatal: Authentication failed for '{URL}'": "the user or the password is wrong (Secret git-token)",
    f"fatal: unable to access '{URL}': The requested URL returned error: 403": (
        "the user may not read the repository (Secret git-token)"
    ),
    f"remote: Not Found\nfatal: repository '{URL}' not found": (
        "there is no such repository, or who asks may not see it (Secret git-token)"
    ),
    f"fatal: unable to access '{URL}': Could not resolve host: git.example.com": (
        "the server cannot be reached: nobody knows the name git.example.com"
    ),
    f"fatal: unable to access '{URL}': Failed to connect to git.example.com port 443 after 3 ms": (
        "the server cannot be reached (git.example.com)"
    ),
    f"fatal: unable to access '{URL}': server certificate verification failed. CAfile: none CRLfile: none": (
        "no authority that is known vouches for the server's certificate (ConfigMap corporate-ca)"
    ),
    f"fatal: unable to access '{URL}': SSL: no alternative certificate subject name matches target host name": (
        "the server's certificate is not for the name git.example.com"
    ),
    "fatal: couldn't find remote ref main2": "there is no branch or tag 'main2'",
    "error: pathspec 'main2' did not match any file(s) known to git": "there is no branch or tag 'main2'",
    "fatal: remote error: upload-pack: not our ref 1234": (
        "there is no commit 'main2', or the server does not hand it out by itself"
    ),
    "fatal: clone of 'git@x:y' into submodule path 'z' failed\nPermission denied (publickey).\nfatal: no luck": (
        "a submodule cannot be fetched (fatal: no luck)"
    ),
    "ImportError: Bad git executable.": "the image of Airflow has no git",
    "ModuleNotFoundError: No module named 'airflow.providers.git'": (
        "the image of Airflow has no apache-airflow-providers-git"
    ),
    "hint: something\nfatal: what nobody has heard of": "fatal: what nobody has heard of",
    "": "nothing was said of why",
}


def source(options: dict[str, t.Any]) -> GitRepository:
    variables = {"airflow_instance": "airflow", "airflow_logging_store": "volume"}
    return load({**variables, "airflow_git_sync_repositories": {"one": options}}).git_sync.repositories["one"]


@pytest.mark.parametrize("said", BY_SSH)
def test_words_of_ssh(said: str) -> None:
    assert meaning(source(SSH), "main2", said) == BY_SSH[said]


@pytest.mark.parametrize("said", BY_HTTPS)
def test_words_of_https(said: str) -> None:
    assert meaning(source(HTTPS), "main2", said) == BY_HTTPS[said]


def test_who_gives_no_secret_is_told_of_the_option() -> None:
    without = source({"url": HTTPS["url"]})
    said = "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled"
    assert meaning(without, "HEAD", said) == "the server wants a user and a password (credentials)"
    said = "fatal: unable to access 'x': SSL certificate problem: unable to get local issuer certificate"
    assert meaning(without, "HEAD", said) == "no authority that is known vouches for the server's certificate (ca)"


def test_every_fragment_is_found_whatever_its_case() -> None:
    assert [fragment for fragment, _words in MEANINGS if fragment != fragment.lower()] == []


def test_git_is_quoted_out_of_the_log_of_git_sync() -> None:
    error = 'Run(git fetch x): exit status 128: { stdout: "", stderr: "hint: a\\nfatal: \\"strange\\" thing" }'
    first, last = json.dumps({"msg": "starting up"}), json.dumps({"msg": "too many failures", "error": error})
    assert last_line(f"{first}\n{last}\n") == 'fatal: "strange" thing'
    # A node keeps the last part of what a container says.
    plain = error.replace('\\"', "")
    assert last_line(json.dumps({"msg": "too many failures", "error": plain})[30:]) == "fatal: strange thing"


def test_a_password_in_an_address_is_not_quoted() -> None:
    assert (
        last_line("fatal: odd https://ada:secret@git.example.com/x") == "fatal: odd https://ada:***@git.example.com/x"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [({"REF": "main2"}, "there is no branch or tag 'main2'"), ({"REPO": "away"}, "there is no such repository")],
)
def test_a_real_git_says_so(given: dict[str, str], words: str, tmp_path: pathlib.Path) -> None:
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "HOME": str(tmp_path),
    }
    remote = tmp_path / "remote"
    for command in (["init", "--quiet", str(remote)], ["-C", str(remote), "commit", "--allow-empty", "-qm", "one"]):
        subprocess.run(["git", *command], env=environment, check=True)
    options = {"REPO": str(remote), "ROOT": str(tmp_path / "root"), "ONE_TIME": "true", "MAX_FAILURES": "1", **given}
    done = subprocess.run(
        [sys.executable, str(STANDIN)],
        env={**environment, **{f"GITSYNC_{name}": value for name, value in options.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert meaning(source({"url": HTTPS["url"]}), "main2", done.stderr).startswith(words)
