"""Each measured program runs in a process of its own; the last line of its output is its result."""
