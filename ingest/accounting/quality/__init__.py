"""The data-quality evaluation of the national rules, per unit."""
