"""Partition n of every topic is lane n: the partition of a subject is Kafka's default one for its number as a key."""

from aiokafka.partitioner import murmur2


def partition_of_key(key: bytes, partitions: int) -> int:
    """As the default partitioner of the Java client and of aiokafka."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def partition_of(subject: int, partitions: int) -> int:
    return partition_of_key(b"%d" % subject, partitions)
