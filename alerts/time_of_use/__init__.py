"""Which hours are peak, flat, valley or forbidden, where, at which voltage, from which day on: a deployment's own data.

The tables are each province's own, change with the season and the day, cross midnight, and are set anew every year or
two; none is established here, so that none is shipped. `data/example.csv` shows the form, with invented figures.
"""
