"""The tables of the READMEs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import generate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tag is O(airflow_version) or V(main\\)).", "Tag is `airflow_version` or `main)`."),
        ("See L(the docs,https://example.com/a) for B(all).", "See [the docs](https://example.com/a) for *all*."),
        ("Reaches <instance>-config | more\nlines", "Reaches &lt;instance&gt;-config \\| more lines"),
    ],
)
def test_markup_becomes_markdown(text: str, expected: str) -> None:
    assert generate.markdown(text) == expected


def test_options_below_a_dictionary_follow_it() -> None:
    options = {
        "role_service": {
            "type": "dict",
            "description": ["The Service."],
            "options": {
                "type": {"description": "Its type.", "choices": ["ClusterIP", "NodePort"], "default": "ClusterIP"}
            },
        },
        "role_users": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "description": "Who may come in.",
            "options": {"name": {"description": "A name."}},
        },
    }
    assert list(generate.option_rows(options)) == [
        ["`role_service`", "dict", "", "The Service."],
        ["`role_service.type`", "str", "`ClusterIP`", "Its type. One of `ClusterIP`, `NodePort`."],
        ["`role_users`", "list of dict", "**required**", "Who may come in."],
        ["`role_users[].name`", "str", "", "A name."],
    ]


def test_only_what_is_between_the_markers_changes() -> None:
    begin, end = generate.BEGIN.format(name="roles"), generate.END.format(name="roles")
    readme = generate.ROOT / "README.md"
    assert generate.replaced(readme, f"a\n{begin}\nold\n{end}\nb", {"roles": "new"}) == f"a\n{begin}\nnew\n{end}\nb"
    with pytest.raises(SystemExit, match=r"README.md lacks the lines .*begin roles"):
        generate.replaced(readme, "a", {"roles": "new"})


def test_a_playbook_tells_what_it_does_in_its_first_comment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    playbook = tmp_path / "site.yml"
    playbook.write_text("---\n# Does it all.  make site\n- name: Play\n")
    assert generate.playbook_summary(playbook) == "Does it all."
    playbook.write_text("---\n- name: Play\n")
    with pytest.raises(SystemExit, match=r"site.yml has no comment"):
        generate.playbook_summary(playbook)
