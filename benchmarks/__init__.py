"""emkit and its peers on the same data, from the same start, in alternation: `python -m benchmarks`."""
