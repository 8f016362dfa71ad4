"""What a latent state emits: one distribution per file."""
