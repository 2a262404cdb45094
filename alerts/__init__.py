"""The rules engine: which unit breaks, or is on course to break, which quota, why, and when.

It imports `energy` alone and reads what accounting wrote. A folder per question:

    quotas/        which quota governs whom, from which document, in which bands; files of quotas
    series/        the named series that rules speak of, per quota, unit and meter, read for all at once
    time_of_use/   which hours are peak, valley or forbidden, as dated data of a deployment
    projecting/    how a period will end: profiles, methods, intervals, and what tells them apart
    rules/         conditions over named series, as data; the shipped ones; their expression language
    life/          the life of an alert: a pure state machine, its memory, its history and evidence
    consequences/  what a policy attaches to a breach, in yuan, as dated data per region
    evaluation/    one step over all of this, who makes it, and when
    delivery/      Alertmanager: what it is told, and told again until it has it
    trying/        rules before they are trusted: unit tests of rules, back-tests, what-ifs

`verdicts.py` has the words for severity and colour.
"""
