"""One file per part of the benchmark; each has `section(settings)`."""
