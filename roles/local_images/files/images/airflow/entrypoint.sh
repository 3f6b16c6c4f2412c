#!/usr/bin/env bash
# Starts Airflow in the manner of the official image.
#
#   bash, sh or python with arguments run as they are; anything else is a command of airflow, with or without its name.
#   CONNECTION_CHECK_MAX_COUNT (20; 0 turns the check off) and CONNECTION_CHECK_SLEEP_TIME (3): how often and how long
#   to wait until the database, and for Celery the broker, accept connections.
#
# It neither migrates the database nor creates users: whoever deploys does that, in order, and sees what went wrong.
set -euo pipefail

main() {
  name_this_user
  # What one user id of group 0 writes to a volume, the next one must be able to change.
  umask 0002
  wait_for database "${AIRFLOW__DATABASE__SQL_ALCHEMY_CONN:-}"
  case ${1:-} in
    bash | sh | python | python3) exec "$@" ;;
    airflow) shift ;;
  esac
  case ${1:-} in
    scheduler | celery) wait_for broker "${AIRFLOW__CELERY__BROKER_URL:-}" ;;
  esac
  exec airflow "$@"
}

# Airflow asks for the name of the user id, which an arbitrary one (OpenShift's) does not have.
name_this_user() {
  if getent passwd "$(id -u)" >/dev/null; then
    return
  fi
  export USER=airflow LOGNAME=airflow
  if [[ -w /etc/passwd ]]; then
    echo "default:x:$(id -u):0:Airflow user:$HOME:/sbin/nologin" >>/etc/passwd
  fi
}

# wait_for NAME URL: only a TCP connection is tried. `airflow db check` would tell more, and cost each start of a pod
# three seconds of CPU. Without a URL in the environment (a task's pod has none) there is nothing to wait for.
wait_for() {
  local name=$1 url=$2
  local count=${CONNECTION_CHECK_MAX_COUNT:-20} pause=${CONNECTION_CHECK_SLEEP_TIME:-3}
  local -A default_ports=([postgresql]=5432 [mysql]=3306 [redis]=6379 [rediss]=6379 [amqp]=5672 [amqps]=5671)
  local pattern='^([a-z]+)[^:]*://([^@/]*@)?(\[([^]]+)\]|([^]:/?]+))(:([0-9]+))?([/?]|$)'
  if ((count == 0)) || [[ ! $url =~ $pattern ]]; then
    return
  fi
  local host=${BASH_REMATCH[4]}${BASH_REMATCH[5]} port=${BASH_REMATCH[7]:-${default_ports[${BASH_REMATCH[1]}]:-}}
  if [[ -z $port ]]; then
    return
  fi
  local attempt
  for ((attempt = 1; attempt <= count; attempt++)); do
    if nc -z -w 5 "$host" "$port" 2>/dev/null; then
      return
    fi
    echo "Waiting for the $name at $host:$port (attempt $attempt of $count)" >&2
    sleep "$pause"
  done
  echo "ERROR: the $name at $host:$port accepts no connection" >&2
  exit 1
}

main "$@"
