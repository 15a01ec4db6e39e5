"""Text and data to a design: R's formulas, frames and model matrices with lme4's meaning."""
