# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How names, addresses and amounts are written: each as an expression for programs and in words for people.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import decimal
import re
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.kube import quantities
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import Form, below, said

# RFC 1123 label, short enough for the longest suffix that we add (`-postgresql-<hash>`) in a label's 63 characters.
NAME = Form(
    r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
    "lower-case letters, digits and dashes, from a letter to a letter or digit, at most 40",
)
AIRFLOW_TEAM = Form(
    r"[A-Za-z0-9_-]{3,50}", "a team of Airflow: letters, digits, dashes and underscores, 3 to 50 of them"
)
# With an instance's name before it, a namespace.
TEAM = Form(
    r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
    "the name of a team: lower-case letters, digits and dashes, from and to a letter or digit, at most 22",
)
LABEL_VALUE = Form(
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
    "the value of a label: letters, digits, dashes, underscores and dots, from and to a letter or digit, at most 63",
)
LABEL_KEY = Form(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
    "the name of a label, such as team or example.com/team",
)
LABEL = Form(
    r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
    "lower-case letters, digits and dashes, from and to a letter or digit, at most 63",
)
OBJECT_NAME = Form(
    r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "the name of an object: lower-case letters, digits, dashes and dots, from and to a letter or digit",
)
DATA_KEY = Form(r"[-._a-zA-Z0-9]{1,253}", "a key of a Secret: letters, digits, dashes, dots and underscores")
ENV_NAME = Form(
    r"[-._a-zA-Z][-._a-zA-Z0-9]*",
    "the name of an environment variable: letters, digits and underscores, not from a digit",
)
MOUNT_PATH = Form(r"/[^:\n]*", "an absolute path without colons, such as /opt/airflow/data")
NODE_FOLDER = Form(
    r"(/[A-Za-z0-9_][-A-Za-z0-9_.]*)+",
    "an absolute path without a slash at its end, of letters, digits, dashes, dots and underscores",
)
VERSION = Form(
    r"[0-9]+\.[0-9]+\.[0-9]+((a|b|rc|\.dev|\.post)[0-9]+)?",
    "a whole version such as 3.3.2 (what else a tag says goes into airflow_image.tag)",
)
REGISTRY = Form(
    r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
    "a registry and path such as registry.example.com:5000/mirror, without https:// and without a slash at its end",
)
REPOSITORY = Form(
    r"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
    "the name of an image such as docker.io/apache/airflow: lower-case, without https://, tag or digest",
)
TAG = Form(
    r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}",
    "a tag: letters, digits, underscores, dots and dashes, at most 128 (a digest goes into digest)",
)
DIGEST = Form(r"sha256:[0-9a-f]{64}", "a digest: sha256: and 64 hexadecimal digits")
QUANTITY = Form(
    r"[0-9]+(\.[0-9]+)?([eE][0-9]+|[numkMGTPE]|[KMGTPE]i)?", "an amount as Kubernetes writes it, such as 500m, 2 or 4Gi"
)
HOST = Form(
    r"(?=.{1,253}$)([A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?|[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,})",
    "a host name or an IP address alone, without scheme, port and path",
)
DATABASE = Form(r"[^\s/?#]{1,63}", "a name without spaces, /, ? and #, at most 63 characters")
USER = Form(r"[^\s:]{1,64}", "a name without spaces and colons, at most 64 characters")
WORD = Form(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", "a word of letters, digits, dashes and dots")
BUCKET = Form(
    r"[a-z0-9][-a-z0-9._]{1,220}[a-z0-9]",
    "the name of a bucket or container alone: lower-case letters, digits, dashes and dots, without a scheme or path",
)
OBJECT_PREFIX = Form(
    r"[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*",
    "a path without a slash at its ends, of letters, digits, dashes, dots, underscores and =",
)
STORAGE_ACCOUNT = Form(r"[a-z0-9]{3,24}", "the name of a storage account: 3 to 24 lower-case letters and digits")
LOG_GROUP_ARN = Form(
    r"arn:[a-z-]+:logs:[a-z0-9-]+:[0-9]{12}:log-group:[-A-Za-z0-9_/.#]{1,512}",
    "the ARN of a log group, such as arn:aws:logs:eu-central-1:123456789012:log-group:airflow",
)
CONNECTION_ID = Form(
    r"[A-Za-z0-9_#!().:/@$%^&+=*-]{1,200}", "the id of an Airflow connection: letters, digits, underscores and dashes"
)
INDEX = Form(
    r"[a-z0-9][-a-z0-9_.+]{0,254}",
    "the name of an index: lower-case letters, digits, dashes, dots and underscores, from a letter or digit",
)
INDEX_PATTERNS = Form(r"[-a-z0-9_.+*:,]+", "names of indices divided by commas, with * for any text")
DURATION = Form(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+", "a time such as 10s, 1m30s or 500ms")
GIT_REF = Form(
    r"(?![-/.])(?!.*(\.\.|//|@\{))[-A-Za-z0-9._/+=@#]{1,250}(?<![/.])",
    "a branch, tag or commit, as git writes it",
)
SUB_PATH = Form(
    r"(?!.*(^|/)\.\.?(/|$))[-A-Za-z0-9._+=@]+(/[-A-Za-z0-9._+=@]+)*",
    "a path below another, such as teams/dags: without a slash in front or at its end, spaces and ..",
)
EMAIL = Form(r"[^\s@]+@[^\s@]+", "an e-mail address")

QUEUE = Form(
    r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,79}",
    "the name of a queue: letters, digits, underscores, dots and dashes, at most 80",
)
URL_PREFIX = Form(r"[-A-Za-z0-9_.]+(/[-A-Za-z0-9_.]+)*", "a path such as ops/flower, without slashes around it")
CRON = Form(
    r"@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[-0-9A-Za-z*,/?]+( [-0-9A-Za-z*,/?]+){4}",
    "a schedule of five fields, such as 0 * * * *",
)

# Kubernetes does not take Local, which would be that of its control plane.
TIME_ZONE = Form(
    r"(?![Ll][Oo][Cc][Aa][Ll]$)[A-Za-z]+(/[-+_A-Za-z0-9]+)*",
    "the name of a time zone such as Europe/Berlin or Etc/UTC",
)
TABLE = Form(r"[a-z_][a-z0-9_]*", "the name of a table of Airflow, such as task_instance")


def amount(quantity: t.Any) -> decimal.Decimal | None:
    """The number that a quantity stands for; None where it is none."""
    text = str(quantity)
    if isinstance(quantity, bool) or not re.fullmatch(QUANTITY.pattern, text):
        return None
    return quantities.number(text)


class _Field(t.NamedTuple):
    """What a field of a schedule may hold."""

    words: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """The number that it stands for; None where it is none."""
        if text.lower() in self.names:
            return self.least + self.names.index(text.lower())
        return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else None

    def takes(self, part: str) -> bool:
        """Whether one of the items that commas divide is right: ``*``, ``5``, ``1-5``, ``*/15``, ``MON-FRI``."""
        items, slash, step = part.partition("/")
        if slash and not re.fullmatch(r"0*[1-9][0-9]{0,3}", step):
            return False
        if items in ("*", "?"):
            return True
        first, dash, last = items.partition("-")
        low = self.number(first)
        high = self.number(last) if dash else low
        return low is not None and high is not None and self.least <= low <= high <= self.most


# As Kubernetes reads them: a week begins with Sunday, which is 0 and not 7.
_FIELDS: t.Final = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("days of a month", 1, 31),
    _Field("months", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Field("days of a week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


def schedule(value: str, path: str) -> t.Iterator[str]:
    """What keeps a text of the form of a schedule from being one."""
    for field, text in zip(_FIELDS, [] if value.startswith("@") else value.split(" "), strict=False):
        for part in text.split(","):
            if not field.takes(part):
                named = f" or {field.names[0].upper()} to {field.names[-1].upper()}" if field.names else ""
                yield (
                    f"{path} is {said(value)}, where {said(part)} is none of the {field.words}: write {field.least} to "
                    f"{field.most}{named}, a range or a step of these, or *"
                )


LOG_LEVELS: t.Final = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")


def log_levels(value: dict[str, str], path: str) -> t.Iterator[str]:
    """What keeps a mapping from naming levels of loggers."""
    for name, level in value.items():
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            yield f"{below(path, name)} is no name of a logger: letters, digits, underscores, dots and dashes"
        if level not in LOG_LEVELS:
            yield f"{below(path, name)} is {said(level)}, which is none of {', '.join(LOG_LEVELS)}"


def names_of_dags(value: t.Any, path: str) -> t.Iterator[str]:
    """Names of repositories and bundles, of which folders, containers and volumes have theirs."""
    for name in value:
        if not re.fullmatch(NAME.pattern, name):
            yield f"{below(path, name)} has a name which is not {NAME.words}"


def names_of_teams(value: t.Any, path: str) -> t.Iterator[str]:
    """Names of teams, of which namespaces and files have theirs."""
    for name in value:
        if not re.fullmatch(TEAM.pattern, name):
            yield f"{below(path, name)} has a name which is not {TEAM.words}"


def web_address(value: str, path: str) -> t.Iterator[str]:
    """What keeps a text from being the address of a site."""
    example = "write it like https://airflow.example.com/data"
    try:
        url = urllib.parse.urlsplit(value)
        port = url.port
    except ValueError:
        yield f"{path} is {said(value)}, whose host or port cannot be: {example}"
        return
    if url.scheme not in ("http", "https"):
        yield f"{path} is {said(value)}, which does not begin with https:// or http://: {example}"
    elif url.username is not None or url.password is not None:
        yield f"{path} holds a user or password, which everybody would see: {example}"
    elif not url.hostname or not re.fullmatch(HOST.pattern, url.hostname) or port == 0:
        yield f"{path} is {said(value)}, which has no valid host: {example}"
    elif url.query or url.fragment or "?" in value or "#" in value:
        yield f"{path} is {said(value)}, which has more than a path (? or #): {example}"
    elif re.search(r"\s", value) or "//" in url.path or "/../" in f"{url.path}/":
        yield f"{path} is {said(value)}, whose path cannot be: {example}"
