"""The search for secrets finds them in every form, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import urllib.parse
from pathlib import Path

import pytest

from tests import leaks

SECRET = "pass/word+ %\"'with all-sorts"


def found(text: str, secret: str = SECRET) -> list[str]:
    search = leaks.Search()
    search.secret("it", secret)
    search.text("there", text)
    return search.findings()


@pytest.mark.parametrize(
    "text",
    [
        f"a {SECRET} b",
        urllib.parse.quote(SECRET),
        f"postgresql://u:{urllib.parse.quote(SECRET, safe='')}@h/d",
        urllib.parse.quote_plus(SECRET),
        json.dumps({"a": SECRET}),
        repr([SECRET]),
        *(base64.b64encode(b"x" * before + SECRET.encode() + b"y").decode() for before in range(6)),
        base64.urlsafe_b64encode(b"\xff" + SECRET.encode()).decode(),
        hashlib.sha256(SECRET.encode()).hexdigest(),
        hashlib.sha256(SECRET.encode()).hexdigest()[:12],
        hashlib.md5(base64.b64encode(SECRET.encode()), usedforsecurity=False).hexdigest(),
        base64.b64encode(hashlib.sha1(SECRET.encode(), usedforsecurity=False).digest()).decode(),
    ],
)
def test_every_form_is_found(text: str) -> None:
    (finding,) = {line.split(" (")[0] for line in found(text)}
    assert finding == "it"
    assert SECRET not in str(found(text))


def test_nothing_else_is_found() -> None:
    other = SECRET.replace("word", "work")
    for text in (other, base64.b64encode(other.encode()).decode(), hashlib.sha256(other.encode()).hexdigest()):
        assert found(text) == []


def test_what_is_too_short_is_refused() -> None:
    with pytest.raises(AssertionError, match="too short"):
        found("x", "short")


def test_traces_of_a_command_are_searched(tmp_path: Path) -> None:
    """Its output, its arguments while it runs, and what it leaves."""
    runs = leaks.Runs(leaks.Search(), tmp_path)
    names = ("written", "said", "told", "argued")
    values = {name: runs.search.secret(name, f"{name}-0123456789") for name in names}
    script = tmp_path / "script.py"
    script.write_text(
        "import pathlib, sys, tempfile, time\n"
        f"pathlib.Path(tempfile.gettempdir(), 'x').write_text('{values['written']}')\n"
        f"print('{values['said']}')\n"
        f"print('{values['told']}', file=sys.stderr)\n"
        "sys.stdout.flush()\n"
        f"time.sleep({20 * leaks.SAMPLES_SECONDS})\n"
    )
    runs.run([sys.executable, str(script), "-", values["argued"]], {})
    findings = runs.search.findings()
    for name, where in (
        ("written", "temporary files"),
        ("said", "standard output"),
        ("told", "standard error"),
        ("argued", "arguments of processes"),
    ):
        assert [line for line in findings if line.startswith(f"{name} (as it is)") and where in line], findings


def test_a_run_that_fails_is_told(tmp_path: Path) -> None:
    runs = leaks.Runs(leaks.Search(), tmp_path)
    with pytest.raises(AssertionError, match="over"):
        runs.run([sys.executable, "-c", "raise SystemExit('it is over')"], {})
    runs.run([sys.executable, "-c", "raise SystemExit('it is over')"], {}, fails=True)
