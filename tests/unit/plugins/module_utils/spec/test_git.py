"""Addresses of repositories, and known_hosts files, are read as git and ssh read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.spec import git

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4cJcyBGgmFpOqZ5Xl0mZ8tO0RzY8z6qWm6vJmH5ZkP"


@pytest.mark.parametrize(
    ("url", "scheme", "known_as"),
    [
        ("https://github.com/acme/dags.git", "https", "github.com"),
        ("http://git.local:3000/dags", "http", "[git.local]:3000"),
        ("ssh://git@git.example.com/dags", "ssh", "git.example.com"),
        ("ssh://git@git.example.com:22/dags", "ssh", "git.example.com"),
        ("ssh://git@git.example.com:2222/~me/dags", "ssh", "[git.example.com]:2222"),
        ("git@github.com:acme/dags.git", "ssh", "github.com"),
    ],
)
def test_an_address_is_read(url: str, scheme: str, known_as: str) -> None:
    found = git.address(url)
    assert found is not None
    assert (found.scheme, found.known_as, found.secret) == (scheme, known_as, False)


@pytest.mark.parametrize("url", ["https://me:token@github.com/a/b", "https://token@github.com/a/b", "ssh://a:b@c/d"])
def test_a_secret_in_an_address_is_seen(url: str) -> None:
    found = git.address(url)
    assert found is not None
    assert found.secret


@pytest.mark.parametrize(
    "url",
    [
        "",
        "dags",
        "/srv/git/dags",
        "file:///srv/git/dags",
        "git://github.com/a/b",
        "https://github.com",
        "https://github.com/",
        "https://github.com/a/b?ref=main",
        "https://github.com/a b",
        "https://github.com/$(a)",
        'https://github.com/"a"',
        "https:///a",
        "https://github.com:99999/a",
        "github.com:acme/dags.git",
    ],
)
def test_what_is_no_address_is_told(url: str) -> None:
    assert git.address(url) is None


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"github.com {KEY}", "github.com"),
        (f"GitHub.com {KEY}", "github.com"),
        (f"github.com,192.0.2.1 {KEY} a comment", "192.0.2.1"),
        (f"*.example.com {KEY}", "git.example.com"),
        (f"[git.example.com]:2222 {KEY}", "[git.example.com]:2222"),
        (f"@cert-authority *.example.com {KEY}", "git.example.com"),
    ],
)
def test_a_server_is_known(line: str, name: str) -> None:
    assert git.knows(f"# a comment\n\n{line}\n", name)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# git.example.com",
        "git.example.com",
        "git.example.com ssh-ed25519",
        f"example.com {KEY}",
        f"git.example.com.evil.org {KEY}",
        f"[git.example.com]:2222 {KEY}",
        f"@revoked git.example.com {KEY}",
        f"!git.example.com,*.example.com {KEY}",
        f"|1|bm9zYWx0|bm9oYXNo {KEY}",
        f"|1|no {KEY}",
    ],
)
def test_a_server_is_not_known(line: str) -> None:
    assert not git.knows(f"{line}\n", "git.example.com")


@pytest.mark.parametrize("name", ["git.example.com", "[git.example.com]:2222"])
def test_names_that_ssh_hashed_are_known(name: str, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{name} {KEY}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    assert name not in file.read_text()
    assert git.knows(file.read_text(), name)
    assert not git.knows(file.read_text(), "other.example.com")
