"""Benchmarks: `python -m tests.benchmarks`. Each figure is a ratio against a peer or a limit of the same run."""
