#!/usr/bin/env bash
# Removes old task logs for ever, in the manner of the official image:
#
#   AIRFLOW__LOG_RETENTION_DAYS (15) or AIRFLOW__LOG_RETENTION_MINUTES: how old a file may get.
#   AIRFLOW__LOG_CLEANUP_FREQUENCY_MINUTES (15): how often to look.
#   AIRFLOW__LOG_MAX_SIZE_BYTES (0: no limit): how much all of them may hold, the oldest goes first.
set -euo pipefail

logs=${AIRFLOW_HOME:-/opt/airflow}/logs
days=${AIRFLOW__LOG_RETENTION_DAYS:-15}
minutes=${AIRFLOW__LOG_RETENTION_MINUTES:-$((days * 24 * 60))}
frequency=${AIRFLOW__LOG_CLEANUP_FREQUENCY_MINUTES:-15}
limit=${AIRFLOW__LOG_MAX_SIZE_BYTES:-0}

# Other processes write and remove files here at the same time: what vanished meanwhile is no error.
remove_old_files() {
  find "$logs" -name lost+found -prune -o -type f -name '*.log' -mmin "+$minutes" -exec rm -f {} + || true
  find "$logs" -mindepth 1 -name lost+found -prune -o -type d -empty -mmin "+$frequency" -exec rmdir {} + 2>/dev/null \
    || true
}

remove_beyond_limit() {
  local size file total=0
  while read -r -d '' size file; do
    total=$((total + size))
    if ((total > limit)); then
      rm -f "$file"
    fi
  done < <(find "$logs" -type f -name '*.log' -printf '%T@ %s %p\0' 2>/dev/null | sort -z -r -n | cut -z -d ' ' -f 2-)
}

trap 'exit 0' INT TERM
while true; do
  echo "Removing logs older than $minutes minutes from $logs"
  remove_old_files
  if ((limit > 0)); then
    remove_beyond_limit
  fi
  # In the background, so that a signal ends it at once.
  sleep $((frequency * 60)) &
  wait $!
done
