#!/usr/bin/env bash
# Serves the repositories in /srv/git: ssh://git@HOST:2222/srv/git/NAME.git and https://HOST:8443/NAME.git
#
#   /etc/git-server/ssh_host_ed25519_key, authorized_keys   who answers by ssh, and who may come in
#   /etc/git-server/tls.pem, users                          the same by https: certificate with key, lines of USER:PASSWORD
#   REPOSITORIES                                            names of repositories that are made empty if they are not there
set -euo pipefail
# What one user id of group 0 writes to a volume, the next one must be able to change.
umask 0002

# sshd and git-shell ask for the name of the user id.
if ! getent passwd "$(id -u)" >/dev/null; then
  changed=$(sed "s/^git:x:1000:1000:/git:x:$(id -u):$(id -g):/" /etc/passwd)
  echo "$changed" >/etc/passwd
fi

git config --global safe.directory '*'
for name in ${REPOSITORIES:-}; do
  if [ ! -e "/srv/git/$name.git" ]; then
    git init --quiet --bare --initial-branch=main "/srv/git/$name.git"
  fi
done

# Either of them ends the other, so that nobody has half a server; dumb-init tells both to end.
/usr/sbin/sshd -D -e -f /etc/ssh/git.conf &
lighttpd -D -f /etc/lighttpd/git.conf &
wait -n || true
exit 1
