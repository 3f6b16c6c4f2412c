"""Write the tables of the READMEs from what they describe: roles, modules and playbooks.

A table stands between two markers; what a person writes around them stays. With ``--check`` nothing is written, and the
exit code is 1 where a file is not current.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import PLAYBOOK_VARIABLES  # noqa: E402

BEGIN = "<!-- begin {name}: made by `make generate` -->"
END = "<!-- end {name} -->"
LONG_DEFAULT = 100

ROLE_README = f"""\
# dagops.airflow.{{role}}

{BEGIN.format(name="variables")}
{END.format(name="variables")}
"""


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def markdown(text: str) -> str:
    """A sentence of Ansible's documentation as one cell of a Markdown table."""
    text = re.sub(r"\bL\(([^,]+), *([^)]+)\)", r"[\1](\2)", text)
    text = re.sub(r"\b(?:C|E|M|O|P|RV|V)\(((?:[^()\\]|\\.)*)\)", lambda match: f"`{unescaped(match[1])}`", text)
    text = re.sub(r"\b(?:B|I)\(([^)]*)\)", r"*\1*", text)
    return re.sub(r"<(\w+)>", r"&lt;\1&gt;", text).replace("|", "\\|").replace("\n", " ").strip()


def sentences(description: str | list[str]) -> str:
    return " ".join(markdown(line) for line in ([description] if isinstance(description, str) else description))


def table(header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def type_of(option: dict[str, t.Any]) -> str:
    name = option.get("type", "str")
    return f"{name} of {option['elements']}" if "elements" in option else str(name)


def default_of(option: dict[str, t.Any]) -> str:
    if option.get("required"):
        return "**required**"
    if "default" not in option:
        return ""
    text = yaml.safe_dump(option["default"], default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    return f"`{text}`" if len(text) <= LONG_DEFAULT else "see `meta/argument_specs.yml`"


def option_rows(options: dict[str, t.Any], prefix: str = "") -> t.Iterator[list[str]]:
    """A row for each option; those below a dictionary follow it under a dotted name."""
    for name, option in options.items():
        description = sentences(option["description"])
        if "choices" in option:
            description += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
        yield [f"`{prefix}{name}`", type_of(option), default_of(option), description]
        yield from option_rows(option.get("options", {}), f"{prefix}{name}{'[]' if 'elements' in option else ''}.")


def entry_points(role: Path) -> dict[str, t.Any]:
    specs: dict[str, t.Any] = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return specs


def role_section(role: Path) -> str:
    parts = []
    for name, spec in entry_points(role).items():
        title = "## Variables" if name == "main" else f"## Variables of `tasks_from: {name}`"
        parts.append(f"*{markdown(spec['short_description'])}.* {sentences(spec['description'])}")
        parts.append(title)
        rows = list(option_rows(spec.get("options", {})))
        parts.append(table(["variable", "type", "default", "meaning"], rows) if rows else "None.")
    return "\n\n".join(parts)


def module_documentation(path: Path) -> dict[str, t.Any]:
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="DOCUMENTATION")], value=ast.Constant(value=str(text))):
                documentation: dict[str, t.Any] = yaml.safe_load(text)
                return documentation
    raise SystemExit(f"{path.relative_to(ROOT)} has no DOCUMENTATION, which a module must have.")


def playbook_summary(path: Path) -> str:
    """The first line of the comment at its top, without the command that may follow after two spaces."""
    for line in path.read_text().splitlines():
        if line.startswith("# "):
            return line[2:].split("  ")[0].strip()
    raise SystemExit(f"{path.relative_to(ROOT)} has no comment at its top that tells what it does.")


def paths(pattern: str) -> list[Path]:
    return sorted(ROOT.glob(pattern))


def roles() -> list[Path]:
    return [path.parent.parent for path in paths("roles/*/meta/argument_specs.yml")]


def roles_table() -> str:
    rows = (
        [f"[`{role.name}`](roles/{role.name}/README.md)", markdown(entry_points(role)["main"]["short_description"])]
        for role in roles()
    )
    return table(["role", "what it is for"], rows)


def modules_table() -> str:
    rows = (
        [f"`dagops.airflow.{path.stem}`", markdown(module_documentation(path)["short_description"])]
        for path in paths("plugins/modules/*.py")
    )
    return table(["module", "what it does"], rows)


def playbooks_table() -> str:
    rows = ([f"[`{path.name}`](playbooks/{path.name})", playbook_summary(path)] for path in paths("playbooks/*.yml"))
    return table(["playbook", "what it does"], rows)


def playbook_variables_table() -> str:
    rows = ([f"`{name}`", markdown(text)] for name, text in PLAYBOOK_VARIABLES.items())
    return table(["variable", "what it says"], rows)


def replaced(path: Path, text: str, tables: dict[str, str]) -> str:
    for name, content in tables.items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        before, found_begin, rest = text.partition(begin)
        found_end, after = rest.partition(end)[1:]
        if not (found_begin and found_end):
            raise SystemExit(f"{path.relative_to(ROOT)} lacks the lines `{begin}` and `{end}` around its table.")
        text = f"{before}{begin}\n{content}\n{end}{after}"
    return text


def outputs() -> t.Iterator[tuple[Path, str]]:
    readme = ROOT / "README.md"
    tables = {
        "playbooks": playbooks_table(),
        "playbook-variables": playbook_variables_table(),
        "roles": roles_table(),
        "modules": modules_table(),
    }
    yield readme, replaced(readme, readme.read_text(), tables)
    for role in roles():
        readme = role / "README.md"
        text = readme.read_text() if readme.exists() else ROLE_README.format(role=role.name)
        yield readme, replaced(readme, text, {"variables": role_section(role)})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not current")
    check = parser.parse_args().check
    stale = [(path, text) for path, text in outputs() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)} {'is not current: run `make generate`' if check else 'written'}")
        if not check:
            path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
