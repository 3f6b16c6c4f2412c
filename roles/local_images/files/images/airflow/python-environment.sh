#!/bin/sh
# python-environment.sh DIRECTORY: a virtual environment with exactly what the lock names, lean, and compiled: without
# bytecode every start of an Airflow component costs three more seconds of CPU.
set -eu
directory=$1
packages=$directory/lib/python3.11/site-packages
lock=/mnt/context/requirements.lock
debian=/usr/lib/python3/dist-packages
# shellcheck source=/dev/null
. /mnt/uv.env
export SSL_CERT_FILE=/mnt/certificates.crt UV_CACHE_DIR=/mnt/cache/uv UV_LINK_MODE=copy UV_NO_CONFIG=1

/mnt/uv venv --quiet --python /usr/bin/python3.11 "$directory"
# What has no wheel is built, with the setuptools of the lock.
/mnt/uv pip sync --require-hashes --build-constraints "$lock" --python "$directory/bin/python" "$lock"
rm -f /tmp/uv-*.lock

# python-ldap would need a compiler; Debian has built it.
ln -s $debian/ldap $debian/_ldap.*.so $debian/ldapurl.py $debian/ldif.py $debian/python_ldap-*.egg-info "$packages"

find "$packages" -mindepth 2 -depth -type d \( -name tests -o -name test \) -exec rm -rf {} +
python3 /mnt/context/compile_bytecode.py "$packages" /usr/lib/python3.11 /usr/lib/python3
