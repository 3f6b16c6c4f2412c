"""Builds take their packages from where the machine does, whatever Debian it runs and however pip was told."""

from __future__ import annotations

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import package_settings

MIRROR = "http://mirror.test/debian/"
SECURITY = "http://mirror.test/debian-security/"


def targets(*lines: tuple[str, ...]) -> str:
    return "".join("|".join(line) + "\n" for line in lines)


def test_the_mirror_of_the_machine_is_used_for_the_debian_of_the_images() -> None:
    found = targets(
        ("Debian", "trixie", "stable", "main", MIRROR),
        ("Debian", "trixie", "stable", "contrib", MIRROR),
        ("Debian", "trixie-updates", "stable-updates", "main", MIRROR),
        ("Debian", "trixie-security", "stable-security", "main", SECURITY),
        ("Debian Backports", "trixie-backports", "trixie-backports", "main", MIRROR),
        ("Somebody", "trixie", "trixie", "main", "http://packages.test/"),
    )
    assert package_settings.sources(found, "trixie") == [
        f"deb {MIRROR} bookworm main",
        f"deb {MIRROR} bookworm-updates main",
        f"deb {SECURITY} bookworm-security main",
    ]


def test_a_mirror_that_does_not_say_what_it_is_will_do() -> None:
    found = targets(("$(ORIGIN)", "$(CODENAME)", "bookworm", "main", MIRROR))
    assert package_settings.sources(found, "bookworm") == [f"deb {MIRROR} bookworm main"]


def test_other_distributions_are_no_mirror() -> None:
    found = targets(("Ubuntu", "noble", "noble", "main", "http://ubuntu.test/"))
    assert package_settings.sources(found, "noble") == []


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('Acquire::http::Proxy "http://proxy.test:3128";', True),
        ('Acquire::http::Proxy::mirror.test "DIRECT";', True),
        ('Acquire::https::Verify-Peer "false";', True),
        ('Acquire::Check-Valid-Until "false";', True),
        ('Acquire::Retries "3";', True),
        ('Acquire::http::Proxy-Auto-Detect "/usr/local/bin/proxy";', False),
        ('Acquire::https::CAInfo "/etc/company.pem";', False),
        ('Acquire::http "";', False),
        ('Acquire::IndexTargets::deb::Packages::MetaKey "Packages";', False),
        ('Acquire::Languages:: "none";', False),
    ],
)
def test_only_what_says_how_to_reach_a_mirror_is_taken_from_apt(line: str, *, kept: bool) -> None:
    assert package_settings.acquire(f"{line}\n") == ([line] if kept else [])


def test_the_environment_wins_over_files_as_for_pip() -> None:
    listed = (
        "global.index-url='https://files.test/simple'\n"
        "global.extra-index-url='\\nhttps://a.test/simple\\nhttps://b.test/simple'\n"
        ":env:.index-url='https://env.test/simple'\n"
        "list.format='columns'\n"
        "something else\n"
    )
    assert package_settings.pip_settings(listed) == {
        "index-url": "https://env.test/simple",
        "extra-index-url": "\nhttps://a.test/simple\nhttps://b.test/simple",
    }


def test_uv_gets_the_index_of_pip() -> None:
    pip = {"index-url": "https://a.test/", "extra-index-url": "\nhttps://b.test/\nhttps://c.test/", "cert": "/ca.pem"}
    assert package_settings.uv_variables({"HOME": "/root"}, pip) == {
        "UV_DEFAULT_INDEX": "https://a.test/",
        "UV_INDEX": "https://b.test/ https://c.test/",
    }


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_an_index_that_uv_was_told_itself_wins(name: str) -> None:
    variables = package_settings.uv_variables({name: "https://uv.test/"}, {"index-url": "https://pip.test/"})
    assert variables == {name: "https://uv.test/"}


def test_only_what_says_how_to_reach_a_registry_is_taken_from_npm() -> None:
    npmrc = """
        ; of the machine
        registry=https://npm.test/all/
        @company:registry=https://npm.test/company/
        //npm.test/all/:_authToken=${TOKEN}
        https-proxy = http://proxy.test:3128
        prefix=/opt/node
        cafile=/etc/company.pem
    """
    environment = {"npm_config_registry": "https://other.test/", "NPM_CONFIG_CACHE": "/tmp", "PATH": "/bin"}
    assert package_settings.npm_settings(environment, npmrc) == [
        "registry=https://npm.test/all/",
        "@company:registry=https://npm.test/company/",
        "//npm.test/all/:_authToken=${TOKEN}",
        "https-proxy = http://proxy.test:3128",
        "registry=https://other.test/",
    ]
    assert package_settings.npm_settings({}, "") == []
