"""``fleetbus up``: a broker, a coordinator and the plan's agents on this machine, as processes."""
