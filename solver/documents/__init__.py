"""What the five documents build by hand; each file follows one of them, and none knows another."""
