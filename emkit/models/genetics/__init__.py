"""Two small models of genetics, to be read first."""
