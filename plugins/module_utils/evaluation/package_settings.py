# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where this machine gets its packages from: Debian mirror, Python index, npm's registry, proxies, certificates.

Builds use the same, so that they work wherever the machine itself can install packages. A build gets it in a folder
that is gone afterwards: no image and no file of this collection ever names a host.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import ast
import collections.abc as c
import os
import pathlib
import re
import shlex
import shutil
import sys
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import command
from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure

DEBIAN: t.Final = "bookworm"
"""The Debian that images are made of, whichever one this machine runs."""
_POCKETS: t.Final = ("", "-updates", "-security")
_TARGET: t.Final = "$(ORIGIN)|$(CODENAME)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)"
_ACQUIRE: t.Final = re.compile(
    r"""Acquire::(
            https?::[\w:.-]*(Proxy|Timeout|Verify)[\w:.-]*
            |Check-Valid-Until|Check-Date|Retries|ForceIPv[46]
        )[ ]".+";""",
    re.VERBOSE,
)
_PIP_SETTING: t.Final = re.compile(r"(?P<section>[^.]+)\.(?P<option>[^=]+)=(?P<value>.*)")
_CERTIFICATES: t.Final = "/etc/ssl/certs/ca-certificates.crt"
_KEYRINGS: t.Final = ("trusted.gpg", "trusted.gpg.d/*", "keyrings/*", "../../usr/share/keyrings/*")
_CREDENTIALS: t.Final = ("auth.conf", "auth.conf.d/*")
_UV_VARIABLES: t.Final = (
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    *("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INSECURE_HOST", "UV_HTTP_TIMEOUT"),
)
_UV_OF_PIP: t.Final = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
_NPM_SETTING: t.Final = re.compile(r"(//[^=]+|(@[^=:]+:)?registry|(https?-)?proxy|noproxy|strict-ssl)\s*=.+")
"""What npm must be told; the rest of its settings, such as paths, are the machine's own affair."""
_NPM_VARIABLE: t.Final = re.compile(r"npm_config_(?P<name>registry|(https?_)?proxy|noproxy|strict_ssl)", re.IGNORECASE)


def write(folder: pathlib.Path) -> None:
    """Put the machine's settings into ``folder``."""
    lines = sources(_index_targets(), _codename())
    if not lines:
        raise Failure(
            "Images cannot be built: apt knows no Debian mirror on this machine. Run apt-get update, add a mirror to "
            "/etc/apt/sources.list.d if that does not help, or use the public images (local_images_source: public)."
        )
    _write(folder / "sources.list", lines)
    _write(folder / "acquire.conf", acquire(command.run(["apt-config", "dump", "Acquire"], purpose="ask apt")))
    _copy(folder / "keyrings", _KEYRINGS)
    _copy(folder / "credentials", _CREDENTIALS)
    shutil.copyfile(os.environ.get("SSL_CERT_FILE") or _CERTIFICATES, folder / "certificates.crt")
    variables = uv_variables(os.environ, _pip_settings())
    npmrc = pathlib.Path(os.environ.get("NPM_CONFIG_USERCONFIG") or "~/.npmrc").expanduser()
    text = npmrc.read_text(encoding="utf-8") if npmrc.is_file() else ""
    _write(folder / "npmrc", npm_settings(os.environ, text))
    _write(folder / "uv.env", [f"export {name}={shlex.quote(value)}" for name, value in variables.items()])


def sources(targets: str, codename: str) -> list[str]:
    """The lines of a sources.list for the images' Debian.

    A mirror carries all releases of Debian, so the machine's own one is replaced by that of the images.
    """
    lines: dict[str, None] = {}
    for target in targets.splitlines():
        # What a repository does not say of itself, apt leaves as it stands.
        fields = ("" if field.startswith("$(") else field for field in target.split("|"))
        origin, known_suite, release, component, uri = fields
        suite = known_suite or release
        pocket = suite.removeprefix(codename)
        if origin in ("", "Debian") and component == "main" and suite.startswith(codename) and pocket in _POCKETS:
            lines[f"deb {uri} {DEBIAN}{pocket} main"] = None
    return list(lines)


def acquire(dump: str) -> list[str]:
    """The lines of an apt.conf that say how to reach a mirror; what names files of the machine is left out."""
    return [line for line in dump.splitlines() if _ACQUIRE.fullmatch(line) and "Auto-Detect" not in line]


def uv_variables(environment: c.Mapping[str, str], pip: c.Mapping[str, str]) -> dict[str, str]:
    """What uv must be told of the machine's Python index; of pip's settings it knows nothing by itself."""
    own = {name: environment[name] for name in _UV_VARIABLES if environment.get(name)}
    from_pip = {_UV_OF_PIP[name]: " ".join(value.split()) for name, value in pip.items() if name in _UV_OF_PIP}
    if "UV_INDEX_URL" in own:
        from_pip.pop("UV_DEFAULT_INDEX", None)
    return {**from_pip, **own}


def npm_settings(environment: c.Mapping[str, str], npmrc: str) -> list[str]:
    """The lines of an npmrc that say how to reach the machine's registry; the environment wins, as it does for npm."""
    of_file = [line.strip() for line in npmrc.splitlines() if _NPM_SETTING.fullmatch(line.strip())]
    found = ((_NPM_VARIABLE.fullmatch(name), value) for name, value in environment.items())
    return of_file + [f"{one['name'].lower().replace('_', '-')}={value}" for one, value in found if one and value]


def pip_settings(listed: str) -> dict[str, str]:
    """The settings in the output of ``pip config list``; the environment wins over files, as it does for pip."""
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        found = _PIP_SETTING.fullmatch(line)
        if found and found["section"] in sections:
            sections[found["section"]][found["option"]] = str(ast.literal_eval(found["value"]))
    return {option: value for settings in sections.values() for option, value in settings.items()}


def _pip_settings() -> dict[str, str]:
    listed = command.attempt([sys.executable, "-m", "pip", "config", "list"])
    return pip_settings(listed.stdout) if listed.returncode == 0 else {}


def _index_targets() -> str:
    return command.run(
        ["apt-get", "indextargets", "--format", _TARGET, "Created-By: Packages"], purpose="ask apt for its mirrors"
    )


def _codename() -> str:
    release = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return dict(line.partition("=")[::2] for line in release.splitlines()).get("VERSION_CODENAME", DEBIAN)


def _copy(folder: pathlib.Path, patterns: c.Iterable[str]) -> None:
    folder.mkdir()
    for pattern in patterns:
        for path in pathlib.Path("/etc/apt").glob(pattern):
            if path.is_file():
                shutil.copyfile(path, folder / path.name)


def _write(path: pathlib.Path, lines: c.Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
