"""`anbu demo`: the whole system on this machine, with a simulated fleet and a virtual time."""
