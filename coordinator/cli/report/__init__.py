"""``fleetbus report``: what the fleet did, as tables, as JSON, or as one page."""
