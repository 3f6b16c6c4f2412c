# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Does this container's Celery worker answer? For probes; runs inside Airflow's image with nothing but Celery.

``celery inspect ping`` asks the same and costs 3 CPU seconds and 200 MiB each time, since it starts all of Airflow;
this costs some 0.4 CPU seconds. Usage: ``ping.py [--started]``.

Exit 1: the broker answers, and the worker does not. A broker that does not answer is nothing that a restart of this
container would mend, so it is no failure of a liveness probe; with ``--started`` (a startup probe) it is one.
"""

# It is no Ansible code: what it prints is what the kubelet shows.
# pylint: disable=ansible-bad-function

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.render.payload.settings import section

ANSWER_SECONDS = 10.0
# One that has just started answers at once, or has not started yet.
FIRST_ANSWER_SECONDS = 2.0
# Less than the kubelet's patience, which would take a broker that hangs for a worker that does.
BROKER_SECONDS = 15
TRUE, FALSE = ("t", "true", "1"), ("f", "false", "0")


def tls(url: str, options: "dict[str, str]") -> "dict[str, object]":
    """TLS of [celery], in the words of the broker's driver."""
    if options.get("ssl_active", "").lower() not in TRUE:
        return {}
    prefix = "" if url.startswith("amqp") else "ssl_"
    words = {"ca_certs": "ssl_cacert", "keyfile": "ssl_key", "certfile": "ssl_cert"}
    given = {prefix + word: options.get(name, "") for word, name in words.items()}
    return {"broker_use_ssl": {prefix + "cert_reqs": ssl.CERT_REQUIRED, **{k: v for k, v in given.items() if v}}}


def value(text: str) -> object:
    """An option of the broker's driver: a number, a mapping, yes or no, or text."""
    kinds: tuple[t.Callable[[str], object], ...] = (json.loads,) if text.startswith("{") else (int, float)
    for kind in kinds:
        with contextlib.suppress(ValueError):
            return kind(text)
    return text.lower() in TRUE if text.lower() in (*TRUE, *FALSE) else text


def configuration(url: str) -> "dict[str, object]":
    """What the worker's Celery is told of the broker and of questions, as Airflow's provider reads it."""
    options = section("celery")
    transport = section("celery_broker_transport_options")
    return {
        "broker_transport_options": {name: value(text) for name, text in transport.items()},
        "worker_enable_remote_control": options.get("worker_enable_remote_control", "").lower() not in FALSE,
        **json.loads(options.get("extra_celery_config") or "{}"),
        **tls(url, options),
    }


def answers(url: str, seconds: float) -> bool:
    """Whether the worker answers, or nobody can ask it; raises where the broker does not answer."""
    told = configuration(url)
    if not told["worker_enable_remote_control"]:
        return True
    from celery import Celery

    app = Celery(broker=url, set_as_current=False)
    app.conf.update(told)
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        destination = [f"celery@{socket.gethostname()}"]
        return bool(app.control.ping(destination, seconds, connection=connection, limit=1))


def give_up(_number: int, _frame: object) -> None:
    raise TimeoutError


def main() -> int:
    started, url = "--started" in sys.argv[1:], os.environ["AIRFLOW__CELERY__BROKER_URL"]
    if url.startswith("sqs"):
        # It carries tasks and nothing else, so there is no asking.
        return 0
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(BROKER_SECONDS)
    try:
        alive = answers(url, FIRST_ANSWER_SECONDS if started else ANSWER_SECONDS)
    except Exception as error:
        print(f"the broker does not answer: {type(error).__name__}")
        return 1 if started else 0
    if not alive:
        print("the worker does not answer")
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main())
