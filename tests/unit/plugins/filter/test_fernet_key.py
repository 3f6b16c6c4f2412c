"""The filter mints keys offline."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.dagops.airflow.plugins.filter.fernet_key import FilterModule
from ansible_collections.dagops.airflow.plugins.module_utils.airflow import fernet

fernet_key = FilterModule().filters()["fernet_key"]


def test_it_makes_keys() -> None:
    keys = {fernet_key(None) for _number in range(5)}
    assert len(keys) == 5
    assert all(fernet.checked(key, "x") == key for key in keys)


def test_it_derives_keys() -> None:
    assert fernet_key("a long passphrase of mine") == fernet_key("a long passphrase of mine")
    assert fernet_key("a long passphrase of mine", salt="ml") != fernet_key("a long passphrase of mine")


def test_it_refuses_short_passphrases() -> None:
    with pytest.raises(AnsibleFilterError, match="20 characters"):
        fernet_key("short")
