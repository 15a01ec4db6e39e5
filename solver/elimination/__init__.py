"""G to log|V|, [X y]'V^-1 [X y] and their derivatives, by the structure of the random effects."""
