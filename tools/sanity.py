"""Run `ansible-test sanity` on a copy of the checkout, with no container engine and nothing left in the home folder.

ansible-test wants a collection at .../ansible_collections/<namespace>/<name>, reached by no link; so the tracked and
the new files are copied there. Arguments are handed on: `tools/sanity.py --test import plugins/modules/info.py`.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import cache

ROOT = Path(__file__).resolve().parent.parent

# The installer of pip that ansible-test would download; its name is the one under which ansible-test looks for it.
GET_PIP = "import ensurepip\nensurepip.bootstrap(upgrade=True, default_pip=True)\n"


def copy_checkout(destination: Path) -> None:
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    shutil.rmtree(destination, ignore_errors=True)
    for name in filter(None, listing.split("\0")):
        source = ROOT / name
        if name.startswith(".collections/") or not source.exists():
            continue
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, destination / name, follow_symlinks=False)


def link_dependencies(collections: Path) -> None:
    link = collections / "kubernetes"
    link.unlink(missing_ok=True)
    link.symlink_to((ROOT / ".collections/ansible_collections/kubernetes").resolve())


def pip_configuration() -> str:
    """What pip is told by files and by the environment: ansible-test hands neither on to the pips it starts."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    lines = (line.split("=", 1) for line in listing.splitlines())
    options = {name.rpartition(".")[2]: value.strip("'") for name, value in lines}
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())


def make_home(home: Path) -> None:
    test_cache = home / ".ansible/test/cache"
    test_cache.mkdir(parents=True, exist_ok=True)
    (test_cache / "get_pip_24_2.py").write_text(GET_PIP)
    pip_conf = home / ".config/pip/pip.conf"
    pip_conf.parent.mkdir(parents=True, exist_ok=True)
    pip_conf.write_text(pip_configuration())
    pip_conf.chmod(0o600)


def main() -> int:
    sanity = cache.root() / "sanity"
    collections = sanity / "ansible_collections"
    checkout = collections / "dagops/airflow"
    home = sanity / "home"
    python = ".".join(platform.python_version_tuple()[:2])
    command = ["ansible-test", "sanity", "--color", "no", "--python", python, *sys.argv[1:]]
    # Checkouts share the folder, since ansible-test's environments are expensive and know its path.
    with cache.locked(cache.root() / "sanity.lock", print, "ansible-test sanity"):
        copy_checkout(checkout)
        link_dependencies(collections)
        make_home(home)
        return subprocess.run(command, cwd=checkout, env={**os.environ, "HOME": str(home)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
