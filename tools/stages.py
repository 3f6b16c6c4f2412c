"""Run the stages of `make test`: two at a time, each a target of the Makefile with a log of its own.

A stage starts when those it needs have passed; a failure stops only what needs it. Ctrl-C stops what runs.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/logs"
AT_ONCE = 2
PROGRESS_SECONDS = 30.0
GRACE_SECONDS = 15.0
STOPPING = (signal.SIGINT, signal.SIGTERM)

# Logs are plain text; and a stage is a make of its own, not part of the one that started this program.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
ENVIRONMENT |= {"TERM": "dumb", "NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "1"}
ENVIRONMENT.pop("FORCE_COLOR", None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """One make target. ``alone``: nothing beside it, as it measures or waits for pods. ``last``: it cleans up."""

    name: str
    needs: tuple[str, ...] = ()
    alone: bool = False
    last: bool = False


LINT = (
    Stage(name="lint-python"),
    Stage(name="lint-shell"),
    Stage(name="lint-types"),
    Stage(name="lint-ansible"),
    Stage(name="lint-docs"),
    Stage(name="lint-changelog"),
    Stage(name="lint-generated"),
    Stage(name="sanity"),
)
CLUSTER = (
    Stage(name="cluster-up"),
    Stage(name="images", needs=("cluster-up",)),
    # A long build, which shares the machine with the checks.
    Stage(name="addons", needs=("cluster-up",)),
    Stage(name="cluster-down", last=True),
)
FAST = (Stage(name="test-unit"), Stage(name="artifact"), *LINT)
# The API tests use programs that cluster-up builds.
TEST_API = Stage(name="test-api", needs=("cluster-up",))
TEST_E2E = (
    Stage(name="test-e2e", needs=("images", "addons"), alone=True),
    Stage(name="test-alone", needs=("images",), alone=True),
)
COVERAGE = Stage(name="coverage", needs=("test-unit", "test-api"))
TEST = (*CLUSTER, *FAST, TEST_API, COVERAGE, Stage(name="molecule", needs=("images",), alone=True), *TEST_E2E)
TEST_FULL = (
    *CLUSTER,
    *FAST,
    TEST_API,
    COVERAGE,
    Stage(name="mutations"),
    *TEST_E2E,
    Stage(name="molecule-all", needs=("images",), alone=True),
    Stage(name="matrix", needs=("images", "addons"), alone=True),
    Stage(name="interruptions", needs=("images",), alone=True),
    Stage(name="secrets-search", needs=("images",), alone=True),
    Stage(name="bench", needs=("images",), alone=True),
)
PLANS: dict[str, tuple[Stage, ...]] = {"lint": LINT, "test": TEST, "test-full": TEST_FULL}


@dataclasses.dataclass(kw_only=True)
class Running:
    stage: Stage
    process: subprocess.Popen[bytes]
    started: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a stage ended: ``code`` is its exit code, None where it did not run."""

    stage: Stage
    code: int | None
    seconds: float = 0.0
    why: str = ""

    @property
    def word(self) -> str:
        return "skipped" if self.code is None else "passed" if self.code == 0 else "FAILED"


def command(stage: Stage) -> list[str]:
    return ["make", stage.name]


def log_of(stage: Stage) -> Path:
    return LOGS / f"{stage.name}.log"


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def last_line(path: Path) -> str:
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:90] if lines else ""


def counts(path: Path) -> tuple[int, int]:
    """Tests passed and failed by the last line of pytest's in a log."""
    log = path.read_text(errors="replace")
    summaries = re.findall(r"^.*\b\d+ (?:passed|failed|error).* in [\d.]+s.*$", log, re.MULTILINE)
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", "".join(summaries[-1:]))}
    return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0)


