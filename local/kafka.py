"""A real Apache Kafka for tests, chaos and benchmarks: one or three nodes (KRaft) on free ports of this machine.

    with LocalKafka(folder) as kafka:
        ... kafka.address ...; kafka.restart()

`make kafka` fetches the jars once, with Maven, into the user's cache. Kafka runs on Java 17. The folder holds the logs
and all data, and the caller removes it. `python -m local.kafka run` runs one node until Ctrl-C.
"""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final

from local.embedded import ChildService, EmbeddedError, free_port

VERSION: Final = "4.1.1"
JAVA: Final = 17
_POM: Final = Path(__file__).parent.parent / "requirements" / "kafka.xml"

# Properties for a few seconds on a small machine: no wait before the first rebalance, few partitions of the broker's
# own topics, small buffers, and a dead node is noticed within seconds.
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{more[0]}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}{more[1]}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replication}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replication}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
replica.lag.time.max.ms=3000
num.io.threads=4
num.network.threads=2
log.cleaner.dedupe.buffer.size=8388608
"""


class KafkaMissingError(EmbeddedError):
    """Java or the jars are missing. The text says what to do."""


def jars() -> Path:
    """Return the folder where the jars are, or will be."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "anbu" / f"kafka-{VERSION}"


def missing() -> str | None:
    """Return why no broker can be started here; None if one can be started."""
    java = shutil.which("java")
    told = None if java is None else subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = None if told is None else re.search(r'version "(\d+)', told.stderr)
    if version is None or int(version[1]) < JAVA:
        return f"Java {JAVA} or newer is not installed (Debian: apt-get install openjdk-17-jre-headless)"
    if not jars().is_dir():
        return "the jars of Apache Kafka are not there: make kafka fetches them"
    return None


class LocalKafka:
    """One broker, or several that keep up to three replicas of everything. Raises KafkaMissingError.

    ports: the ports of the listeners by node, if they must be known before.
    advertised: the ports that clients use by node, if these are ports of proxies.
    outside: ports of proxies by node. Each node then has one more listener for its proxy, so that some clients use the
    proxies and others do not.
    more: further properties of each broker.
    address: the listeners.
    outside_ports: the ports of the listeners for the proxies.
    """

    def __init__(self, folder: Path, nodes: int = 1, ports: Sequence[int] = (), advertised: Sequence[int] = (),
                 outside: Sequence[int] = (), more: Mapping[str, str] = MappingProxyType({})) -> None:
        reason = missing()
        if reason is not None:
            raise KafkaMissingError(reason)
        ports = ports or [free_port() for _ in range(nodes)]
        controllers = [free_port() for _ in range(nodes)]
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(controllers, 1))
        cluster = _uuid()
        self.address = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.outside_ports = [free_port() for _ in outside]
        self.nodes = []
        for i in range(nodes):
            home = Path(tempfile.mkdtemp(prefix=f"kafka-{i + 1}-", dir=folder))
            data = home / "data"
            data.mkdir()
            # The same file as `kafka-storage format` writes; that command takes two seconds.
            (data / "meta.properties").write_text(
                f"version=1\ncluster.id={cluster}\nnode.id={i + 1}\ndirectory.id={_uuid()}\n")
            config = home / "server.properties"
            listeners = ("", "")
            if outside:
                listeners = (f",OUTSIDE://127.0.0.1:{self.outside_ports[i]}", f",OUTSIDE://127.0.0.1:{outside[i]}")
            config.write_text(_PROPERTIES.format(
                more=listeners, node=i + 1, voters=voters, port=ports[i], controller=controllers[i],
                advertised=(advertised or ports)[i], data=data, replication=min(nodes, 3), in_sync=min(nodes, 2))
                + "".join(f"{name}={value}\n" for name, value in more.items()))
            self.nodes.append(ChildService(
                ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars()}/*", "kafka.Kafka", str(config)],
                ports[i], home / "server.log"))

    def start(self) -> None:
        """Returns when every node serves its port. Raises EmbeddedError."""
        try:
            for node in self.nodes:
                node.launch()  # the nodes of a quorum start together
            for node in self.nodes:
                node.wait_until_up()
        except BaseException:  # also KeyboardInterrupt
            self.stop()
            raise

    def stop(self) -> None:
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> "LocalKafka":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def fetch() -> None:
    """Copy the jars into the cache with Maven, unless they are there. Raises KafkaMissingError."""
    target = jars()
    if target.is_dir():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissingError("Maven is not installed (Debian: apt-get install maven)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as part:  # beside the target, so the target is never incomplete
        done = subprocess.run([maven, "-q", "-B", "-f", str(_POM), f"-Dkafka.version={VERSION}",
                               "dependency:copy-dependencies", f"-DoutputDirectory={part}/jars"], check=False)
        if done.returncode:
            raise KafkaMissingError(f"Maven could not fetch Apache Kafka {VERSION}; see above")
        if not target.is_dir():  # another process may have been faster
            (Path(part) / "jars").rename(target)


def _uuid() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _main(arguments: list[str]) -> int:
    try:
        if arguments == ["fetch"]:
            fetch()
            reason = missing()
            if reason is not None:
                raise KafkaMissingError(reason)
            sys.stdout.write(f"Apache Kafka {VERSION} is in {jars()}\n")
            return 0
        if arguments == ["run"]:
            with tempfile.TemporaryDirectory(prefix="kafka-") as folder, LocalKafka(Path(folder)) as kafka:
                sys.stdout.write(f"ANBU_KAFKA={kafka.address}\n")
                sys.stdout.flush()
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
            return 0
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write("usage: python -m local.kafka fetch|run\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
