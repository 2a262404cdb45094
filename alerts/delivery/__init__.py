"""Alertmanager: what it is told, and told again until it has it.

    alert (its state)  ──▶  notice (what is said: labels, annotations, start, end)  ──▶  each Alertmanager

A notice is one firing of an alert under one set of labels. Labels are its identity in Alertmanager and never change
(`notices.py`); what changes goes into annotations. It is written down before it is sent, so that its end is told
too, whoever dies in between (`store.py`). Each Alertmanager has a sender with a ledger and a back-off of its own
(`ledger.py`, `sender.py`): one that is away, or has lost its memory, gets everything again, and holds up no other.

Acknowledged alerts go on being told, under a silence in Alertmanager with the name of who has them; it is taken away
before the end is told, so that whoever was called also hears of the end. Alerts that fire first within a maintenance
window are not told while it lasts: nobody is to be called, and a window over a district would need hundreds of
silences. Those that people know of already get a silence, since what is not told any more would seem to be over.

Corrections: an alert that still fires ends with the correction in its annotations; one that had ended already, or never
was, is told as a notice of its own, with the label `correction`, for an hour.
"""
