"""From cumulative registers to consumption per 15 minutes and to a unit's use per day, in coal and CO2 too.

Derived data is a function of the set of raw readings: everything here recomputes, nothing adds up in memory. Pure
modules: `counters` (numpy). Those that touch the database: `store`, `step`, `service`. May import `energy`.
"""
