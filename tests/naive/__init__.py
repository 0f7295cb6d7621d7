"""A second, naive reading of docs/rules.md and docs/wire-format.md: what `anbu replay` must print.

It was written without a look at the core.
"""
