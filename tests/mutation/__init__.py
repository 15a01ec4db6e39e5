"""Own tests are tested: mutants of the heart, those that live and why, and the score."""
