"""From readings to energy: consumption per interval and period, standard coal and CO2, balances, reports.

Derived data is a function of the set of raw readings and of the records that people made: everything here recomputes,
nothing adds up in memory. A folder per question:

    algebra/     pure: readings of a register, a power or an interval meter become consumption per quarter hour
    deriving/    what is dirty, who derives it, and the one step that does
    rebuilding/  any range of time derived once more from its readings, or held against what it must be
    estimation/  the course of consumption over long gaps: check meter, days of the same type
    edits/       what people say about readings: replacements, ratios, exclusions, amounts; each can be undone
    validation/  checks of what was derived, as data per class of points; their findings
    rollups/     hour, day and month per point
    entries/     what is filled in: purchases, stocks, production, certificates
    factors/     dated factors in the database
    totals/      units' balances per hour, day, month; intensity; groups of units
    quality/     the data-quality evaluation of the national rules
    reports/     what a unit or a district used in a month, for people to print

May import `energy` and, of ingest, `database`, `stopping`.
"""
