"""A micro-batch engine on Faust: whole batches in, whole batches out, one state for each partition number.

    input topics (equal partition counts) ─▶ lane n = partition n of every input ─▶ outputs + changelog, partition n

All records that one poll returns for one partition are ONE Faust event (a `Batch`). A pure function folds it over the
lane's state. The engine writes outputs and touched states as producer batches, and awaits them. Faust keeps what it is
good at: group membership, co-partitioned assignment, flow control, shutdown, web. docs/engine.md explains why nothing
is lost.
"""
