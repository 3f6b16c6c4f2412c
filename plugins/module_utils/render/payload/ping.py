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

import configparser
import json
import os
import signal
import socket
import ssl
import sys

ANSWER_SECONDS = 10.0
# One that has just started answers at once, or has not started yet.
FIRST_ANSWER_SECONDS = 2.0
# Less than the kubelet's patience, which would take a broker that hangs for a worker that does.
BROKER_SECONDS = 15


def tls(url: str) -> "dict[str, object]":
    """TLS of [celery] as Airflow's provider reads it, in the words of the broker's driver."""
    file = configparser.ConfigParser(interpolation=None)
    file.read(os.path.join(os.environ.get("AIRFLOW_HOME", "/opt/airflow"), "airflow.cfg"))
    if not file.getboolean("celery", "ssl_active", fallback=False):
        extra = json.loads(file.get("celery", "extra_celery_config", fallback="{}"))
        return {key: value for key, value in extra.items() if key == "broker_use_ssl"}
    prefix = "" if url.startswith("amqp") else "ssl_"
    words = {"ca_certs": "ssl_cacert", "keyfile": "ssl_key", "certfile": "ssl_cert"}
    given = {prefix + word: file.get("celery", name, fallback="") for word, name in words.items()}
    return {"broker_use_ssl": {prefix + "cert_reqs": ssl.CERT_REQUIRED, **{k: v for k, v in given.items() if v}}}


def answers(url: str, seconds: float) -> bool:
    """Whether the worker answers; raises where the broker does not."""
    from celery import Celery

    app = Celery(broker=url, set_as_current=False)
    app.conf.update(tls(url))
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
