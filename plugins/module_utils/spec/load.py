# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the ``airflow_*`` variables of a host to typed values.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import rules
from ansible_collections.dagops.airflow.plugins.module_utils.spec.schema import (
    SCALARS,
    ProblemError,
    SpecError,
    hints,
    is_nothing,
    parse_field,
    suggestion,
)
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import (
    PLAYBOOK_TYPES,
    PLAYBOOK_VARIABLES,
    SECRET_VARIABLES,
    SECTIONS,
    Values,
)


def section_variables(section: type) -> dict[str, dataclasses.Field[t.Any]]:
    """The variables of a section: ``airflow_core_executor`` to its field."""
    return {section.PREFIX + field.name: field for field in dataclasses.fields(section)}  # type: ignore[attr-defined]


VALUE_VARIABLES: dict[str, dataclasses.Field[t.Any]] = {
    name: field for section in SECTIONS.values() for name, field in section_variables(section).items()
}
KNOWN = (*VALUE_VARIABLES, *SECRET_VARIABLES, *PLAYBOOK_VARIABLES)
ROLE_PREFIXES = tuple(section.PREFIX for name, section in SECTIONS.items() if name != "instance")  # type: ignore[attr-defined]


def unknown_variables(names: t.Iterable[str]) -> list[str]:
    """A sentence for each variable that looks like ours and is not.

    A role's prefix is ours alone; elsewhere a name must be very near to one of ours, since people have variables of
    their own that begin with ``airflow_``.
    """
    problems = []
    for name in sorted(names):
        if name in KNOWN or not name.startswith("airflow_"):
            continue
        if name.startswith(ROLE_PREFIXES) or difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.87):
            problems.append(f"{name} is not a variable of this collection{suggestion(name, KNOWN)}")
    return problems


def unreadable_variables(variables: t.Mapping[str, t.Any]) -> list[str]:
    """A sentence for each variable of the playbooks that is of another type than they need, late in a play."""
    problems = []
    for name, kind in PLAYBOOK_TYPES.items():
        if is_nothing(variables.get(name)):
            continue
        try:
            value = SCALARS[kind](variables[name], name)
        except ProblemError as problem:
            problems.append(str(problem))
        else:
            if kind is int and value < 1:
                problems.append(f"{name} is {value}, but must be at least 1")
    return problems


def load(variables: t.Mapping[str, t.Any]) -> Values:
    """Typed values of an instance; raises ``SpecError`` with every mistake before anything is changed."""
    problems = unknown_variables(variables)
    sections: dict[str, t.Any] = {}
    for section_name, section in SECTIONS.items():
        given = {
            field.name: parse_field(field, hints(section)[field.name], variables[variable], variable, problems)
            for variable, field in section_variables(section).items()
            if not is_nothing(variables.get(variable))
        }
        if section_name == "instance" and "instance" not in given:
            problems.append("airflow_instance is required: the name of the instance")
            continue
        sections[section_name] = section(**given)
    if problems:
        raise SpecError(problems)
    values = Values(**sections)  # pylint: disable=missing-kwoa  # the sections are its fields
    problems = rules.broken(values)
    if problems:
        raise SpecError(problems)
    return values
