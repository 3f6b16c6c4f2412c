# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a broker or a result backend that does not answer means for a person who wrote a variable.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Broker, Values

Found = t.Mapping[str, t.Any]
"""What the script told of one of them."""

BROKER: t.Final = "airflow_celery_broker"
BACKEND: t.Final = "airflow_celery_result_backend"

# By what the script calls it: the part of a described broker that has to be looked at, and what is said.
MEANINGS: t.Final[dict[str, tuple[str, str]]] = {
    "address": ("", "it is no address: write SCHEME://USER:PASSWORD@HOST:PORT/NAME, with signs of a password as %XX"),
    "name": ("host", "nobody knows the name {host}"),
    "away": ("host", "the server cannot be reached at {server}: it is down, or a network policy is between ({said})"),
    "late": ("host", "{said} from {server}, as where a firewall is between"),
    "certificate": (
        "scheme",
        "no authority that is known vouches for the certificate of {server}: name yours in "
        "airflow_core_config.celery.extra_celery_config ({key}), and mount it into the workers",
    ),
    "certificate-name": ("host", "the certificate of {server} is not for the name {host}"),
    "no-tls": ("scheme", "{server} does not speak TLS, which {scheme} asks for"),
    "closed": ("scheme", "{server} ends the connection at once, as one does that wants TLS ({said})"),
    "login": ("{login}", "the user or the password is wrong at {server}{who}"),
    "wants-login": ("{login}", "{server} wants a user and a password{who}"),
    "no-login": ("{login}", "{server} knows no password, and one is given{who}"),
    "database": ("database", "there is no {database} at {server}"),
    "denied": ("{login}", "the user may not use {database} of {server}{who} ({said})"),
    "transport": ("scheme", "Celery knows nothing that is spoken to by {scheme}://"),
    "package": ("scheme", "the image has no client for {scheme}:// ({said}): install it in the image"),
}


def meaning(values: Values, name: str, found: Found) -> str:
    """The variable and what is wrong with it, in one sentence without its end."""
    kind = str(found.get("kind") or "")
    part, words = MEANINGS.get(kind, ("", "{server} does not answer as it should ({said})"))
    scheme = str(found.get("scheme") or "")
    host = str(found.get("host") or "")
    port = found.get("port")
    broker = values.celery.broker if name == "broker" else None
    return f"{_variable(values, name)}{_part(broker, part)}: " + words.format(
        host=host or f"of {scheme}",
        server=f"{host}:{port}" if port else host or scheme,
        scheme=scheme,
        key="broker_use_ssl.ca_certs" if scheme.startswith("amqp") else "broker_use_ssl.ssl_ca_certs",
        database=f"{'virtual host' if scheme.startswith('amqp') else 'database'} '{found.get('database') or '/'}'",
        who=_who(broker),
        said=found.get("said") or "nothing was said of why",
    )


def _variable(values: Values, name: str) -> str:
    """Where the address is written, or described."""
    variable = BROKER if name == "broker" else BACKEND
    own = (values.celery.broker if name == "broker" else values.celery.result_backend).url_secret
    return f"{variable}.urlSecret (Secret {own.name}, key {own.key})" if own else variable


def _part(broker: Broker | None, part: str) -> str:
    """The part of a broker that is described by parts."""
    if broker is None or broker.url_secret or not part:
        return ""
    if part == "{login}":
        return ".credentials" if broker.credentials else ".user"
    return f".{part}"


def _who(broker: Broker | None) -> str:
    """Whose the password is."""
    if broker is None or broker.url_secret:
        return ""
    if broker.credentials:
        return f" (Secret {broker.credentials.name})"
    return f" (user {broker.user} with airflow_celery_broker_password)" if broker.user else ""
