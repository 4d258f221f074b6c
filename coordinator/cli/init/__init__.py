"""``fleetbus init``: the plan, settings, secrets and services that a new fleet begins with."""
