"""Partition n of every topic is lane n: a subject has Kafka's default partition for its number as a key."""

from aiokafka.partitioner import murmur2


def partition_of_key(key: bytes, partitions: int) -> int:
    """The partition that the default partitioner of the Java client and of aiokafka chooses."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def partition_of(subject: int, partitions: int) -> int:
    return partition_of_key(b"%d" % subject, partitions)
