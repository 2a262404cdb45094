"""Estimates for the evidence of an alert: which of its figures a policy asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alerts.consequences.estimates import estimates
from alerts.consequences.files import policies_of
from alerts.consequences.model import Breach, ConsequencesSettings, Estimate, Policy
from alerts.life.evidence import Evidence
from alerts.quotas.measures import PER_OUTPUT


def attaching(settings: ConsequencesSettings) -> Callable[[Evidence], tuple[Estimate, ...]]:
    """What the engine asks of each transition.

    Raises:
        ConfigError: the deployment's file of policies with all its faults, or a policy switched on that there is not.
    """
    policies = policies_of(settings)
    return lambda evidence: consequences(evidence, policies, settings)


def consequences(
    evidence: Evidence, policies: Sequence[Policy], settings: ConsequencesSettings
) -> tuple[Estimate, ...]:
    """What is attached to a quota that is broken on this evidence; nothing before it is, and nothing of other subjects.

    Args:
        evidence: of a transition.
        policies: as `files.policies_of` gives them.
        settings: what is switched on where.
    """
    breach = breach_of(evidence)
    return () if breach is None else tuple(estimates(breach, policies, settings))


def breach_of(evidence: Evidence) -> Breach | None:
    """The figures of a breach; None where the evidence is of none."""
    quota, used, limit = evidence.quota, evidence.figures.get("used"), evidence.figures.get("limit")
    if quota is None or used is None or limit is None or evidence.period_start is None or used <= limit:
        return None
    labels = evidence.subject.labels
    return Breach(
        unit=evidence.subject.unit,
        district=evidence.subject.district,
        industry=evidence.subject.industry,
        day=evidence.period_start,
        measure=quota.measure,
        used=used,
        limit=limit,
        limit_unit=quota.unit_of_measure,
        product=labels.get("standard", ""),
        level=labels.get("standard_level", ""),
        per_product=quota.measure in PER_OUTPUT,
        electricity_kwh=evidence.electricity_kwh,
    )
