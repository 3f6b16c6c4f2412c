#!/bin/sh
# OPENSEARCH_JAVA_OPTS are Java's; arguments are OpenSearch's (-Ekey=value).
set -eu
umask 0002
home=/usr/share/opensearch
# OPENSEARCH_JAVA_OPTS holds several words.
# shellcheck disable=SC2086
exec java -Xms512m -Xmx512m -XX:+UseSerialGC ${OPENSEARCH_JAVA_OPTS:-} \
  -Djava.io.tmpdir=/tmp -Djava.security.manager=allow -Djna.nosys=true -Djna.tmpdir=/tmp \
  -Dio.netty.noUnsafe=true -Dio.netty.noKeySetOptimization=true -Dio.netty.recycler.maxCapacityPerThread=0 \
  -Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true \
  -Dopensearch.path.home=$home -Dopensearch.path.conf=$home/config -Dopensearch.distribution.type=tar \
  -Dopensearch.bundled_jdk=false -cp "$home/lib/*" org.opensearch.bootstrap.OpenSearch "$@"
