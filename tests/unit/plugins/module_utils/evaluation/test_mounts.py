"""Mounts below a folder."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import mounts

MOUNTINFO = r"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
48 27 0:40 / /run/c rw - tmpfs tmpfs rw
49 48 0:41 / /run/c/a rw shared:2 - tmpfs tmpfs rw
50 49 0:42 / /run/c/a/with\040space rw - tmpfs tmpfs rw
51 27 0:43 / /run/cc rw - tmpfs tmpfs rw
"""


def test_the_last_mounted_comes_first_and_a_similar_name_is_another_folder() -> None:
    assert mounts.parse(MOUNTINFO, Path("/run/c")) == ["/run/c/a/with space", "/run/c/a"]


def test_nothing_below() -> None:
    assert mounts.parse(MOUNTINFO, Path("/var")) == []
    mounts.unmount([])
