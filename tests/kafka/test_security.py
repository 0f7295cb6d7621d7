"""Every client of a worker, Faust's among them, talks to a Kafka that wants TLS, and a user with a password."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.one_lane import Place, sos
from support.proxy import proxy
from support.secured import add_user, listener

from local.embedded import free_port
from local.kafka import LocalKafka
from streams.topics import declare

pytestmark = pytest.mark.timeout(150)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of the loopback address, signed by itself: for the broker with its key, and for those who are to trust it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=broker")
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now,
                                      now + timedelta(days=1))
              .add_extension(address, critical=True)
              .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
              .sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    store, trusted = folder / "broker.pem", folder / "ca.pem"
    store.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed)
    trusted.write_bytes(signed)
    return store, trusted


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL", "SASL_PLAINTEXT"])
async def test_a_worker_works_on_a_secured_kafka(protocol: str, tmp_path: Path) -> None:
    store, trusted = certificate(tmp_path)
    outside = free_port()
    more = listener(protocol) | {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(store)}
    with LocalKafka(tmp_path, outside=[outside], more=more) as kafka, proxy(kafka.outside_ports[0], outside):
        if protocol.startswith("SASL"):
            add_user(kafka, "anbu", "hush")
        place = Place(tmp_path, kafka)
        worker = place.worker(
            ANBU_KAFKA=f"127.0.0.1:{outside}", ANBU_KAFKA_SECURITY=protocol, ANBU_KAFKA_SECURITY_CA=str(trusted),
            ANBU_KAFKA_SECURITY_USER="anbu", ANBU_KAFKA_SECURITY_PASSWORD="hush")
        await declare(worker.settings)
        async with place.begun(worker) as http:
            await place.send(worker, sos(1))
            await worker.wait_idle(http)
            found = await place.verdict(worker)
    assert (found.problems, found.outputs > 0) == ([], True)
