"""Three paths from a design and theta to the criterion: gls, qr, pls."""
