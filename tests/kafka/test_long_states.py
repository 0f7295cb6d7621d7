"""What a lane keeps of an outage is as long as the list of those who are silent; it is written, and read back."""

from aiokafka import TopicPartition

from cli.broker import Writable, write
from local.kafka import LocalKafka
from models.contract.incidents import Incident
from models.judgement.codec import pack_incidents
from models.judgement.lane import INCIDENTS_KEY
from runtime.settings import Settings
from streams.engine.changelog import DONE, States, load, reader
from streams.engine.writer import Writer
from streams.topics import changelog

MANY = 250_000  # with one deadline in one lane


async def test_an_outage_of_a_quarter_of_a_million_people_fits_into_a_record(broker: LocalKafka) -> None:
    settings = Settings.from_env({"ANBU_KAFKA": broker.address, "ANBU_PARTITIONS": "1"})
    deadline = 1_795_567_500
    packed = pack_incidents([Incident("seoul-1", deadline, None, deadline, MANY,
                                      tuple((1_000_000 + number, 5044) for number in range(MANY)), 1)])
    await write([Writable(changelog(settings), 0, b"7", packed)], settings)  # as `anbu restore` does
    writer = Writer(settings, 0)
    try:
        await writer.start(changelog(settings))
        await writer.write(changelog(settings), [(INCIDENTS_KEY, packed), (DONE, b"{}")])
    finally:
        await writer.stop()
    async with reader(settings) as one:
        await load(one, TopicPartition(changelog(settings), 0), states := States())
    assert states == {b"7": packed, INCIDENTS_KEY: packed}
