"""Take a screenshot of the UI of a running Airflow 3: the grid of a DAG whose newest run is green.

Needs Debian's packages chromium and chromium-driver, and a route to the cluster's services, which a machine has to its
evaluation cluster. The login comes from the instance's admin Secret.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import client, kinds
from ansible_collections.dagops.airflow.plugins.module_utils.render.payload import canary

ROOT = Path(__file__).resolve().parent.parent
WINDOW = (1280, 940)
PATIENCE_SECONDS = 120.0
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's identifier in the WebDriver standard

# The last five keep Chromium from looking for servers of its maker, which a closed network refuses one by one.
CHROMIUM_ARGUMENTS = [
    "--headless=new",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
    f"--window-size={WINDOW[0]},{WINDOW[1]}",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

NEWEST_RUN = """
const done = arguments[arguments.length - 1];
fetch(`api/v2/dags/${arguments[0]}/dagRuns?order_by=-run_after&limit=1`)
  .then((answer) => answer.json())
  .then((runs) => done(runs.dag_runs?.[0]?.state ?? "none"), (error) => done(String(error)));
"""


class Login(t.NamedTuple):
    address: str
    username: str
    password: str


def find_login(kubeconfig: str, instance: str, namespace: str) -> Login:
    cluster = client.connect({"kubeconfig": kubeconfig})
    service = cluster.get(kinds.named("Service"), f"{instance}-api-server", namespace)
    secret = cluster.get(kinds.named("Secret"), f"{instance}-admin", namespace)
    if service is None or secret is None:
        missing = f"Service/{instance}-api-server" if service is None else f"Secret/{instance}-admin"
        raise Failure(f"{missing} is not in namespace {namespace} of {cluster.server}: is the quickstart up?")
    username, password = (base64.b64decode(secret["data"][key]).decode() for key in ("username", "password"))
    return Login(f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}", username, password)


class Browser:
    """Chromium, driven by the few commands of the WebDriver standard that are needed here."""

    def __init__(self, port: int, profile: str) -> None:
        self._port = port
        options = [*CHROMIUM_ARGUMENTS, f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium's sandbox refuses root
        capabilities = {"browserName": "chrome", "goog:chromeOptions": {"args": options}}
        self._session = ""
        answer = self._send("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/{answer['sessionId']}"

    def _send(self, method: str, path: str, body: dict[str, t.Any] | None = None) -> t.Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, f"/session{self._session}{path}", None if body is None else json.dumps(body))
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        if answer.status != http.HTTPStatus.OK:
            raise Failure(f"Chromium could not {method} {path or 'a session'}: {value['message'].splitlines()[0]}")
        return value

    def open(self, address: str) -> None:
        self._send("POST", "/url", {"url": address})

    def find(self, selector: str) -> str | None:
        found = self._send("POST", "/elements", {"using": "css selector", "value": selector})
        return found[0][ELEMENT] if found else None

    def type(self, selector: str, text: str) -> None:
        element = wait_for(lambda: self.find(selector), f"{selector} on the page")
        self._send("POST", f"/element/{element}/value", {"text": text})

    def click(self, selector: str) -> None:
        element = wait_for(lambda: self.find(selector), f"{selector} on the page")
        self._send("POST", f"/element/{element}/click", {})

    def run(self, script: str, *arguments: str) -> t.Any:
        return self._send("POST", "/execute/async", {"script": script, "args": arguments})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._send("GET", "/screenshot"))

    def close(self) -> None:
        self._send("DELETE", "")


T = t.TypeVar("T")


def wait_for(look: t.Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    raise Failure(f"Waited {PATIENCE_SECONDS:.0f} s for {what} in vain.")


@contextlib.contextmanager
def browser() -> t.Iterator[Browser]:
    if shutil.which("chromedriver") is None:
        raise Failure("chromedriver is not installed: apt-get install chromium chromium-driver")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(lambda: is_open(port), "chromedriver")
            opened = Browser(port, profile)
            try:
                yield opened
            finally:
                opened.close()
        finally:
            driver.terminate()
            driver.wait()


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def take(login: Login, dag: str) -> bytes:
    with browser() as page:
        page.open(f"{login.address}/auth/login/")
        page.type("#username", login.username)
        page.type("#password", login.password)
        page.click("input[type=submit], button[type=submit]")
        wait_for(lambda: page.find("#root nav, #root a"), "the UI after the login")
        wait_for(lambda: page.run(NEWEST_RUN, dag) == "success", f"the newest run of {dag} to succeed")
        page.open(f"{login.address}/dags/{dag}")
        wait_for(lambda: page.find(f"a[href*='{dag}/runs/']"), f"the grid of {dag}")
        time.sleep(3)  # charts draw themselves in; nothing on the page tells that they have
        return page.screenshot()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", default="/var/lib/dagops-airflow/dagops/kubeconfig")
    parser.add_argument("--instance", default="airflow")
    parser.add_argument("--namespace", help="the instance's name if not given")
    parser.add_argument("--dag", default=canary.DAG_ID)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/images/quickstart.png")
    options = parser.parse_args()
    try:
        login = find_login(options.kubeconfig, options.instance, options.namespace or options.instance)
        picture = take(login, options.dag)
    except Failure as failure:
        sys.exit(str(failure))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(picture)
    print(options.output)


if __name__ == "__main__":
    main()
