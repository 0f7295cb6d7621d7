"""A second, naive reading of the design: what `anbu replay` must print, written without looking at the core."""
