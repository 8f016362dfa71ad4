"""Models of values of which only an interval is known."""
