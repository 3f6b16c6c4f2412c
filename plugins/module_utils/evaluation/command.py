# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Other programs: where they are, and what they say when they fail.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import collections.abc as c
import os
import shutil
import subprocess
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

SEARCH_PATH: t.Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""For system programs: the PATH of an ordinary login leaves out the folders for administrators."""


_HINT: t.Final = "To see the stack trace of this error"
"""kubeadm's last line, after the one that says something."""


def find(program: str) -> str | None:
    """Where ``program`` is, on the caller's PATH or in the system's folders."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), SEARCH_PATH]))


def run(command: c.Sequence[str | os.PathLike[str]], *, purpose: str, stdin: str | None = None) -> str:
    """The output of ``command``; when it fails, a Failure that says which ``purpose`` it had and its last words."""
    done = attempt(command, stdin=stdin)
    if done.returncode != 0:
        raise Failure(f"Cannot {purpose}: {last_words(done.stderr or done.stdout)}", command=[str(a) for a in command])
    return done.stdout


def attempt(
    command: c.Sequence[str | os.PathLike[str]], *, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` with the system's folders on its PATH, whatever comes of it."""
    try:
        return subprocess.run(
            command,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            env={**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", ""), SEARCH_PATH])},
        )
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, "", f"{error.filename} is not installed")


def last_words(output: str) -> str:
    """The last line that says something: where programs put what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith(_HINT)]
    return lines[-1] if lines else "it failed without a word"
