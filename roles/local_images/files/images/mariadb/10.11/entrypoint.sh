#!/bin/sh
# Starts MariaDB in /var/lib/mysql. What /etc/mariadb/init.sql says (databases and users) is done at each start.
set -eu

data=/var/lib/mysql
if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal \
    --skip-test-db --skip-name-resolve >/dev/null
fi
exec "$@" --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock --tmpdir=/tmp --skip-name-resolve \
  --init-file=/etc/mariadb/init.sql --character-set-server=utf8mb4
