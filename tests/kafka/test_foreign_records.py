"""An input record may be compressed, and as long as the broker accepts: no such record stops a lane."""

import os

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from support.one_lane import Place, sos

from cli.broker import Writable, write
from streams.kafka import administration
from streams.topics import REPORTS, SMS, changelog

pytestmark = pytest.mark.timeout(150)
CODECS = ("gzip", "snappy", "lz4", "zstd")
LONGEST = 1_000_000  # of a record, about, unless a broker is told otherwise


async def test_compressed_records_are_read(place: Place) -> None:
    """A foreign producer compresses the records, or the broker does, if its `compression.type` says so."""
    worker = place.worker()
    async with place.begun(worker) as http:
        async with administration(worker.settings) as admin:
            for number, codec in enumerate(CODECS, 1):
                await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"compression.type": codec})
                                           for name in (SMS, changelog(worker.settings))])
                await place.send(worker, sos(number))
                await worker.wait_idle(http)
        assert worker.terminate() == 0
        worker.start()
        await worker.wait_idle(http)
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)
    assert [one.value and one.value["id"] for one in found.said if one.topic == REPORTS] == [
        f"0.1.{number}" for number in range(1, len(CODECS) + 1)]


async def test_a_record_that_is_too_long_does_not_stop_a_lane(place: Place) -> None:
    worker = place.worker()
    async with place.begun(worker) as http:
        noise = os.urandom(LONGEST)
        await write([Writable(SMS, 0, b"7", noise), Writable(SMS, 0, noise[:LONGEST // 2], noise[LONGEST // 2:])],
                    worker.settings)
        await place.send(worker, sos(1))
        await worker.wait_idle(http)
        found = await place.verdict(worker)
    assert (found.problems, found.repeats) == ([], 0)
