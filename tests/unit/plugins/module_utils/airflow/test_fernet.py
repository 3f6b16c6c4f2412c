"""A key that is no key is refused, by name and without being shown."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet

from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

GOOD = "46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho="
OTHER = "ZmDfcTF7_60GrrY167zsiPd67pEvs0aGOv2oasOM1Pg="
# As printed in a well-known guide: one character short.
SHORT = "46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho"


def test_a_generated_key_is_one() -> None:
    key = fernet.generate()
    assert fernet.checked(key, "x") == key
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"text")) == b"text"
    assert fernet.generate() != key


@pytest.mark.parametrize(
    "key", [GOOD, f"{GOOD},{OTHER}", f" {GOOD} , {OTHER} ,", base64.b64encode(b"\xfb" * 32).decode()]
)
def test_good_keys_pass(key: str) -> None:
    assert all(Fernet(one) for one in fernet.checked(key, "x").split(","))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "airflow_core_fernet_key holds no Fernet key"),
        (" , ", "airflow_core_fernet_key holds no Fernet key"),
        (SHORT, "airflow_core_fernet_key holds no valid Fernet key: it has 43 characters"),
        (GOOD + "=", "it has 45 characters"),
        ("changeme", "it has 8 characters"),
        ("!" * 43 + "=", "it has 44 characters"),
        (f"{GOOD},{SHORT}", "Key 2 of airflow_core_fernet_key is no valid Fernet key: it has 43 characters"),
        ("schlüssel" * 4, "it has 36 characters"),
    ],
)
def test_bad_keys_are_refused_without_showing_them(key: str, words: str) -> None:
    with pytest.raises(Failure) as caught:
        fernet.checked(key, "airflow_core_fernet_key")
    assert words in caught.value.message
    assert "dagops.airflow.fernet_key" in caught.value.message
    assert not key.strip(" ,") or key not in caught.value.message


@pytest.mark.parametrize(
    ("existing", "wanted", "lost"),
    [
        (GOOD, GOOD, False),
        (GOOD, f"{OTHER},{GOOD}", False),
        (GOOD, OTHER, True),
        (f"{OTHER},{GOOD}", OTHER, True),
        (f"{OTHER},{GOOD}", f"{GOOD}, {OTHER}", False),
    ],
)
def test_only_keys_that_read_everything_lose_nothing(existing: str, wanted: str, lost: bool) -> None:
    assert fernet.loses(existing, wanted) is lost


def test_a_passphrase_gives_its_key_and_no_other() -> None:
    key = fernet.derive("correct horse battery staple", "analytics")
    assert fernet.checked(key, "x") == key
    assert fernet.derive("correct horse battery staple", "analytics") == key
    assert fernet.derive("correct horse battery staple", "ml") != key


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(Failure, match="20 characters"):
        fernet.derive("short", "analytics")
