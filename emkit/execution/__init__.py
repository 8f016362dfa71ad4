"""How the map and the reduce of an E-step are run."""
