#!/usr/bin/env bash
# Starts PostgreSQL in the manner of the official image.
#
#   POSTGRES_PASSWORD, POSTGRES_USER (postgres), POSTGRES_DB (the user's name), POSTGRES_INITDB_ARGS and
#   POSTGRES_HOST_AUTH_METHOD are used once, while PGDATA is empty; each may be given as a file: POSTGRES_PASSWORD_FILE.
#   /docker-entrypoint-initdb.d/*.sh, *.sql and *.sql.gz run once, after that.
#
# Any user id may run it; it writes to PGDATA, /var/run/postgresql and /tmp only.
set -Eeuo pipefail

main() {
  case ${1:-postgres} in
    postgres) set -- postgres "${@:2}" ;;
    -*) set -- postgres "$@" ;;
    *) exec "$@" ;;
  esac
  name_this_user
  own_data_folder
  if [[ ! -s $PGDATA/PG_VERSION ]]; then
    initialise
  fi
  unset POSTGRES_PASSWORD
  exec "$@"
}

# initdb and the server want the name of the user id, which an arbitrary one does not have.
name_this_user() {
  if getent passwd "$(id -u)" >/dev/null; then
    return
  fi
  export NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
  echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" >"$NSS_WRAPPER_PASSWD"
  echo "postgres:x:$(id -g):" >"$NSS_WRAPPER_GROUP"
  LD_PRELOAD=$(echo /usr/lib/*/libnss_wrapper.so)
  export LD_PRELOAD
}

# PostgreSQL takes no folder that others own or can read, which the root of a volume often is.
own_data_folder() {
  mkdir -p "$PGDATA"
  if ! chmod 700 "$PGDATA" 2>/dev/null; then
    echo "Error: $PGDATA belongs to another user. Set PGDATA to a folder below it, which will be made." >&2
    exit 1
  fi
}

# The data is made in a folder of its own and moved up when it is complete, PG_VERSION last: a pod that is killed
# half-way begins again instead of serving half a database.
initialise() {
  local new=$PGDATA/.new ready=$PGDATA/.ready
  if [[ ! -d $ready ]]; then
    rm -rf "$new"
    create_database "$new"
    mv "$new" "$ready"
  fi
  find "$ready" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
  if [[ -e $ready/PG_VERSION ]]; then
    mv "$ready/PG_VERSION" "$PGDATA/"
  fi
  rmdir "$ready"
}

create_database() {
  local data=$1
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [[ -z $POSTGRES_PASSWORD && $method != trust ]]; then
    echo 'Error: the database is empty and POSTGRES_PASSWORD is not set.' >&2
    exit 1
  fi

  # POSTGRES_INITDB_ARGS is a list of options: it must fall into words.
  # shellcheck disable=SC2086
  initdb --pgdata="$data" --username="$POSTGRES_USER" --auth-local=trust --auth-host="$method" \
    ${POSTGRES_PASSWORD:+--pwfile=/dev/fd/3} $POSTGRES_INITDB_ARGS 3< <(printf '%s\n' "$POSTGRES_PASSWORD")
  printf '\nhost all all all %s\n' "$method" >>"$data/pg_hba.conf"

  # Neither a port nor the usual socket: nobody, no probe either, takes the half-made database for ready.
  local -x PGHOST=$data PGUSER=$POSTGRES_USER PGDATABASE=$POSTGRES_DB
  pg_ctl --pgdata="$data" --wait --silent --options="-c listen_addresses='' -c unix_socket_directories='$data'" start
  if [[ $POSTGRES_DB != postgres ]]; then
    createdb --maintenance-db=postgres "$POSTGRES_DB"
  fi
  run_scripts
  pg_ctl --pgdata="$data" --wait --silent --mode=fast stop
}

run_scripts() {
  local script
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sh) echo "Running $script" && bash "$script" ;;
      *.sql) echo "Running $script" && run_sql <"$script" ;;
      *.sql.gz) echo "Running $script" && gunzip --stdout "$script" | run_sql ;;
    esac
  done
}

run_sql() {
  psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1
}

# from_file NAME [DEFAULT]: sets NAME from the file that NAME_FILE names, if it does.
from_file() {
  local name=$1 file=${1}_FILE
  if [[ -n ${!file:-} ]]; then
    printf -v "$name" '%s' "$(<"${!file}")"
  else
    printf -v "$name" '%s' "${!name:-${2:-}}"
  fi
}

main "$@"
