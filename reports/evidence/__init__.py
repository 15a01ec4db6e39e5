"""Facts without a verdict: digits, allowances, the landscape of a case, scores, drift."""
