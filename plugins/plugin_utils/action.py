# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The action face: runs a noun's backend in the controller process.

A module start costs half a second, a task of an action plugin some 50 ms, so every noun of the collection has both.
Where the task's connection is not local (a bastion), the module of the same name runs on the target instead.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import traceback
import types
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure, Stopwatch, passwords, readable
from ansible_collections.dagops.airflow.plugins.module_utils.spec.load import load
from ansible_collections.dagops.airflow.plugins.plugin_utils.variables import gather, gather_secrets

display = Display()

# From the kernel's linux/prctl.h.
PR_SET_PDEATHSIG = 1


def plain(value: t.Any) -> t.Any:
    """``value`` as plain JSON types, without the tags that ansible-core puts on what it templates."""
    return json.loads(json.dumps(value, default=str))


class ActionFace:
    """The face of a backend that runs in the controller process."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool, diff_mode: bool, speaker: str) -> None:
        self._speaker = speaker
        self._stopwatch = Stopwatch()
        self.params = params
        self.check_mode = check_mode
        self.diff_mode = diff_mode

    def warn(self, message: str) -> None:
        display.warning(message)

    def progress(self, message: str) -> None:
        display.display(f"  {self._speaker}: {message} ({self._stopwatch.seconds():.0f} s)")


class BackendAction(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """An action plugin over the module file ``MODULE``.

    The module file gives ``argument_spec()``, ``run`` and, where it has any, ``CONSTRAINTS`` (``required_if``, … as for
    ``AnsibleModule``). It is imported with the action plugin, which ansible-core does in the process that it forks each
    task from: so the half second that the client libraries take to import is paid once in a play, and not by each task.
    """

    MODULE: types.ModuleType
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:  # noqa: ARG002 - for those who override it
        """The task's arguments; a noun that takes them from the host's variables adds those here."""
        return dict(self._task.args)

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            arguments = plain(self.arguments(task_vars or {}))
        except Failure as failure:
            return {**result, "failed": True, "msg": failure.message, **failure.details}
        if self._connection.transport != "local":
            module = self._execute_module(
                module_name=f"dagops.airflow.{self._noun()}", module_args=arguments, task_vars=task_vars
            )
            return {**result, **module}
        self._apply_environment()
        self._die_with_parent()
        return {**result, **self._run_backend(arguments)}

    def _apply_environment(self) -> None:
        """Honour the task's ``environment`` keyword, which ansible-core applies to modules only.

        The process is the task's own fork, so nothing else sees the change.
        """
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        os.environ.update({name: str(value) for name, value in environment.items()})

    def _noun(self) -> str:
        return self.MODULE.__name__.rpartition(".")[2]

    @staticmethod
    def _die_with_parent() -> None:
        """End this process when ansible-playbook is killed: on Linux the kernel can be asked to see to it.

        The workers of ansible-core are sessions of their own, so one would go on, and change things in the name of a
        run that is no more.
        """
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            parent = multiprocessing.parent_process()
            # The kernel does not tell of a parent that was gone before it was asked.
            if parent and os.getppid() != parent.pid:
                os.kill(os.getpid(), signal.SIGKILL)

    def _run_backend(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        constraints: dict[str, t.Any] = getattr(self.MODULE, "CONSTRAINTS", {})
        checked = ArgumentSpecValidator(self.MODULE.argument_spec(), **constraints).validate(arguments)
        parameters = checked.validated_parameters
        secrets: set[str] = (checked._no_log_values | passwords(parameters)) - readable(parameters)
        if checked.error_messages:
            raise AnsibleActionFail(remove_values("; ".join(checked.error_messages), secrets))
        speaker = self._task.get_name() or self._noun()
        face = ActionFace(checked.validated_parameters, self._task.check_mode, self._task.diff, speaker)
        try:
            outcome = self.MODULE.run(face)
        except Failure as failure:
            outcome = {"failed": True, "msg": failure.message, **failure.details}
        except Exception as error:
            # A person can do nothing with our stack, so it is shown at -vvv only.
            display.vvv(str(remove_values(traceback.format_exc(), secrets)))
            outcome = {
                "failed": True,
                "msg": f"dagops.airflow.{self._noun()} met an error it does not know: {type(error).__name__}: {error}. "
                "Run again with -vvv and report what it prints.",
            }
        return t.cast("dict[str, t.Any]", remove_values(outcome, secrets))


class ValuesAction(BackendAction):
    """An action whose ``values`` are the host's ``airflow_*`` variables, unless the task gives some.

    With ``SECRETS``, the secrets that the person gave are handed on as the option ``given``, too.
    """

    SECRETS: t.ClassVar[bool] = False

    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments = super().arguments(task_vars)
        if arguments.get("values") is None and self.reads_variables(arguments):
            arguments["values"] = gather(task_vars, self._templar, self._loader)
            if self._connection.transport != "local":
                # A module's arguments are shown at -vvv: what is refused, a secret in a wrong place, must not be.
                load(plain(arguments["values"]))
            if self.SECRETS:
                arguments["given"] = {**gather_secrets(task_vars, self._templar), **(arguments.get("given") or {})}
        return arguments

    def reads_variables(self, arguments: dict[str, t.Any]) -> bool:
        """Whether the task leaves it to the host's variables: one that names an instance means that one."""
        return not arguments.get("instance")
