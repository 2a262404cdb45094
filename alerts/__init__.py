"""Quotas and rules: which unit exceeds, or is on course to exceed, which quota, with the evidence.

It imports `energy` alone. Pure: `quotas`, `verdicts`, `arithmetic`, `evidence`, `states`; the database is touched by
`store`, and `evaluation` is one step of the loop that `service` runs.
"""
