"""The symbols of the theory: terms, theta, Lambda, the design y, X, Z, working coordinates and charts."""
