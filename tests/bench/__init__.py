"""Benchmarks: each gives ratios measured side by side in one run, and a target for each."""
