"""`lmer`: from text and data to a fit, and what a fit tells."""
