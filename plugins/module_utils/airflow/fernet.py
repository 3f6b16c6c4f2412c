# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fernet keys: what one looks like, how one is made, and what may replace one without loss.

Airflow takes a list of keys separated by commas: it encrypts with the first and decrypts with any.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

# Both base64 alphabets: Fernet's decoder takes either.
_KEY = re.compile(r"[A-Za-z0-9_+/-]{43}=")
_HOW = "32 random bytes in url-safe base64, 44 characters that end in '='"
_REMEDY = "make one with the filter dagops.airflow.fernet_key, or leave the variable out to have one made and kept"


def generate() -> str:
    """A new key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def derive(passphrase: str, salt: str) -> str:
    """The key of a passphrase: always the same one, and slow to guess."""
    if len(passphrase) < 20:
        raise Failure("A passphrase for a Fernet key needs 20 characters or more.")
    # 32 MiB and some 0.1 s for each guess.
    key = hashlib.scrypt(passphrase.encode(), salt=salt.encode(), n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    return base64.urlsafe_b64encode(key).decode()


def split(keys: str) -> list[str]:
    """The keys of a list as Airflow reads it."""
    return [key.strip() for key in keys.split(",") if key.strip()]


def join(keys: list[str]) -> str:
    """Keys as Airflow wants them."""
    return ",".join(keys)


def checked(keys: str, where: str) -> str:
    """``keys``, tidied; raises ``Failure`` that names ``where`` and never shows a key."""
    found = split(keys)
    if not found:
        raise Failure(f"{where} holds no Fernet key: a key is {_HOW}; {_REMEDY}.")
    for position, key in enumerate(found, start=1):
        if not _KEY.fullmatch(key):
            which = f"{where} holds" if len(found) == 1 else f"Key {position} of {where} is"
            raise Failure(f"{which} no valid Fernet key: it has {len(key)} characters, but a key is {_HOW}; {_REMEDY}.")
    return join(found)


def loses(existing: str, wanted: str) -> bool:
    """Whether something that was encrypted with ``existing`` could no longer be decrypted with ``wanted``."""
    return not set(split(existing)) <= set(split(wanted))
