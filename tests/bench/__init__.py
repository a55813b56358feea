"""Benchmarks: every figure is a ratio to a floor that the same run measured on the same machine."""
