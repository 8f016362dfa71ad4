"""Priors: stated in `log_prior`, applied in `m_step`, both from the same joint density."""
