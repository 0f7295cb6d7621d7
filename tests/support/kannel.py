"""A real Kannel on free ports of the loopback address, and a mobile network of tests behind it (its fake SMSC).

    smsbox (sendsms) ─▶ bearerbox ─▶ this file: one line an SMS, `sender receiver kind data`
"""

import contextlib
import shutil
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from local.embedded import ChildService, free_port

CONFIGURATION = """\
group = core
admin-port = {admin}
admin-password = {password}
admin-interface = 127.0.0.1
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
store-type = file
store-location = {folder}/kannel.store

group = smsc
smsc = fake
smsc-id = fake
port = {smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = anbu
password = {password}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
text = "no"
max-messages = 0
"""
PASSWORD = "hush"


class Sms(NamedTuple):
    sender: str
    recipient: str
    text: str


class Kannel:
    """sms: what telephones have got, long ones put together."""

    def __init__(self, folder: Path) -> None:
        ports = {name: free_port() for name in ("admin", "box", "smsc", "sendsms")}
        path = folder / "kannel.conf"
        path.write_text(CONFIGURATION.format(folder=folder, password=PASSWORD, **ports))
        self.sms: list[Sms] = []
        self.url = f"http://127.0.0.1:{ports['sendsms']}/cgi-bin/sendsms"
        self._smsc = ports["smsc"]
        self._bearerbox = ChildService([_program("bearerbox"), str(path)], ports["box"], folder / "bearerbox.log")
        self._smsbox = ChildService([_program("smsbox"), str(path)], ports["sendsms"], folder / "smsbox.log")
        self._parts: defaultdict[bytes, dict[int, bytes]] = defaultdict(dict)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Kannel":
        self._bearerbox.start()
        network = socket.create_connection(("127.0.0.1", self._smsc), 10)
        network.settimeout(None)
        self._thread = threading.Thread(target=self._listen, args=(network,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop_smsbox()
        self._bearerbox.kill()
        if self._thread is not None:
            self._thread.join(10)

    def start_smsbox(self) -> None:
        """From now on it takes messages."""
        self._smsbox.start()

    def stop_smsbox(self) -> None:
        self._smsbox.kill()

    def _listen(self, network: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), network, network.makefile("rb") as lines:
            for line in lines:
                self._take(line.rstrip(b"\n"))

    def _take(self, line: bytes) -> None:
        sender, recipient, kind, data = line.split(b" ", 3)
        if kind == b"text":  # of the 7-bit alphabet
            self.sms.append(Sms(sender.decode(), recipient.decode(), data.decode("ascii")))
            return
        header = b""
        if kind == b"udh":
            encoded, _, data = data.split(b" ", 2)
            header = unquote_to_bytes(encoded.replace(b"+", b" "))
        octets = unquote_to_bytes(data.replace(b"+", b" "))
        if header:  # 05 00 03 reference, parts, number
            parts = self._parts[header[3:4]]
            parts[header[5]] = octets
            if len(parts) < header[4]:
                return
            octets = b"".join(parts[number] for number in sorted(self._parts.pop(header[3:4])))
        text = octets.decode("utf-16-be")
        self.sms.append(Sms(sender.decode(), recipient.decode(), text))


def _program(name: str) -> str:
    """Raises RuntimeError where Kannel is not installed: a test that is asked for is not passed over."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if path is None:
        raise RuntimeError(f"{name} is not installed: bash .ci/kannel, or install Kannel by hand")
    return path


@contextlib.contextmanager
def running_kannel(folder: Path) -> Iterator[Kannel]:
    with Kannel(folder) as one:
        one.start_smsbox()
        yield one
