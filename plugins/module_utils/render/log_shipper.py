# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""rsyslog on each node, which takes the logs that tasks print to the search server that Airflow reads them from.

What it has read and what the server has not taken yet is on the node, so that nothing is lost when its pod goes. And
the id of a document is made of where the line was read, so that one that is sent again takes its own place.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import re
import string
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.render import features, log_store, names, pods
from ansible_collections.dagops.airflow.plugins.module_utils.render.objects import Object, image, merged, object_
from ansible_collections.dagops.airflow.plugins.module_utils.spec import forms
from ansible_collections.dagops.airflow.plugins.module_utils.spec.values import Pods, Values

COMPONENT = "log-shipper"
STATE_FOLDER = "/state"
PODS_FOLDER = "/var/log/pods"
CONFIG_FOLDER = "/etc/log-shipper"
CONFIG_FILE = "rsyslog.conf"
CA_FOLDER = "/run/secrets/dagops/ca"
# Environment variables with the user and the password.
ENV = ("SHIPPER_USER", "SHIPPER_PASSWORD")
# Containers in which tasks and triggers run. Which of them there are does not matter: those of the executor of before
# print until their last task has ended.
CONTAINERS = ("base", "worker", "scheduler", "triggerer")
# A container runtime writes a line in pieces of 16 KiB, of which this many are put together: a megabyte.
PIECES = 64
# Of pods whose folder goes as a whole, rsyslog's notes stay; and it needs none of files that it has read to the end.
START = (
    f"while sleep 3600; do find {STATE_FOLDER} -name 'imfile-state:*' -mmin +1440 -delete; done & "
    f"exec rsyslogd -n -iNONE -f {CONFIG_FOLDER}/{CONFIG_FILE}"
)

_CONFIG = string.Template(r"""# Task logs of the Airflow instance $instance, from its pods on this node to $server
global(
  workDirectory="$state"
  maxMessageSize="2m"
  parser.escapeControlCharactersOnReceive="off"
  abortOnUncleanConfig="on"
)
module(load="imfile" mode="inotify")
module(load="omelasticsearch")

template(name="own" type="string" string="%msg%\n")
template(name="refused" type="string" string="refused by the server: %$$.omes% %$$!%\n")
template(name="unreadable" type="string" string="no JSON, or too long a line, in %$$.file% at %$$.time%\n")
template(name="document" type="subtree" subtree="$$!")
template(name="id" type="string" string="%$$.id%")

# What rsyslog itself has to say.
action(type="omfile" file="/dev/stdout" template="own")

ruleset(name="store") {
  action(
    type="omelasticsearch"
$connection
    searchIndex="$index" searchType="" template="document" dynbulkid="on" bulkid="id" bulkmode="on" maxbytes="5m"
    retryfailures="on" retryruleset="again" ratelimit.interval="0" errorFile="$state/refused.json"
    action.resumeRetryCount="-1" action.resumeInterval="2" action.resumeIntervalMax="30"
    # On disk, line by line: neither a server that is away nor the end of this pod loses any.
    queue.type="Disk" queue.filename="queue" queue.maxFileSize="16m" queue.checkpointInterval="100"
    queue.size="100000000" queue.maxDiskSpace="$queue_size" queue.timeoutEnqueue="2000000000"
    queue.dequeueBatchSize="500"
  )
}

# Lines that the server has not taken out of a batch that it has.
ruleset(name="again") {
  if ($$.omes!status == 429 or $$.omes!status >= 500) then {
    set $$.id = $$.omes!_id;
    call store
  } else {
    action(type="omfile" file="/dev/stdout" template="refused")
  }
}

# A message is all that the container wrote until a line of stdout was whole: "TIME stdout P piece" and "TIME stdout F
# end", and what came by stderr in between.
ruleset(name="pods" queue.type="Direct") {
  if (re_match($$msg, "(^|\n)[^ \n]+ stdout P ") == 0) then {
    set $$.body = $whole;
  } else {
    set $$.body = $pieces;
  }
  if ($$.body startswith "{") then {
    set $$.file = $$!metadata!filename;
    set $$.time = re_extract($$msg, "(^|\n)([^ \n]+) stdout [FP] ", 0, 2, "");
    unset $$!metadata;
    if (parse_json($$.body, "\$$!") == 0 and $$!log_id != "" and $$!offset != ""
        and ($$!airflow_instance == "" or $$!airflow_instance == "$instance")) then {
      # UID of the pod, container, time and place of the line.
      set $$.id = re_extract($$.file, '_([^_/]+/[^/]+)/[^/]+$$', 0, 1, "") & "/" & $$.time & "/" & $$!offset;
      call store
    } else if ($$.body contains '"log_id"' and $$!log_id == "") then {
      action(type="omfile" file="/dev/stdout" template="unreadable")
    }
  }
}
$inputs""")

