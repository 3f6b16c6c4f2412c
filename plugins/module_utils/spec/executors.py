# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The executors of an instance: how they are written, and what each of them runs.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import said, suggestion

VARIABLE: t.Final = "airflow_core_executor"

LOCAL: t.Final = "LocalExecutor"
CELERY: t.Final = "CeleryExecutor"
KUBERNETES: t.Final = "KubernetesExecutor"

# Where tasks run under each executor that Airflow has a short name for, by the executors that do it.
RUNS: t.Final[dict[str, frozenset[str]]] = {
    LOCAL: frozenset({LOCAL}),
    CELERY: frozenset({CELERY}),
    KUBERNETES: frozenset({KUBERNETES}),
    "CeleryKubernetesExecutor": frozenset({CELERY, KUBERNETES}),
    "LocalKubernetesExecutor": frozenset({LOCAL, KUBERNETES}),
}
# Two in one, of Airflow 2 only: Airflow 3 takes a list instead.
HYBRID: t.Final = {"CeleryKubernetesExecutor": (CELERY, KUBERNETES), "LocalKubernetesExecutor": (LOCAL, KUBERNETES)}
# What people may ask for, and cannot have on Kubernetes.
UNFIT: t.Final = {
    "SequentialExecutor": "runs one task at a time, for development",
    "DebugExecutor": "runs tasks in the process of whoever debugs them",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Executor:
    """One of the list: ``alias:name``."""

    name: str
    alias: str = ""

    @property
    def runs(self) -> frozenset[str]:
        """Where its tasks run, as far as we know: nowhere that is ours for a class that we do not know."""
        known = self.name.rpartition(".")[2] if self.name.startswith("airflow.") else self.name
        return RUNS.get(known, frozenset())


def listed(text: str) -> list[Executor]:
    """The executors in the order of the variable; the first one is that of tasks that name none."""
    return [_executor(item.strip()) for item in text.split(",")]


def _executor(item: str) -> Executor:
    alias, colon, name = item.rpartition(":")
    return Executor(name=name.strip(), alias=alias.strip() if colon else "")


def running(text: str) -> frozenset[str]:
    """Where tasks may run, by the executors that do it."""
    return frozenset().union(*(one.runs for one in listed(text)))


def of_version(text: str, version: str) -> t.Iterator[str]:
    """What keeps an Airflow of ``version`` from starting with executors that another one has."""
    found = listed(text)
    for one in found:
        yield from _of_another_version(one, text, version, alone=len(found) == 1)


def check(text: str, _path: str) -> t.Iterator[str]:
    """What keeps any Airflow from starting with these executors."""
    found = listed(text)
    for one in found:
        yield from _unknown(one, text)
    for name, number in collections.Counter(one.name for one in found).items():
        if name and number > 1:
            yield f"{VARIABLE} is {said(text)}, which has {name} {number} times: each once"
    for alias, number in collections.Counter(one.alias for one in found if one.alias).items():
        if number > 1:
            yield f"{VARIABLE} is {said(text)}, which has the alias '{alias}' {number} times: give each one of its own"


def _unknown(one: Executor, text: str) -> t.Iterator[str]:
    where = f"{VARIABLE} is {said(text)}"
    if not one.name:
        yield f"{where}, which has an empty name: write executors with single commas between them"
    elif one.name in UNFIT:
        yield f"{where}, but {one.name} {UNFIT[one.name]}: take one of {LOCAL}, {CELERY}, {KUBERNETES}"
    elif not all(part.isidentifier() for part in one.name.split(".")) or (one.alias and not one.alias.isidentifier()):
        yield f"{where}, and '{one.name}' cannot be the name of a class: write it like my_package.MyExecutor"
    elif one.name not in RUNS and "." not in one.name:
        yield (
            f"{where}, and {one.name} is none of {', '.join(RUNS)}{suggestion(one.name, RUNS)}, and no path of a class "
            "such as my_package.MyExecutor"
        )


def _of_another_version(one: Executor, text: str, version: str, *, alone: bool) -> t.Iterator[str]:
    old = version.startswith("2.")
    if one.name in HYBRID and not old:
        yield (
            f"{VARIABLE} is {said(text)}, but Airflow {version} has no {one.name}: write "
            f"'{','.join(HYBRID[one.name])}', and name the executor in the tasks that want the other one"
        )
    elif one.name in HYBRID and not alone:
        yield (
            f"{VARIABLE} is {said(text)}, but {one.name} is two executors already and does not go with others: write "
            f"'{','.join(HYBRID[one.name])}', or leave the others out"
        )
    elif one.alias and one.name in RUNS and old:
        yield (
            f"{VARIABLE} is {said(text)}, but Airflow {version} takes an alias for a path of a class only: leave "
            f"'{one.alias}:' out"
        )
