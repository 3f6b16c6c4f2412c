"""Frames of the websocket protocol, as the API server sends them."""

from __future__ import annotations

import contextlib
import http.client
import socket as socket_module
import typing as t

import pytest
import websocket

from ansible_collections.dagops.airflow.plugins.module_utils.face import Failure
from ansible_collections.dagops.airflow.plugins.module_utils.kube import streams

BINARY, CLOSE = websocket.ABNF.OPCODE_BINARY, websocket.ABNF.OPCODE_CLOSE
# The first frame of each channel names the port, 8080.
NAMES = [b"\x00\x90\x1f", b"\x01\x90\x1f"]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Socket:
    """A websocket that has received some frames."""

    def __init__(self, *frames: bytes | Exception) -> None:
        self._frames: list[bytes | Exception] = list(frames)
        self.sent: list[bytes] = []
        self.timeout: float | None = None

    def recv_data(self) -> tuple[int, bytes]:
        if not self._frames:
            return CLOSE, b"\x03\xe8"
        frame = self._frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        return BINARY, frame

    def send_binary(self, data: bytes) -> None:
        self.sent.append(data)

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds


def connection(socket: Socket) -> http.client.HTTPConnection:
    opened = http.client.HTTPConnection("localhost")
    opened.sock = t.cast("t.Any", streams.Forwarded(socket))
    return opened


class TestForwarded:
    def test_http_passes_in_frames(self) -> None:
        socket = Socket(*NAMES, b"\x00" + ANSWER[:20], b"\x00" + ANSWER[20:], b"\x00" + ANSWER)
        speaks = connection(socket)
        for _number in range(2):
            speaks.request("GET", "/x")
            assert speaks.getresponse().read() == b"hello"
        assert all(frame[0] == 0 for frame in socket.sent)
        assert b"".join(frame[1:] for frame in socket.sent).count(b"GET /x HTTP/1.1") == 2

    def test_much_is_sent_in_several_frames(self) -> None:
        socket = Socket()
        streams.Forwarded(socket).sendall(b"x" * 100_000)
        assert len(socket.sent) == 4
        assert sum(len(frame) - 1 for frame in socket.sent) == 100_000

    def test_an_error_of_the_pod_cuts_the_connection(self) -> None:
        forwarded = streams.Forwarded(Socket(*NAMES, b"\x01connection refused"))
        with pytest.raises(ConnectionResetError, match="connection refused"):
            forwarded.receive(10)

    @pytest.mark.parametrize("end", [[], [websocket.WebSocketConnectionClosedException("gone")]])
    def test_the_end_is_the_end(self, end: list[Exception]) -> None:
        speaks = connection(Socket(*NAMES, *end))
        speaks.request("GET", "/x")
        with pytest.raises(http.client.RemoteDisconnected):
            speaks.getresponse()

    def test_silence_is_a_timeout(self) -> None:
        forwarded = streams.Forwarded(Socket(websocket.WebSocketTimeoutException("timed out")))
        forwarded.settimeout(1)
        with pytest.raises(TimeoutError):
            forwarded.receive(10)

    def test_a_closed_websocket_takes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        socket = Socket()
        closed = websocket.WebSocketConnectionClosedException("gone")
        monkeypatch.setattr(socket, "send_binary", lambda _data: (part for part in ()).throw(closed))
        with pytest.raises(ConnectionResetError):
            streams.Forwarded(socket).sendall(b"x")


class Shell(Socket):
    """The websocket of a command that prints what it reads once its input has ended."""

    def __init__(self, *, protocol: str = streams.V5, silent: bool = False) -> None:
        super().__init__()
        self.sock, self._other = socket_module.socketpair()
        self._protocol = protocol
        self._silent = silent

    def getsubprotocol(self) -> str:
        return self._protocol

    def send_binary(self, data: bytes) -> None:
        super().send_binary(data)
        if data == b"\xff\x00" and not self._silent:
            text = b"".join(frame[1:] for frame in self.sent if frame[0] == 0)
            self._frames = [b"\x01" + text, b"\x02warning", b'\x03{"status": "Success"}']
            self._other.send(b"!")

    def close(self) -> None:
        self.sock.close()
        self._other.close()


class TestRun:
    @pytest.mark.parametrize("text", ["", "hello", "ü" * 100_000])
    def test_input_is_fed_and_ended(self, text: str) -> None:
        shell = Shell()
        with contextlib.closing(shell):
            result = streams.run(shell, text, 5, "run cat")
        assert (result.rc, result.stdout, result.stderr) == (0, text, "warning")
        assert all(len(frame) <= 32 * 1024 + 1 for frame in shell.sent)

    def test_old_clusters_cannot_end_the_input(self) -> None:
        with contextlib.closing(Shell(protocol=streams.V4)) as shell, pytest.raises(Failure, match=r"1\.30 and newer"):
            streams.run(shell, "x", 5, "run cat")

    def test_a_command_that_reads_nothing_may_still_succeed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with contextlib.closing(Shell()) as shell:
            shell._frames = [b"\x01done", b'\x03{"status": "Success"}']
            monkeypatch.setattr(shell, "send_binary", lambda _data: (part for part in ()).throw(BrokenPipeError()))
            assert streams.run(shell, "x", 5, "run true").stdout == "done"

    def test_the_end_without_a_status_is_told(self) -> None:
        with contextlib.closing(Shell()) as shell, pytest.raises(Failure, match="ended before the command did"):
            streams.run(shell, None, 5, "run x")

    def test_silence_is_told(self) -> None:
        with contextlib.closing(Shell(silent=True)) as shell:
            shell._frames = [websocket.WebSocketTimeoutException("timed out")]
            with pytest.raises(Failure, match=r"within 0\.1 s"):
                streams.run(shell, None, 0.1, "run x")


class TestExitCode:
    def test_success(self) -> None:
        assert streams.exit_code(b'{"status": "Success"}', "run x") == 0

    def test_a_failed_command_has_its_code(self) -> None:
        status = b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}'
        assert streams.exit_code(status, "run x") == 7

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (b"", "Cannot run x: the connection ended before the command did"),
            (b'{"status": "Failure", "message": "no such file"}', "Cannot run x: no such file"),
        ],
    )
    def test_a_command_that_could_not_run_is_told(self, status: bytes, words: str) -> None:
        with pytest.raises(Failure, match=words):
            streams.exit_code(status, "run x")
