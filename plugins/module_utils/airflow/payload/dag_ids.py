# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs inside a DAG processor to find ids of DAGs that several files define; it starts no Airflow.

Airflow keeps one row for an id. Of several files with it, the one that was parsed last has the row, and nothing in the
database tells of the others. So the files are looked at for ids whose row belongs to another one. An id that a file
computes is not seen; the module image_info, which imports all files, sees it.

Usage: ``python -c SOURCE duplicates``, with the folders of bundles and the query of the rows as JSON on standard input
"""

from __future__ import annotations

# It is no Ansible code: what it prints is what its caller reads.
# pylint: disable=ansible-bad-function
import ast
import json
import os
import re
import sys
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.metadata import connect, transaction

IGNORE = ".airflowignore"
WORD = re.compile(r"[\"']([\w.-]+)[\"']|\bdef (\w+)")

Place = tuple[str, str]
"""The bundle of a file, and its path there."""


def rows(query: str) -> list[tuple[str, str, str]]:
    """Id, bundle and file of each DAG that Airflow has."""
    with transaction(connect()) as cursor:
        cursor.execute(query)
        found: list[tuple[str, str, str]] = cursor.fetchall()
        return found


def files(folder: str, syntax: str) -> t.Iterator[str]:
    """Paths in a folder of the files that Airflow would look into."""
    rules: list[tuple[str, t.Callable[[str], bool]]] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        rules = [rule for rule in rules if f"{place}/".startswith(f"{rule[0]}/")]
        if IGNORE in names:
            rules.append((place, rule_of(os.path.join(place, IGNORE), syntax)))
        folders[:] = sorted(name for name in folders if not ignored(os.path.join(place, name) + "/", rules))
        for name in sorted(names):
            path = os.path.join(place, name)
            if name.endswith(".py") and not ignored(path, rules):
                yield os.path.relpath(path, folder)


def rule_of(path: str, syntax: str) -> t.Callable[[str], bool]:
    """Whether an ignore file means a path, which begins at its folder."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line for line in (re.sub(r"\s*#.*", "", one.rstrip("\n")) for one in file) if line]
    if syntax == "regexp":
        return lambda path: any(re.search(line, path) for line in lines)
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(lines).match_file


def ignored(path: str, rules: list[tuple[str, t.Callable[[str], bool]]]) -> bool:
    return any(rule(path[len(folder) + 1 :]) for folder, rule in rules)


def defined(source: str) -> set[str]:
    """The ids of DAGs that a file gives in so many words."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and named(node.func) == "DAG":
            found.add(identifier(node))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for one in node.decorator_list:
                if isinstance(one, ast.Call) and named(one.func) == "dag":
                    found.add(identifier(one, node.name))
                elif named(one) == "dag":
                    found.add(node.name)
    return found - {""}


def named(node: ast.expr) -> str:
    """The last part of a name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def identifier(call: ast.Call, otherwise: str = "") -> str:
    """The id that a call gives: nothing where it is computed."""
    given = [word.value for word in call.keywords if word.arg == "dag_id"] or call.args[:1]
    if not given:
        return otherwise
    return given[0].value if isinstance(given[0], ast.Constant) and isinstance(given[0].value, str) else ""


def duplicates(folders: dict[str, str], owners: dict[str, Place], syntax: str) -> dict[str, list[Place]]:
    """The files of each id that several have; one that is gone has none any more."""
    found: dict[str, set[Place]] = {}
    for bundle, folder in folders.items():
        for path in files(folder, syntax):
            with open(os.path.join(folder, path), encoding="utf-8", errors="replace") as file:
                source = file.read()
            words = {one or other for one, other in WORD.findall(source)}
            strange = {word for word in words if word in owners and owners[word] != (bundle, path)}
            for one in strange & defined(source) if strange else ():
                found.setdefault(one, set()).add((bundle, path))
    for one, places in found.items():
        bundle, path = owners[one]
        if os.path.exists(os.path.join(folders.get(bundle, ""), path)):
            places.add((bundle, path))
    return {one: sorted(places) for one, places in sorted(found.items()) if len(places) > 1}


def main(_command: str) -> None:
    """One JSON line at the end of standard output."""
    told = json.load(sys.stdin)
    owners = {dag_id: (bundle, path) for dag_id, bundle, path in rows(told["query"])}
    print(json.dumps(duplicates(told["folders"], owners, told["syntax"])), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
