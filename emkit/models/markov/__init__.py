"""Hidden Markov models: chains of hidden states over emissions of any kind."""
