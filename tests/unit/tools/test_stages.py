"""The runner of `make test`, with shell commands in the place of make targets."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tools import stages
from tools.stages import Stage

COMMANDS = {
    "good": "echo '== 12 passed, 1 skipped in 0.10s =='",
    "bad": "echo 'FAILED one'; echo '== 2 failed, 3 passed, 1 error in 1.20s =='; exit 1",
    "plain": "echo done",
    "broken": "echo 'no such thing' >&2; exit 2",
}


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stages, "LOGS", tmp_path)
    monkeypatch.setattr(stages, "command", lambda stage: ["sh", "-c", COMMANDS[stage.name.split("-")[0]]])


def run(*plan: Stage) -> stages.Runner:
    runner = stages.Runner(plan)
    runner.run()
    return runner


def words(runner: stages.Runner) -> dict[str, str]:
    return {name: outcome.word for name, outcome in runner.done.items()}


def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    runner = run(
        Stage(name="broken"),
        Stage(name="plain-1", needs=("broken",)),
        Stage(name="plain-2", needs=("plain-1",)),
        Stage(name="plain-3"),
    )
    assert words(runner) == {"broken": "FAILED", "plain-1": "skipped", "plain-2": "skipped", "plain-3": "passed"}
    assert runner.done["plain-2"].why == "it needs plain-1"


def test_the_last_stage_runs_after_all_others_even_when_they_fail() -> None:
    runner = run(Stage(name="plain-down", last=True), Stage(name="broken"), Stage(name="plain"))
    assert list(runner.done)[-1] == "plain-down"
    assert words(runner)["plain-down"] == "passed"


def test_a_stage_that_wants_to_be_alone_is() -> None:
    runner = stages.Runner([Stage(name="plain-1"), Stage(name="plain-2", alone=True), Stage(name="plain-3")])
    for expected in (["plain-1", "plain-3"], ["plain-2"]):
        while (stage := runner.ready()) is not None:
            runner.start(stage)
        assert [running.stage.name for running in runner.running] == expected
        for running in runner.running:
            running.process.wait()
        runner.collect()


@pytest.mark.parametrize(
    ("name", "expected"), [("good", (12, 0)), ("bad", (3, 3)), ("plain", (1, 0)), ("broken", (0, 1))]
)
def test_a_stage_counts_its_tests_or_itself(name: str, expected: tuple[int, int]) -> None:
    runner = run(Stage(name=name))
    assert stages.checks(runner.done[name]) == expected


def test_the_summary_explains_failures_and_ends_with_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    plan = [Stage(name="good"), Stage(name="broken")]
    assert stages.summary(run(*plan), plan) == 1
    output = capsys.readouterr().out
    assert "no such thing" in output
    assert "`make broken` runs it alone" in output
    assert output.splitlines()[-1] == "12 passed, 1 failed"


@pytest.mark.parametrize("plan", stages.PLANS.values(), ids=stages.PLANS)
def test_plans_name_targets_of_the_makefile_and_what_they_need(plan: t.Sequence[Stage]) -> None:
    makefile = (stages.ROOT / "Makefile").read_text()
    names = [stage.name for stage in plan]
    assert len(names) == len(set(names))
    for stage in plan:
        assert f"\n{stage.name}:" in makefile
        assert set(stage.needs) <= set(names)
