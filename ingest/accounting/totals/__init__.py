"""Balances of units per hour, day and month, in native units, standard coal and CO2."""
