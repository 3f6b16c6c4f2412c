"""What a run of ansible-playbook says of itself."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recap:
    """How a run of ansible-playbook ended."""

    code: int
    output: str

    @property
    def tasks(self) -> list[str]:
        """The tasks that ran, in their order."""
        return re.findall(r"^TASK \[(.*?)\]", self.output, re.MULTILINE)

    @property
    def changed(self) -> int:
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output))

    @property
    def api_requests(self) -> int:
        """Requests to the Kubernetes API; told at -v."""
        return sum(int(count) for count in re.findall(r'"?api_requests"?: (\d+)', self.output))

    @property
    def module_starts(self) -> int:
        """Modules that were packed, copied and started; told at -vvv."""
        return len(re.findall(r"EXEC .*AnsiballZ_", self.output))
