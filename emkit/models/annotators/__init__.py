"""Annotators who err: what items are, from what is said of them."""