class Runner:
    """The state of one run over a plan."""

    def __init__(self, plan: t.Sequence[Stage]) -> None:
        self.waiting = list(plan)
        self.running: list[Running] = []
        self.done: dict[str, Outcome] = {}
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{clock(time.monotonic() - self.began):>12}  {text}", flush=True)

    def start(self, stage: Stage) -> None:
        self.waiting.remove(stage)
        with log_of(stage).open("wb") as log:
            # A session of its own: Ctrl-C reaches this program alone, which then stops its children in order.
            process = subprocess.Popen(
                command(stage),
                cwd=ROOT,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(Running(stage=stage, process=process, started=time.monotonic()))
        self.say(f"{stage.name} ...")

    def finish(self, outcome: Outcome) -> None:
        self.done[outcome.stage.name] = outcome
        reason = f": {outcome.why}" if outcome.why else f" in {clock(outcome.seconds)}"
        self.say(f"{outcome.stage.name} {outcome.word}{reason}")

    def collect(self) -> None:
        for running in list(self.running):
            code = running.process.poll()
            if code is not None:
                self.running.remove(running)
                seconds = time.monotonic() - running.started
                self.finish(Outcome(stage=running.stage, code=code, seconds=seconds))

    def skip(self) -> None:
        for stage in list(self.waiting):
            missing = [name for name in stage.needs if name in self.done and self.done[name].code != 0]
            if missing:
                self.waiting.remove(stage)
                self.finish(Outcome(stage=stage, code=None, why=f"it needs {', '.join(missing)}"))

    def ready(self) -> Stage | None:
        """The next stage that can start now, in the plan's order."""
        if len(self.running) == AT_ONCE or any(running.stage.alone for running in self.running):
            return None
        others = [stage for stage in self.waiting if not stage.last]
        for stage in others or self.waiting:
            needs_met = all(name in self.done for name in stage.needs)
            if needs_met and not (self.running and (stage.alone or stage.last)):
                return stage
        return None

    def progress(self) -> None:
        now = time.monotonic()
        self.say(
            "; ".join(
                f"{running.stage.name} for {clock(now - running.started)}: {last_line(log_of(running.stage))}"
                for running in self.running
            )
        )

    def run(self) -> None:
        next_progress = PROGRESS_SECONDS
        while self.waiting or self.running:
            self.collect()
            self.skip()
            while (stage := self.ready()) is not None:
                self.start(stage)
            if time.monotonic() - self.began > next_progress:
                next_progress += PROGRESS_SECONDS
                self.progress()
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask what runs to stop as a terminal would, then less and less kindly."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for running in self.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.process.pid, number)
            deadline = time.monotonic() + GRACE_SECONDS
            while time.monotonic() < deadline and any(running.process.poll() is None for running in self.running):
                time.sleep(0.1)


def checks(outcome: Outcome) -> tuple[int, int]:
    """What a stage contributes to the last line: its tests, or itself where it counts none."""
    if outcome.code is None:
        return 0, 1
    passed, failed = counts(log_of(outcome.stage))
    if outcome.code == 0:
        return passed or 1, 0
    return passed, failed or 1


def explain(outcome: Outcome) -> str:
    log = log_of(outcome.stage)
    end = log.read_text(errors="replace").splitlines()[-25:]
    sentence = (
        f"Stage {outcome.stage.name} failed after {clock(outcome.seconds)}; its log is {log};"
        f" `make {outcome.stage.name}` runs it alone."
    )
    return "\n".join([f"--- the end of {log}", *end, f"--- {sentence}", ""])


def summary(runner: Runner, plan: t.Sequence[Stage]) -> int:
    outcomes = [runner.done[stage.name] for stage in plan]
    tallies = [checks(outcome) for outcome in outcomes]
    failed = [outcome for outcome in outcomes if outcome.code != 0]
    print()
    for outcome in failed:
        if outcome.code is not None:
            print(explain(outcome))
    print(f"{'stage':<16} {'result':<8} {'seconds':>8} {'passed':>7} {'failed':>7}")
    for outcome, (good, bad) in zip(outcomes, tallies, strict=True):
        print(f"{outcome.stage.name:<16} {outcome.word:<8} {outcome.seconds:>8.1f} {good:>7} {bad:>7}")
    print(f"{'all':<16} {'':<8} {time.monotonic() - runner.began:>8.1f}\n")
    if failed:
        print(f"Failed: {', '.join(outcome.stage.name for outcome in failed)} (logs in {LOGS})")
    print(f"{sum(good for good, bad in tallies)} passed, {sum(bad for good, bad in tallies)} failed")
    return 1 if failed else 0


def cluster_is_up() -> bool:
    command = ["make", "cluster-status"]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", choices=PLANS)
    plan = PLANS[parser.parse_args().plan]
    LOGS.mkdir(parents=True, exist_ok=True)
    runner = Runner(plan)
    if any(stage.last for stage in plan) and cluster_is_up():
        runner.say("the evaluation cluster is up already: it is used, and left up")
        plan = tuple(stage for stage in plan if not stage.last)
        runner.waiting = list(plan)
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)
    try:
        runner.run()
    except KeyboardInterrupt:
        runner.say("stopping; what is built stays in the cache, so the next run goes on from there")
        runner.stop()
        return 130
    return summary(runner, plan)


if __name__ == "__main__":
    sys.exit(main())
