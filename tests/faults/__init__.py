"""The fault bank: what a bug of a real program would answer, on which cases it shows, and the score of the judge."""
