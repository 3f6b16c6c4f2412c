# Copyright (c) 2026, dagops.airflow contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Websockets to pods: commands with exit code, stdin and separate stderr, and forwarded ports.

PRIVATE to the collection: it can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import io
import json
import select
import time
import typing as t
import urllib.parse

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import transport
from ansible_collections.dagops.airflow.plugins.module_utils.kube.errors import ApiError

# _core.configure says clearly that kubernetes, which brings it, is missing.
with contextlib.suppress(ImportError):
    import websocket

V5: t.Final = "v5.channel.k8s.io"
V4: t.Final = "v4.channel.k8s.io"
_STDIN, _STDOUT, _STDERR, _STATUS, _CLOSE = 0, 1, 2, 3, 255
_CHUNK: t.Final = 32 * 1024

Refused = t.Callable[[int, bytes, str], ApiError]


class ExecResult(t.NamedTuple):
    """How a command in a container ended."""

    rc: int
    stdout: str
    stderr: str


@contextlib.contextmanager
def opened(
    connection: transport.Transport, path: str, query: t.Mapping[str, t.Any], refused: Refused, doing: str
) -> t.Iterator[t.Any]:
    """A websocket to ``path``, closed in the end."""
    url = connection.url(path, query).replace("http", "ws", 1)
    options: dict[str, t.Any] = {
        "header": [f"{name}: {value}" for name, value in connection.headers()],
        "subprotocols": [V5, V4],
        "suppress_origin": True,
        "timeout": transport.CONNECT_TIMEOUT,
        **_proxy_options(connection.proxy()),
    }
    sslopt: dict[str, t.Any] = {"context": connection.tls}
    if name := connection.tls_name():
        sslopt["server_hostname"] = name
    try:
        # Nothing has run in the pod before the handshake is done, so it can be tried again.
        socket = connection.persist(lambda: websocket.create_connection(url, sslopt=sslopt, **options), idempotent=True)
    except websocket.WebSocketBadStatusException as error:
        raise refused(error.status_code, error.resp_body or b"", doing) from error
    except websocket.WebSocketException as error:
        raise Failure(f"Cannot {doing}: {error}.") from error
    try:
        yield socket
    finally:
        socket.close(timeout=1)


def _proxy_options(proxy: urllib.parse.SplitResult | None) -> dict[str, t.Any]:
    if proxy is None:
        # Without this the proxies of the environment are used, which kubernetes.core does not look at either.
        return {"http_no_proxy": ["*"]}
    options: dict[str, t.Any] = {
        "http_proxy_host": proxy.hostname,
        "http_proxy_port": proxy.port,
        "proxy_type": proxy.scheme if proxy.scheme.startswith("socks") else "http",
    }
    if proxy.username:
        options["http_proxy_auth"] = (proxy.username, proxy.password)
    return options


def run(socket: t.Any, stdin: str | None, timeout: float, doing: str) -> ExecResult:
    """Feed ``stdin``, gather the output, and wait for the exit code."""
    if stdin is not None and socket.getsubprotocol() != V5:
        raise Failure(f"Cannot {doing}: only Kubernetes 1.30 and newer can end the input of a command.")
    feed = _frames(stdin)
    output: dict[int, bytearray] = {_STDOUT: bytearray(), _STDERR: bytearray(), _STATUS: bytearray()}
    deadline = time.monotonic() + timeout
    try:
        while not output[_STATUS]:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            socket.settimeout(left)
            # In turns: TLS cannot be read and written at once from two threads, and a command may print while it reads.
            if feed:
                _send(socket, feed)
                if not _has_something(socket):
                    continue
            opcode, frame = socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            if frame and frame[0] in output:
                output[frame[0]] += frame[1:]
    except (TimeoutError, websocket.WebSocketTimeoutException) as error:
        raise Failure(f"Cannot {doing}: it did not end within {timeout:g} s. {_tail(output)}".rstrip()) from error
    except (OSError, websocket.WebSocketException) as error:
        raise Failure(f"Cannot {doing}: the connection broke ({error}). {_tail(output)}".rstrip()) from error
    stdout, stderr = (output[channel].decode(errors="replace") for channel in (_STDOUT, _STDERR))
    return ExecResult(exit_code(bytes(output[_STATUS]), doing), stdout, stderr)


def _frames(stdin: str | None) -> list[bytes]:
    """The input of a command, and its end."""
    if stdin is None:
        return []
    data = stdin.encode()
    chunks = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    return [*(bytes([_STDIN]) + chunk for chunk in chunks), bytes([_CLOSE, _STDIN])]


def _send(socket: t.Any, feed: list[bytes]) -> None:
    """Send the next frame; a command that ends without reading everything takes no more, which is no error."""
    try:
        socket.send_binary(feed.pop(0))
    except (BrokenPipeError, ConnectionResetError, websocket.WebSocketConnectionClosedException):
        feed.clear()


def _has_something(socket: t.Any) -> bool:
    """Whether a frame has begun to arrive; TLS may have it decrypted already."""
    pending = getattr(socket.sock, "pending", None)
    return bool((pending and pending()) or select.select([socket.sock], [], [], 0)[0])


def exit_code(status: bytes, doing: str) -> int:
    """The exit code that the last message of an exec tells."""
    if not status:
        raise Failure(f"Cannot {doing}: the connection ended before the command did.")
    answer = json.loads(status)
    if answer.get("status") == "Success":
        return 0
    for cause in (answer.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise Failure(f"Cannot {doing}: {answer.get('message') or 'it could not be started'}.")


def _tail(output: dict[int, bytearray]) -> str:
    lines = (output[_STDERR] or output[_STDOUT]).decode(errors="replace").strip().splitlines()
    return f"Its last words: {lines[-1][:200]}" if lines else ""


class Forwarded:
    """A forwarded port, as much of a connected socket as ``http.client`` needs.

    Every frame begins with its channel: 0 carries the data, 1 an error. The first frame of each only names the port.
    """

    def __init__(self, socket: t.Any) -> None:
        self._socket = socket
        self._named: set[int] = set()
        self._left = b""

    def settimeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        try:
            for start in range(0, len(data), _CHUNK):
                self._socket.send_binary(b"\0" + data[start : start + _CHUNK])
        except websocket.WebSocketException as error:
            raise ConnectionResetError(str(error)) from error

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        """The websocket belongs to who opened it."""

    def receive(self, most: int) -> bytes:
        """The next bytes from the pod; none at the end."""
        while not self._left:
            try:
                opcode, frame = self._socket.recv_data()
            except websocket.WebSocketTimeoutException as error:
                raise TimeoutError(str(error)) from error
            except websocket.WebSocketException:
                return b""
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return b""
            if frame and frame[0] not in self._named:
                self._named.add(frame[0])
            elif frame and frame[0] == 0:
                self._left = frame[1:]
            elif len(frame) > 1:
                raise ConnectionResetError(frame[1:].decode(errors="replace").strip())
        data, self._left = self._left[:most], self._left[most:]
        return data


class _Received(io.RawIOBase):
    """What a forwarded port receives, as a file."""

    def __init__(self, forwarded: Forwarded) -> None:
        self._forwarded = forwarded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        data = self._forwarded.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)
