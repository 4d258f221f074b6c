"""What holds for every kind of test."""

from hypothesis import HealthCheck, settings

from tests.simulation import summary

# A busy machine makes no test wrong: only what is found counts, not how long the finding took.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

pytest_terminal_summary = summary.pytest_terminal_summary
