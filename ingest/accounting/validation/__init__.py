"""Checks of derived intervals: what contradicts itself, its meter or its past. They mark, and never change an amount.

A finding is a function of intervals, readings, registry and parameters: it is found anew when one of them changes, and
gone when its cause is. Parameters are data, per class of points.

    parameters, loading   the parameters, and how a deployment's file goes over the shipped one
    day                   a local day of many points as columns; findings; runs of slots
    checks/               pure: a module per family of checks
    reading, writing      a day's columns out of the database; findings into it
    validate              points x days: read, judged, written
    queue, fingerprints   which days wait, and what makes days wait again that were judged
    find                  findings for people
"""
