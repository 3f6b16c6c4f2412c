# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The narrow protocol between a backend and whoever runs it.

A backend is a function ``run(face) -> dict``: it reads its arguments from the face and returns the result
(at least ``changed``), or raises ``Failure``. It cannot tell whether it runs in the controller process (an action
plugin, some 50 ms a task) or as a module on a target (some 500 ms a task, for bastions).

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import re
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

ArgumentSpec = dict[str, dict[str, t.Any]]


class Failure(Exception):
    """What went wrong, in one sentence: the object or variable, why, and what to do next.

    ``details`` are added to the failed result for programs; they must hold no secret.
    """

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Face(t.Protocol):
    """What a backend may ask of its surroundings."""

    params: dict[str, t.Any]
    check_mode: bool
    diff_mode: bool

    def warn(self, message: str) -> None:
        """Show a warning to the person."""

    def progress(self, message: str) -> None:
        """Tell the person what a long step is doing; the elapsed time is added."""


Backend = t.Callable[[Face], dict[str, t.Any]]


def readable(params: t.Mapping[str, t.Any]) -> set[str]:
    """What ``no_log`` would hide in our sentences and results and is no secret.

    That is where a kubeconfig is, unlike what is in it; and names of the instance, also where somebody has taken one of
    them for a password.
    """
    values = params.get("values") or {}
    names = {str(values[name]) for name in ("airflow_instance", "airflow_namespace") if values.get(name)}
    kubeconfig = params.get("kubeconfig")
    is_path = isinstance(kubeconfig, str) and not kubeconfig.lstrip().startswith("{") and "\n" not in kubeconfig
    return names | ({str(kubeconfig)} if is_path else set())


class Stopwatch:
    """Seconds since it was made, for progress lines."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self._start


def passwords(params: dict[str, t.Any]) -> set[str]:
    """Secrets within arguments that are not secret as a whole: the password in the address of a proxy."""
    return set(re.findall(r"://[^/:@]*:([^/@]+)@", str(params.get("proxy") or "")))


class ModuleFace:
    """The face of a backend that runs as an ordinary module on the target.

    A module can only speak when it ends, so progress lines are kept and returned as ``progress``.
    """

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._stopwatch = Stopwatch()
        self.lines: list[str] = []
        self.params: dict[str, t.Any] = module.params
        self.check_mode: bool = module.check_mode
        self.diff_mode: bool = module._diff

    def warn(self, message: str) -> None:
        self._module.warn(message)

    def progress(self, message: str) -> None:
        self.lines.append(f"{self._stopwatch.seconds():.0f} s: {message}")


def run_module(
    argument_spec: ArgumentSpec,
    backend: Backend,
    *,
    shown: t.Callable[[dict[str, t.Any]], dict[str, t.Any]] = dict,
    **module_options: t.Any,
) -> None:
    """Run ``backend`` as a module: ``module_options`` go to ``AnsibleModule`` (``required_if`` and so on).

    ``shown`` gives the arguments as ``-vvv`` may show them, where ``no_log`` of single options cannot hide enough.
    """
    module = AnsibleModule(argument_spec, supports_check_mode=True, **module_options)
    module.no_log_values |= passwords(module.params)
    module.no_log_values -= readable(module.params)
    invocation = {"module_args": shown(module.params)}
    face = ModuleFace(module)
    try:
        result = backend(face)
    except Failure as failure:
        module.fail_json(msg=failure.message, invocation=invocation, **failure.details)
    else:
        if face.lines:
            result["progress"] = face.lines
        module.exit_json(invocation=invocation, **result)
