# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an instance needs of others by its settings alone: sums that people would do on paper (docs/capacity.md).

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dagops.airflow.plugins.module_utils.spec import counts
from ansible_collections.dagops.airflow.plugins.module_utils.spec.database_kinds import POSTGRESQL
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import KedaScaler, Values

VARIABLE: t.Final = "airflow_database_max_connections"

# Of Airflow (`sql_alchemy_pool_size`, `sql_alchemy_max_overflow`), and of SQLAlchemy, whose defaults its asynchronous
# engine has in older releases; Airflow 2.11 parses files in processes with a connection each, which those of 3 lack.
POOL_SIZE: t.Final = 5
OVERFLOW: t.Final = 10
ASYNC_POOL_SET: t.Final = (3, 2, 2)
"""The first release whose asynchronous engine follows the options, too (`_configure_async_session` in its settings)."""
PARSERS: t.Final = 2
PARALLELISM: t.Final = 32
# With what the embedded Postgres is started (`max_connections`), and what a Postgres keeps of it for administrators
# (`superuser_reserved_connections`).
SERVER_CONNECTIONS: t.Final = 200
RESERVED: t.Final = 3

# As Airflow reads airflow.cfg (`getboolean`).
_FALSE: t.Final = frozenset({"f", "false", "0"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Share:
    """Database connections of one component: those that its pools keep open, and those that they may grow to."""

    component: str
    kept: int
    most: int
    direct: bool = False
    """Past PgBouncer in any case."""
    other_user: bool = False
    """Of another user of the database than Airflow, for whom PgBouncer has a pool apart."""
    autoscaled: str = ""
    """The variables that say how many there are, where an autoscaler makes as many, in words."""

    @property
    def words(self) -> str:
        return f"{self.component} {self.kept}" + (f" ({self.autoscaled})" if self.autoscaled else "")


def shares(values: Values) -> list[Share]:
    """Who opens connections to the metadata database."""
    core = values.core
    size, most = _pool(values)

    def pools(component: str, processes: int, *of: counts.Count) -> Share:
        return Share(component=component, kept=processes * size, most=processes * most, autoscaled=_autoscaled(of))

    servers, triggerers = counts.api_servers(values), counts.triggerers(values)
    web = servers.most * core.api_server.workers
    found = [
        pools(values.web_component, web, servers),
        pools("scheduler", core.scheduler.replicas),
        pools("dag-processor", core.dag_processor.replicas),
        pools("triggerer", triggerers.most, triggerers),
    ]
    workers = _autoscaled(counts.workers(values, name) for name in values.worker_sets)
    if values.major >= 3:
        asynchronous = pools(f"{values.web_component} (asynchronous)", web, servers)
        if values.release < ASYNC_POOL_SET:
            asynchronous = dataclasses.replace(asynchronous, kept=web * POOL_SIZE, most=web * (POOL_SIZE + OVERFLOW))
        found.append(dataclasses.replace(asynchronous, direct=True))
    else:
        parsers = core.dag_processor.replicas * _option(values, "parsing_processes", PARSERS, section="scheduler")
        found.append(Share(component="parsers of DAGs", kept=parsers, most=parsers))
        # Tasks speak to the database themselves.
        tasks = tasks_at_once(values)
        found.append(Share(component="tasks", kept=tasks, most=tasks, autoscaled=workers))
    if _results_are_kept(values):
        slots = _slots(values)
        found.append(Share(component="results of Celery", kept=slots, most=slots, autoscaled=workers))
    # KEDA keeps one for each trigger, and opens another where its operator and a HorizontalPodAutoscaler ask at once.
    asked = sum(isinstance(scaler, KedaScaler) for _variable, _scaled, scaler in counts.scalers(values))
    found.append(Share(component="KEDA", kept=asked, most=2 * asked, other_user=True))
    return [share for share in found if share.kept]


def tasks_at_once(values: Values) -> int:
    """Tasks that the settings let run at the same time, all executors together; 0 where 2.11 has no limit."""
    schedulers = _parallelism(values) * values.core.scheduler.replicas
    if not values.worker_sets or values.runs_local or values.runs_kubernetes:
        return schedulers
    return min(schedulers or _slots(values), _slots(values))


def tasks_may_run(values: Values) -> t.Iterator[str]:
    """Executors of Airflow 3 end where they are to run no task at once; to those of 2.11 none means no limit."""
    if values.major >= 3 and _parallelism(values) < 1:
        yield (
            f"airflow_core_config.core.parallelism is {_parallelism(values)}, with which no scheduler of Airflow "
            f"{values.instance.version} starts: set it to 1 or more, or leave it out, which makes it {PARALLELISM}"
        )


def _parallelism(values: Values) -> int:
    """Tasks that each scheduler lets run at the same time."""
    return _option(values, "parallelism", PARALLELISM, section="core")


def _slots(values: Values) -> int:
    """Processes of all workers of Celery, each of which runs a task at a time."""
    return sum(counts.workers(values, name).most * counts.processes(one) for name, one in values.worker_sets.items())


def _results_are_kept(values: Values) -> bool:
    """Whether the processes that run tasks for Celery's workers hold a connection for what comes of these.

    Each has a pool of its own and asks one thing at a time, so one connection stays open after its first task. Whoever
    Celery has not forked opens one whenever it asks: the scheduler, and workers whose tasks are threads
    (`SessionManager.get_engine` in celery/backends/database/session.py, 5.6).
    """
    forks = str(values.core.config.get("celery", {}).get("pool") or "prefork") in ("prefork", "processes")
    return values.runs_celery and not values.celery.result_backend.url_secret and forks


def _pool(values: Values) -> tuple[int, int]:
    """Connections that each process of Airflow keeps open, and those that it may have at a time."""
    if str(values.core.config.get("database", {}).get("sql_alchemy_pool_enabled", True)).lower() in _FALSE:
        # Nothing is kept, but as a rule one is in use.
        return 1, 1
    size = _option(values, "sql_alchemy_pool_size", POOL_SIZE)
    return size, size + max(_option(values, "sql_alchemy_max_overflow", OVERFLOW), 0)


def granted(values: Values) -> int | None:
    """Connections that the server takes from Airflow; None where nobody has said it."""
    if values.database.max_connections is None and values.database.provider == "external":
        return None
    return at_server(values) - RESERVED


def at_server(values: Values) -> int:
    """Connections with which an embedded server is started."""
    return values.database.max_connections or SERVER_CONNECTIONS


def kept(values: Values) -> tuple[int, str]:
    """Connections to the server that stay open, and how that is summed up."""
    parts = shares(values)
    pooler = values.database.pgbouncer
    if not pooler.enabled:
        return sum(share.kept for share in parts), ", ".join(share.words for share in parts)
    beside = [share for share in parts if share.direct or share.other_user]
    pooled = pooler.pool_size * pooler.replicas
    words = [f"pgbouncer {pooled} ({pooler.replicas} x {pooler.pool_size})", *(share.words for share in beside)]
    return pooled + sum(share.kept for share in beside), ", ".join(words)


def connections_suffice(values: Values) -> t.Iterator[str]:
    """The server, and PgBouncer, take as many connections as Airflow's pools keep open."""
    limit, (needed, words) = granted(values), kept(values)
    if limit is not None and needed > limit:
        yield (
            f"{VARIABLE} is {limit + RESERVED}, of which {RESERVED} are for administrators, but {needed} connections "
            f"stay open: {words}. Raise it, lower replicas (max where an autoscaler sets them), workers or "
            f"airflow_core_config.database.sql_alchemy_pool_size, {_pooled(values)} (docs/capacity.md)"
        )
    pooler = values.database.pgbouncer
    clients = [share for share in shares(values) if not share.direct]
    room, wanted = pooler.max_client_connections * pooler.replicas, sum(share.kept for share in clients)
    if pooler.enabled and wanted > room:
        yield (
            f"airflow_database_pgbouncer.maxClientConnections is {pooler.max_client_connections} for each of "
            f"{pooler.replicas} pods, but {wanted} connections stay open: "
            f"{', '.join(share.words for share in clients)}. Raise it (docs/capacity.md)"
        )


def _pooled(values: Values) -> str:
    """What else makes connections fewer."""
    if values.database.pgbouncer.enabled:
        return "or have a smaller airflow_database_pgbouncer.poolSize"
    return "or have PgBouncer" if values.database_kind is POSTGRESQL else "or put a proxy of yours before MySQL"


def _autoscaled(of: t.Iterable[counts.Count]) -> str:
    """What autoscalers make at most, in words."""
    return ", ".join(f"{one.most_by} is {one.most}" for one in of if one.autoscaled)


def _option(values: Values, name: str, default: int, *, section: str = "database") -> int:
    """An option of airflow.cfg as a number; what is none is for Airflow to refuse."""
    try:
        return int(values.core.config.get(section, {}).get(name, default))
    except (TypeError, ValueError):
        return default
