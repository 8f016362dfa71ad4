"""What emkit promises under hard and hostile inputs, each promise over all four kinds of covariances."""