# "0.log" is what is written now, "0.log.20260102-030405" what the kubelet has put aside; nothing else is to be read.
_INPUT = """
input(
  type="imfile" file="{path}"
  tag="pods" ruleset="pods" addMetadata="on" reopenOnTruncate="on"
  endmsg.regex="^[^ ]+ stdout F " escapeLF="off" persistStateInterval="200" persistStateAfterSubmission="on"
)
"""


def render(values: Values) -> list[Object]:
    """The DaemonSet with its identity and its configuration, all in the namespace that takes such pods."""
    if not values.logging.shipper.enabled:
        return []
    objects = [
        object_(values, "v1", "ServiceAccount", COMPONENT, automountServiceAccountToken=False),
        object_(values, "v1", "ConfigMap", COMPONENT, data={CONFIG_FILE: configuration(values)}),
        daemon_set(values),
    ]
    there = values.shipper_namespace
    moved = [{**item, "metadata": {**item["metadata"], "namespace": there}} for item in objects]
    return features.part_of(features.LOG_SHIPPER, moved)


def configuration(values: Values) -> str:
    """rsyslog.conf."""
    piece = r're_extract($msg, "(^|\n)[^ \n]+ stdout [FP] ([^\n]*)", {}, 2, "")'
    pieces = "\n      & ".join(piece.format(number) for number in range(PIECES))
    inputs = (_INPUT.format(path=f"{PODS_FOLDER}/{values.namespace}_*/{one}/[0-9]*.lo*[g0-9]") for one in CONTAINERS)
    return _CONFIG.substitute(
        instance=values.name,
        server=_server(values),
        connection=_connection(values),
        index=log_store.index(values),
        state=STATE_FOLDER,
        queue_size=int(forms.amount(values.logging.shipper.queue_size) or 0),
        whole=piece.format(0),
        pieces=pieces,
        inputs="".join(inputs),
    )


def _server(values: Values) -> str:
    url = urllib.parse.urlsplit(values.logging.chosen.url)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}:{url.port or (443 if url.scheme == 'https' else 80)}{url.path.rstrip('/')}"


def _connection(values: Values) -> str:
    shipper, store = values.logging.shipper, values.logging.chosen
    server = _server(values)
    parts = [f'server="{_quoted(server)}"']
    if server.startswith("https://"):
        parts.append('usehttps="on"')
        parts += [f'tls.cacert="{CA_FOLDER}/ca.crt"'] if shipper.ca else []
        parts += [] if store.verify else ['allowunsignedcerts="on" skipverifyhost="on"']
    if shipper.credentials:
        # Read from the environment as rsyslog starts, so that no ConfigMap holds them.
        parts.append("uid=`echo ${}` pwd=`echo ${}`".format(*ENV))
    return "\n".join(f"    {part}" for part in parts)


def _quoted(text: str) -> str:
    return re.sub(r'([\\"$])', r"\\\1", text)


def daemon_set(values: Values) -> Object:
    """One pod on each node."""
    shipper = values.logging.shipper
    env: list[Object] = []
    if own := shipper.credentials:
        keys = zip(ENV, (own.username_key, own.password_key), strict=True)
        env = [pods.secret_env(variable, own.name, key) for variable, key in keys]
    mounts: list[Object] = [
        {"name": "pods", "mountPath": PODS_FOLDER, "readOnly": True},
        {"name": "state", "mountPath": STATE_FOLDER},
        {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
    ]
    volumes: list[Object] = [
        {"name": "pods", "hostPath": {"path": shipper.pods_folder, "type": "Directory"}},
        {"name": "state", "hostPath": {"path": state_on_node(values), "type": "DirectoryOrCreate"}},
        {"name": "config", "configMap": {"name": names.name(values, COMPONENT)}},
    ]
    if shipper.ca:
        items = [{"key": shipper.ca.key, "path": "ca.crt"}]
        volumes.append({"name": "ca", "secret": {"secretName": shipper.ca.name, "items": items}})
        mounts.append({"name": "ca", "mountPath": CA_FOLDER, "readOnly": True})
    container = {
        "name": COMPONENT,
        "image": image(values, shipper.image),
        "imagePullPolicy": shipper.image.pull_policy,
        "command": ["sh", "-c", START],
        "env": env,
        "resources": shipper.resources,
        "securityContext": merged(pods.CONTAINER_SECURITY, shipper.container_security_context),
        "volumeMounts": mounts,
    }
    shape = Pods(
        node_selector=shipper.node_selector,
        affinity={},
        tolerations=shipper.tolerations,
        priority_class_name=shipper.priority_class_name,
    )
    # The files are root's, which no capability is needed to read for root itself.
    security = {"runAsUser": 0, "runAsGroup": 0, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "selector": {"matchLabels": names.selector(values, COMPONENT)},
        # Never two on one node, which would share one state.
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}},
        "template": pods.pod(values, COMPONENT, shape, container, security=security, volumes=volumes),
    }
    return object_(values, "apps/v1", "DaemonSet", COMPONENT, spec=spec)


def state_on_node(values: Values) -> str:
    """Folder of a node that outlives the pod; of this instance alone."""
    return f"{values.logging.shipper.state_folder}/{values.namespace}/{values.name}"
