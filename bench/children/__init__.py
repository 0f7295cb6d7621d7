"""Programs that are measured, each in a process of its own; what they find is the last line of their output."""
