"""Write what roles say of their variables from the one place that knows them: plugins/module_utils/spec/values.py.

Makes ``roles/*/defaults/main.yml`` and ``roles/*/meta/argument_specs.yml``; with ``--check`` it writes nothing and
exits 1, naming the files, where they are not current.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import types
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.dagops.airflow.plugins.module_utils.spec import schema, values  # noqa: E402

# What each role is for, and the section of the values that it owns.
ROLES: dict[str, tuple[str, str, str | None]] = {
    "airflow_preflight": (
        "Find what would fail before anything is changed",
        "Checks the values, the cluster, the permissions and what the instance needs of them. Changes nothing.",
        None,
    ),
    "airflow_rbac": (
        "Namespace, identities and permissions of an instance",
        "Applies the namespace with its Pod Security labels, quota and limits, and a ServiceAccount for each component "
        "with no more permissions than it needs.",
        "rbac",
    ),
    "airflow_policy": (
        "What pods of tasks must be, and where they go",
        "Applies admission policies that the API server itself enforces: labels and registries that pods of tasks must "
        "have, and tolerations and node affinity by the label of a team. Needs the permission to make objects outside "
        "of namespaces where something is asked for.",
        "policy",
    ),
    "airflow_database": (
        "The metadata database of an instance",
        "Makes sure that the instance's secrets exist, and runs the embedded Postgres and PgBouncer where they are "
        "wanted. See docs/database.md.",
        "database",
    ),
    "airflow_celery": (
        "Workers that wait for tasks, and their broker",
        "Runs the embedded Redis where it is wanted, and waits until it answers; the workers and Flower come with "
        "Airflow's own workloads. Does nothing where C(airflow_core_executor) has no CeleryExecutor.",
        "celery",
    ),
    "airflow_autoscaling": (
        "Who sets how many pods there are",
        "Applies KEDA's ScaledObjects for Celery workers and triggerers, with a database user that may read nothing "
        "but what they count, and HorizontalPodAutoscalers; takes away those that nobody declares any more. Does "
        "nothing where none is declared.",
        "autoscaling",
    ),
    "airflow_git_sync": (
        "DAGs out of git repositories",
        "Applies what git-sync reads, where repositories are given. Its containers are in the pods that need DAGs, "
        "which the role airflow_core applies.",
        "git_sync",
    ),
    "airflow_logging": (
        "Where task logs live",
        "Applies the shared log volume and what keeps it from filling, where that is the chosen store; or rsyslog, "
        "which takes what tasks print to a search server.",
        "logging",
    ),
    "airflow_core": (
        "Airflow itself",
        "Makes sure that the instance's secrets exist, applies the configuration, migrates the database if its schema "
        "is behind the image's, applies the workloads, waits for them, and makes sure of the first administrator.",
        "core",
    ),
    "airflow_extra": (
        "Objects of your own, next to those of an instance",
        "Applies the objects of O(airflow_extra_manifests) before the workloads that may need them, and waits for the "
        "workloads among them when Airflow runs.",
        "extra",
    ),
    "airflow_ingress": (
        "The way in from outside",
        "Applies an Ingress to the API server where it is wanted.",
        "ingress",
    ),
    "airflow_verify": (
        "Proof that an instance works",
        "Reads Airflow's own health report, and runs the canary DAG after a converge that changed something.",
        "verify",
    ),
}


# Ansible's types of the elements of a list; "raw" takes both text and mappings.
ELEMENTS: dict[t.Any, str] = {str: "str", dict[str, t.Any] | str: "raw"}


class Dumper(yaml.SafeDumper):
    """YAML as ansible-lint likes it: sequences are indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - that is the point
        return super().increase_indent(flow, False)


def dump(data: t.Any) -> str:
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, width=110, explicit_start=True, allow_unicode=True)


def kind_of(hint: t.Any) -> dict[str, t.Any]:
    """Ansible's type of a field."""
    origin, arguments = t.get_origin(hint), t.get_args(hint)
    if origin in (t.Union, types.UnionType):
        return kind_of(next(argument for argument in arguments if argument is not type(None)))
    if origin is t.Literal:
        return {"type": "str", "choices": list(arguments)}
    if origin is list:
        return {"type": "list", "elements": ELEMENTS.get(arguments[0], "dict")}
    if dataclasses.is_dataclass(hint):
        return {"type": "dict", "options": options_of(hint)}
    return {"type": {str: "str", int: "int", bool: "bool"}.get(hint, "dict")}


def is_plain(value: t.Any) -> bool:
    return value not in (None, {}, []) and not dataclasses.is_dataclass(value)


def option_of(field: dataclasses.Field[t.Any], hint: t.Any) -> dict[str, t.Any]:
    """One option of an argument spec."""
    description = [field.metadata["description"]]
    if field.metadata["reaches"]:
        description.append(f"Reaches {field.metadata['reaches']}.")
    option: dict[str, t.Any] = {"description": description, **kind_of(hint)}
    default = schema.default_of(field)
    if is_plain(default):
        option["default"] = default
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        option["required"] = True
    return option


def options_of(cls: t.Any, name: t.Callable[[str], str] = schema.camel) -> dict[str, t.Any]:
    """Options of a dataclass, by the names that people write."""
    hints = schema.hints(cls)
    return {name(field.name): option_of(field, hints[field.name]) for field in dataclasses.fields(cls)}


def section_options(section: str) -> dict[str, t.Any]:
    cls: t.Any = values.SECTIONS[section]
    return options_of(cls, lambda name: cls.PREFIX + name)


def shared_options() -> dict[str, t.Any]:
    """Variables of the instance itself, which every role reads."""
    options = section_options("instance")
    # The inventory host's name stands in for it.
    options["airflow_instance"].pop("required")
    return options


def secret_options(prefix: str) -> dict[str, t.Any]:
    return {
        name: {"description": [text], "type": "str", "no_log": True}
        for name, text in values.SECRET_VARIABLES.items()
        if name.startswith(prefix)
    }


def own_options(role: str) -> dict[str, t.Any]:
    section = ROLES[role][2]
    if section is None:
        return {}
    return {**section_options(section), **secret_options(f"{role}_")}


def argument_specs(role: str) -> str:
    short, long, _section = ROLES[role]
    main = {
        "short_description": short,
        "description": [long],
        "author": ["dagops.airflow contributors"],
        "options": {**own_options(role), **shared_options()},
    }
    return f"{header()}{dump({'argument_specs': {'main': main}})}"


def default_value(field: dataclasses.Field[t.Any]) -> t.Any:
    """A variable's default; that of an option below it is laid under what a person writes, and stands in its spec."""
    default = schema.default_of(field)
    return {} if dataclasses.is_dataclass(default) else default


def defaults(role: str) -> str:
    section = ROLES[role][2]
    fields = dataclasses.fields(values.SECTIONS[section]) if section else ()
    body = {f"{role}_{field.name}": default_value(field) for field in fields}
    body |= dict.fromkeys(secret_options(f"{role}_"))
    return f"{header()}{dump(body)}"


def header() -> str:
    return "# Made by tools/role_specs.py from plugins/module_utils/spec/values.py: change it there.\n"


def outputs() -> dict[Path, str]:
    files: dict[Path, str] = {}
    for role in ROLES:
        files[ROOT / "roles" / role / "defaults" / "main.yml"] = defaults(role)
        files[ROOT / "roles" / role / "meta" / "argument_specs.yml"] = argument_specs(role)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not current")
    check = parser.parse_args().check
    stale = {path: text for path, text in outputs().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)} {'is not current: run tools/role_specs.py' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
