"""Benchmarks: `python -m tests.benchmarks`. Figures are ratios against a peer or a limit of the same run."""
