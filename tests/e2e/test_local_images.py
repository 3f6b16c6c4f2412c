"""The images do what the roles expect of them, without a network and as any user.

tools/run --dev pytest tests/e2e/test_local_images.py      (as root; images that are not in the cache are built)
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import os
import pathlib
import subprocess
import textwrap

import pytest

from ansible_collections.dagops.airflow.plugins.module_utils.evaluation import image_build, image_recipe, oci, tools

SOURCE = pathlib.Path(__file__).parents[2] / "roles/local_images/files"
AIRFLOW = ("3.3.2", "2.11.2")
ANYBODY = "123456:0"
"""A user that no image knows, in group 0, as OpenShift gives to pods."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="images are built and run as root")


@dataclasses.dataclass(frozen=True)
class Workshop:
    """A mount namespace with buildah's storage in memory, kept by a process that sleeps in it."""

    pid: int
    storage: pathlib.Path

    def attempt(self, *command: str, loopback: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command without a network, not even loopback unless it is asked for."""
        inside = ["nsenter", f"--target={self.pid}", "--mount", "--"]
        alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
        connected = ["sh", "-euc", 'ip link set lo up; exec "$@"', "sh"] if loopback else []
        return subprocess.run(
            [*inside, *alone, *connected, *command],
            env={**os.environ, "CONTAINERS_STORAGE_CONF": str(self.storage / "storage.conf")},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@dataclasses.dataclass(frozen=True)
class Container:
    """A working container of buildah."""

    name: str
    workshop: Workshop

    def attempt(
        self,
        *command: str,
        user: str | None = None,
        environment: c.Mapping[str, str] | None = None,
        loopback: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        options = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        if user:
            options.append(f"--user={user}")
        run = ["buildah", "run", "--isolation=chroot", *options, self.name, "--", *command]
        return self.workshop.attempt(*run, loopback=loopback)

    def run(
        self,
        *command: str,
        user: str | None = None,
        environment: c.Mapping[str, str] | None = None,
        loopback: bool = False,
    ) -> str:
        done = self.attempt(*command, user=user, environment=environment, loopback=loopback)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def script(self, *parts: str, user: str | None = None, loopback: bool = False) -> str:
        return self.run("bash", "-euc", "".join(map(textwrap.dedent, parts)), user=user, loopback=loopback)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("buildah")
    prepare = f"mount -t tmpfs tmpfs {folder}; cat >{folder}/storage.conf; echo ready; exec sleep infinity"
    with subprocess.Popen(
        ["unshare", "--mount", "--", "sh", "-euc", prepare], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as keeper:
        try:
            assert keeper.stdin
            assert keeper.stdout
            keeper.stdin.write(
                f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n'
            )
            keeper.stdin.close()
            assert keeper.stdout.readline() == "ready\n"
            yield Workshop(keeper.pid, folder)
        finally:
            keeper.kill()


@pytest.fixture(scope="session")
def container(workshop: Workshop) -> c.Callable[[str], Container]:
    @functools.cache
    def of(image: str) -> Container:
        recipe = image_recipe.load(SOURCE, f"localhost/{image}")
        image_build.ensure(recipe, print)
        made = workshop.attempt("buildah", "from", "--quiet", f"oci-archive:{recipe.archive}")
        assert made.returncode == 0, made.stderr
        return Container(made.stdout.strip(), workshop)

    return of


@pytest.fixture(params=AIRFLOW)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def airflow(container: c.Callable[[str], Container], version: str) -> Container:
    return container(f"airflow:{version}")


ENTRYPOINT = ("/usr/bin/dumb-init", "--", "/entrypoint")


@pytest.mark.parametrize("command", [("airflow", "version"), ("version",)])
@pytest.mark.parametrize("user", ["50000", ANYBODY])
def test_airflow_runs_as_its_user_and_as_any_other(
    airflow: Container, version: str, user: str, command: tuple[str, ...]
) -> None:
    assert airflow.run(*ENTRYPOINT, *command, user=user) == version


def test_airflow_belongs_to_group_0_which_may_do_what_the_user_may(airflow: Container) -> None:
    assert airflow.run("id", "--user") == "50000"
    assert airflow.script("id --group --name; pwd; echo $HOME").split() == ["root", "/opt/airflow", "/home/airflow"]
    assert airflow.script("find /opt/airflow /home/airflow ! -group 0 -o ! -user 50000", user="0") == ""
    wrong = "find /opt/airflow /home/airflow ! -type l -perm -u+w ! -perm -g+w"
    assert airflow.script(wrong, user="0") == ""


def test_a_user_without_a_name_can_work_with_airflow(airflow: Container) -> None:
    names = airflow.run(
        *ENTRYPOINT,
        *("python", "-c", "import getpass, pathlib; print(getpass.getuser(), pathlib.Path.home())"),
        user=ANYBODY,
    )
    assert names.split() in (["airflow", "/home/airflow"], ["default", "/home/airflow"])
    airflow.script("touch /opt/airflow/logs/mine /opt/airflow/dags/mine && rm /opt/airflow/*/mine", user=ANYBODY)


def test_airflow_has_executors_and_clients(airflow: Container, version: str) -> None:
    modules = [
        *("airflow.providers.cncf.kubernetes.executors.kubernetes_executor", "kubernetes", "kubernetes_asyncio"),
        *("airflow.providers.celery.executors.celery_executor", "redis", "flower", "gevent", "eventlet"),
        *("airflow.providers.postgres.hooks.postgres", "psycopg2", "asyncpg"),
        *("airflow.providers.amazon.aws.log.s3_task_handler", "boto3"),
        *("airflow.providers.opensearch.log.os_task_handler", "opensearchpy"),
        *("airflow.providers.fab.auth_manager.fab_auth_manager", "ldap", "airflow.providers.hashicorp.secrets.vault"),
        *("statsd", "opentelemetry.sdk", "airflow.providers.ssh.hooks.ssh", "airflow.providers.smtp.hooks.smtp"),
        *(("airflow.providers.git.bundles.git", "airflow.providers.keycloak") if version.startswith("3.") else ()),
    ]
    airflow.run("python", "-W", "ignore", "-c", "".join(f"import {module}\n" for module in modules))
    airflow.run("python", "-m", "pip", "--disable-pip-version-check", "check")
    airflow.script("git --version; ssh -V; nc -h; pgrep -V")


def test_every_module_has_bytecode_that_is_taken_without_a_look_at_its_source(airflow: Container) -> None:
    code = """
        import importlib.util, pathlib, sys
        folders = "/home/airflow/.local/lib/python3.11/site-packages", "/usr/lib/python3.11", "/usr/lib/python3"
        sources = [path for folder in folders for path in pathlib.Path(folder).rglob("*.py")]
        compiled = [pathlib.Path(importlib.util.cache_from_source(path)) for path in sources]
        # The flags after the magic number: 1 is a hash that is not checked.
        print(len(sources) > 5000, sum(path.read_bytes()[4:8] != b"\\1\\0\\0\\0" for path in compiled))
    """
    assert airflow.run("python", "-c", textwrap.dedent(code)) == "True 0"


def test_the_entrypoint_tells_which_database_it_cannot_reach_and_no_password(airflow: Container) -> None:
    waiting = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://ada:hidden@127.0.0.1/airflow?sslmode=require",
        "CONNECTION_CHECK_MAX_COUNT": "2",
        "CONNECTION_CHECK_SLEEP_TIME": "0",
    }
    refused = airflow.attempt(*ENTRYPOINT, "bash", "-c", "echo started", environment=waiting)
    assert refused.returncode == 1
    assert "the database at 127.0.0.1:5432 accepts no connection" in refused.stderr
    assert "attempt 2 of 2" in refused.stderr
    assert "hidden" not in refused.stdout + refused.stderr
    unchecked = {**waiting, "CONNECTION_CHECK_MAX_COUNT": "0"}
    assert airflow.run(*ENTRYPOINT, "bash", "-c", "echo started", environment=unchecked) == "started"


def test_only_what_uses_the_broker_waits_for_it(airflow: Container) -> None:
    waiting = {
        "AIRFLOW__CELERY__BROKER_URL": "redis://:hidden@[::1]:6380/0",
        "CONNECTION_CHECK_MAX_COUNT": "1",
        "CONNECTION_CHECK_SLEEP_TIME": "0",
    }
    refused = airflow.attempt(*ENTRYPOINT, "celery", "worker", environment=waiting)
    assert refused.returncode == 1
    assert "the broker at ::1:6380 accepts no connection" in refused.stderr
    airflow.run(*ENTRYPOINT, "version", environment=waiting)


def test_old_logs_are_removed_and_new_ones_kept(airflow: Container) -> None:
    left = airflow.script(
        """
        mkdir -p logs/dag/run
        touch -d '20 days ago' logs/dag/run/old.log logs/dag/run/old.txt
        touch logs/new.log
        timeout 2 /clean-logs >/dev/null || true
        find logs -type f | sort
        head -c 1000 /dev/zero >logs/new.log
        head -c 1000 /dev/zero >logs/older.log && touch -d '1 hour ago' logs/older.log
        AIRFLOW__LOG_MAX_SIZE_BYTES=1500 timeout 2 /clean-logs >/dev/null || true
        find logs -type f | sort
        rm -r logs/*
        """
    )
    assert left.split() == ["logs/dag/run/old.txt", "logs/new.log", "logs/dag/run/old.txt", "logs/new.log"]


POSTGRES = """
    here=$(mktemp --directory)
    trap 'rm -rf "$here"' EXIT
    start() {
      docker-entrypoint.sh >$here/log 2>&1 &
      server=$!
      for try in $(seq 100); do
        if pg_isready --quiet; then return; fi
        if ! kill -0 $server; then cat $here/log; return 1; fi
        sleep 0.2
      done
      cat $here/log
      return 1
    }
    stop() { kill -INT $server; wait $server; }
    sql() { psql --username ada --dbname airflow --no-psqlrc --tuples-only --no-align --command "$1"; }
    export PGDATA=$here/volume/data POSTGRES_USER=ada POSTGRES_DB=airflow POSTGRES_PASSWORD_FILE=$here/password
    mkdir $here/volume
    echo secret >$here/password
"""


@pytest.mark.parametrize("user", ["999:999", ANYBODY])
def test_postgres_makes_its_database_once_as_any_user(container: c.Callable[[str], Container], user: str) -> None:
    said = container("postgres:15").script(
        POSTGRES,
        """
        touch $here/before
        start
        sql 'create table kept (n int)'
        sql "select usename, passwd is not null from pg_shadow"
        stop
        start
        sql 'select count(*) from kept'
        sql 'show jit'
        pg_dump --username ada --dbname airflow --table kept | grep --count 'CREATE TABLE'
        stop
        stat --format %a $PGDATA
        grep --count '^host all all all scram-sha-256' $PGDATA/pg_hba.conf
        # With a read-only file system only these are there to be written to.
        find / -xdev -newer $here/before ! -path '/tmp*' ! -path '/run/postgresql*' ! -path '/proc*' 2>&- || true
        ls -A $PGDATA | grep --count '^[.]' || true
        """,
        user=user,
    )
    assert said.splitlines() == ["CREATE TABLE", "ada|t", "0", "off", "1", "700", "1", "0"]


def test_postgres_begins_again_after_it_was_killed_half_way(container: c.Callable[[str], Container]) -> None:
    said = container("postgres:15").script(
        POSTGRES,
        """
        mkdir -m 700 -p $PGDATA/.new && touch $PGDATA/.new/PG_VERSION
        start
        sql 'select 1'
        stop
        # Killed while the finished files were moved to their place.
        mkdir -m 700 $PGDATA/.ready && mv $PGDATA/PG_VERSION $PGDATA/global $PGDATA/.ready/
        start
        sql 'select 2'
        stop
        ls -A $PGDATA | grep --count '^[.]' || true
        """,
    )
    assert said.splitlines() == ["1", "2", "0"]


@pytest.mark.parametrize(
    ("preparation", "why"),
    [
        ("unset POSTGRES_PASSWORD_FILE", "POSTGRES_PASSWORD is not set"),
        ("export PGDATA=/usr", "Set PGDATA to a folder below it"),
    ],
)
def test_postgres_says_what_it_lacks(container: c.Callable[[str], Container], preparation: str, why: str) -> None:
    refused = container("postgres:15").attempt(
        "bash", "-euc", textwrap.dedent(POSTGRES) + f"{preparation}\nexec docker-entrypoint.sh"
    )
    assert refused.returncode == 1
    assert why in refused.stderr


@pytest.mark.parametrize("user", ["999:999", ANYBODY])
def test_redis_answers_those_who_know_its_password(container: c.Callable[[str], Container], user: str) -> None:
    said = container("redis:7.0").script(
        """
        cd /tmp
        docker-entrypoint.sh --port 0 --unixsocket /tmp/redis.sock --requirepass secret --dir /tmp >/tmp/log &
        cli() { redis-cli -s /tmp/redis.sock "$@" 2>&1; }
        for try in $(seq 50); do if [ -S /tmp/redis.sock ]; then break; fi; sleep 0.1; done
        cli PING | grep .
        REDISCLI_AUTH=secret cli PING
        REDISCLI_AUTH=secret cli SHUTDOWN NOSAVE
        wait
        rm -f /tmp/log
        """,
        user=user,
    )
    assert said.splitlines() == ["NOAUTH Authentication required.", "PONG"]


@pytest.mark.parametrize("user", ["65534:65534", ANYBODY])
def test_pgbouncer_starts_with_a_mounted_configuration(container: c.Callable[[str], Container], user: str) -> None:
    said = container("pgbouncer:1.18").script(
        """
        cat >/tmp/pgbouncer.ini <<'INI'
        [databases]
        metadata = host=127.0.0.1
        [pgbouncer]
        unix_socket_dir = /tmp
        listen_port = 6543
        auth_type = plain
        auth_file = /tmp/users.txt
        stats_users = ada
        INI
        echo '"ada" "secret"' >/tmp/users.txt
        pgbouncer /tmp/pgbouncer.ini 2>/tmp/log &
        export PGPASSWORD=secret
        for try in $(seq 50); do if [ -S /tmp/.s.PGSQL.6543 ]; then break; fi; sleep 0.1; done
        psql -h /tmp -p 6543 -U ada -At -c 'show databases' pgbouncer | cut -d '|' -f 1
        kill -INT $!
        wait
        rm -f /tmp/*
        """,
        user=user,
    )
    assert said.splitlines() == ["metadata", "pgbouncer"]


@pytest.mark.parametrize("user", ["999:999", ANYBODY])
@pytest.mark.parametrize(
    "start",
    [
        "printf 'requirepass %s\\n' \"$PASSWORD\" | docker-entrypoint.sh redis-server - $options",
        "docker-entrypoint.sh /tmp/redis.conf $options",
    ],
    ids=["environment", "file"],
)
def test_redis_takes_its_password_from_where_no_list_of_processes_shows_it(
    container: c.Callable[[str], Container], user: str, start: str
) -> None:
    said = container("redis:7.0").script(
        f"""
        cd /tmp
        export PASSWORD=secret
        options='--port 0 --unixsocket /tmp/redis.sock --dir /tmp'
        echo 'requirepass secret' >/tmp/redis.conf
        {start} >/tmp/log &
        """
        """
        for try in $(seq 50); do if [ -S /tmp/redis.sock ]; then break; fi; sleep 0.1; done
        redis-cli -s /tmp/redis.sock PING 2>&1 | grep .
        REDISCLI_AUTH=secret redis-cli -s /tmp/redis.sock PING
        tr '\\0' ' ' </proc/$!/cmdline
        echo
        REDISCLI_AUTH=secret redis-cli -s /tmp/redis.sock SHUTDOWN NOSAVE
        wait
        rm -f /tmp/log /tmp/redis.conf
        """,
        user=user,
    )
    assert said.splitlines()[:2] == ["NOAUTH Authentication required.", "PONG"]
    assert said.splitlines()[2].startswith("redis-server ")
    assert "secret" not in said


GIT_SERVER = """
    # What is mounted belongs to root, and a group may read it.
    umask 0022
    mkdir -p /etc/git-server && cd /etc/git-server && rm -f *
    ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key
    ssh-keygen -q -t ed25519 -N '' -f client
    ssh-keygen -q -t ed25519 -N '' -f stranger
    cp client.pub authorized_keys
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=git \
      -addext subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.crt 2>&-
    cat tls.key tls.crt >tls.pem
    echo ada:secret >users
    echo "[127.0.0.1]:2222 $(cat ssh_host_ed25519_key.pub)" >known_hosts
    chmod 444 *
"""
GIT_CLIENT = """
    cd $(mktemp --directory)
    REPOSITORIES='dags other' docker-entrypoint.sh >log 2>&1 &
    server=$!
    export GIT_AUTHOR_NAME=ada GIT_AUTHOR_EMAIL=ada@example.com
    export GIT_COMMITTER_NAME=ada GIT_COMMITTER_EMAIL=ada@example.com
    install -m 600 /etc/git-server/client key
    install -m 600 /etc/git-server/stranger stranger
    options='-o StrictHostKeyChecking=yes -o UserKnownHostsFile'
    export GIT_SSH_COMMAND="ssh -i $PWD/key $options=/etc/git-server/known_hosts"
    export GIT_SSL_CAINFO=/etc/git-server/tls.crt GIT_TERMINAL_PROMPT=0
    by_ssh=ssh://git@127.0.0.1:2222/srv/git/dags.git
    by_https=https://127.0.0.1:8443/dags.git
    for try in $(seq 100); do
      if git ls-remote $by_ssh 2>&- && git ls-remote https://ada:secret@127.0.0.1:8443/dags.git; then break; fi
      sleep 0.1
    done >tries 2>&1
"""


@pytest.mark.parametrize("user", ["1000:1000", ANYBODY])
def test_the_git_server_answers_by_ssh_and_https_those_whom_it_knows(
    container: c.Callable[[str], Container], user: str
) -> None:
    server = container("git-server:2.39")
    server.script(GIT_SERVER, "rm -rf /srv/git/*", user="0")
    said = server.script(
        GIT_CLIENT,
        """
        git init --quiet --initial-branch=main one && echo first >one/dag.py
        git -C one add dag.py && git -C one commit --quiet --message first
        git -C one push --quiet $by_ssh main
        git clone --quiet https://ada:secret@127.0.0.1:8443/dags.git two
        cat two/dag.py
        echo second >two/dag.py
        git -C two commit --quiet --all --message second && git -C two push --quiet
        git -C one pull --quiet $by_ssh main
        cat one/dag.py
        git ls-remote $by_https 2>&1 | tail -1
        git ls-remote https://ada:wrong@127.0.0.1:8443/dags.git 2>&1 | tail -1
        env -u GIT_SSL_CAINFO git ls-remote https://ada:secret@127.0.0.1:8443/dags.git 2>&1 |
          grep --only-matching 'server certificate verification failed'
        git ls-remote ssh://git@127.0.0.1:2222/srv/git/nope.git 2>&1 | grep --only-matching 'does not appear.*'
        GIT_SSH_COMMAND="ssh -i $PWD/stranger $options=/etc/git-server/known_hosts" git ls-remote $by_ssh 2>&1 |
          grep --only-matching 'Permission denied.*'
        GIT_SSH_COMMAND="ssh -i $PWD/key $options=/dev/null" git ls-remote $by_ssh 2>&1 | grep Host
        ssh -i key $options=/etc/git-server/known_hosts -p 2222 git@127.0.0.1 cat /etc/passwd 2>&1 | tail -1
        ls /srv/git
        kill -TERM $server
        wait $server || true
        """,
        user=user,
        loopback=True,
    )
    assert said.splitlines() == [
        "first",
        "second",
        "fatal: could not read Username for 'https://127.0.0.1:8443': terminal prompts disabled",
        "fatal: Authentication failed for 'https://127.0.0.1:8443/dags.git/'",
        "server certificate verification failed",
        "does not appear to be a git repository",
        "Permission denied (publickey).",
        "Host key verification failed.",
        "fatal: unrecognized command 'cat /etc/passwd'",
        "dags.git",
        "other.git",
    ]


def test_half_a_git_server_ends(container: c.Callable[[str], Container]) -> None:
    server = container("git-server:2.39")
    server.script(GIT_SERVER, "rm ssh_host_ed25519_key", user="0")
    done = server.attempt("timeout", "20", "docker-entrypoint.sh", loopback=True)
    assert done.returncode == 1
    assert "no hostkeys available" in done.stderr


@pytest.mark.parametrize("user", ["65533:65533", ANYBODY])
def test_the_stand_in_for_git_sync_syncs_as_any_user(container: c.Callable[[str], Container], user: str) -> None:
    standin = container("git-sync-standin:v4")
    said = standin.script(
        """
        cd $(mktemp --directory)
        git init --quiet remote && echo first >remote/dag.py && git -C remote add dag.py
        git -C remote -c user.name=ada -c user.email=ada@example.com commit --quiet --message first
        export GITSYNC_REPO=$PWD/remote GITSYNC_ROOT=$PWD/root GITSYNC_ONE_TIME=true GITSYNC_ADD_USER=true
        python3.11 /usr/local/lib/git_sync.py 2>log
        cat root/remote/dag.py
        id --user --name
        ssh -V 2>&1 | grep --count OpenSSH
        """,
        user=user,
    )
    assert said.splitlines() == ["first", "git-sync", "1"]
    assert standin.script('stat --format "%a %u:%g" /git; echo $GITSYNC_ROOT').split() == [
        "2775",
        "65533:65533",
        "/git",
    ]


OPENSEARCH = """
    cd /tmp
    docker-entrypoint.sh >/tmp/log 2>&1 &
    server=$!
    # http METHOD PATH [BODY]: the image has no client.
    http() {
      exec 3<>/dev/tcp/127.0.0.1/9200 || return 1
      printf '%s %s HTTP/1.0\\r\\nContent-Type: application/json\\r\\nContent-Length: %s\\r\\n\\r\\n%s' \
        "$1" "$2" "${#3}" "$3" >&3
      sed '1,/^\\r$/d' <&3
      exec 3>&-
    }
    for try in $(seq 300); do
      if http GET /_cluster/health '' 2>&- | grep --quiet -E '"status":"(green|yellow)"'; then break; fi
      if ! kill -0 $server; then cat /tmp/log; exit 1; fi
      sleep 0.5
    done
"""


@pytest.mark.parametrize("user", ["1000:0", ANYBODY])
def test_opensearch_keeps_and_finds_what_a_task_says(container: c.Callable[[str], Container], user: str) -> None:
    said = container("opensearch:2.19.1").script(
        OPENSEARCH,
        """
        document='{"log_id":"%s","offset":%s,"message":"line %s"}'
        put() { http PUT "/logs/_doc/$1?refresh=true" "$(printf "$document" "$2" "$1" "$1")"; }
        put 2 dag-run-task >/dev/null
        put 1 dag-run-task >/dev/null
        put 3 another >/dev/null
        query='{"query":{"match_phrase":{"log_id":"dag-run-task"}},"sort":["offset"],"_source":["message"]}'
        http POST /logs/_search "$query" | grep --only-matching -E '"message":"[^"]*"'
        http GET / '' | grep number
        kill -TERM $server
        wait $server || true
        rm -rf /tmp/log /usr/share/opensearch/data/*
        """,
        user=user,
        loopback=True,
    )
    assert said.split() == ['"message":"line', '1"', '"message":"line', '2"', '"number"', ":", '"2.19.1",']


@pytest.mark.parametrize("user", ["1000:0", ANYBODY])
def test_azurite_asks_who_is_there(container: c.Callable[[str], Container], user: str) -> None:
    said = container("azurite:3.37.0").script(
        """
        cd /data
        azurite-blob --blobHost 127.0.0.1 --disableTelemetry >/tmp/log 2>&1 &
        server=$!
        until exec 3<>/dev/tcp/127.0.0.1/10000; do
          if ! kill -0 $server; then cat /tmp/log; exit 1; fi
          sleep 0.5
        done 2>/tmp/tried
        printf 'GET /devstoreaccount1?comp=list HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3
        head --lines=1 <&3
        kill -TERM $server
        wait $server || true
        rm -rf /tmp/log /tmp/tried /data/*
        """,
        user=user,
        loopback=True,
    )
    assert " 403 " in said


def test_a_program_of_go_modules_has_an_image_too(workshop: Workshop) -> None:
    tool = tools.named("versitygw")
    oci.ensure(tool, print)
    made = workshop.attempt("buildah", "from", "--quiet", f"oci-archive:{oci.archive_of(tool)}")
    assert made.returncode == 0, made.stderr
    program = Container(made.stdout.strip(), workshop)
    assert "VGW_PORT" in program.run("/bin/versitygw", "--help")


OURS = ("base:bookworm", "airflow:3.3.2", "airflow:2.11.2", "postgres:15", "redis:7.0")
PARTS = ("git-server:2.39", "git-sync-standin:v4", "opensearch:2.19.1", "azurite:3.37.0")


@pytest.mark.parametrize("image", [*OURS, *PARTS])
def test_no_image_remembers_where_it_was_built(container: c.Callable[[str], Container], image: str) -> None:
    said = container(image).script(
        """
        cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>&- || true
        grep -r --files-with-matches -E '^(deb|URIs:|Acquire::https?::Proxy)' /etc/apt || true
        find /mnt /var/lib/apt/lists /var/cache/apt /etc/ssl/private -type f -size +0
        """,
        user="0",
    )
    assert said == ""
