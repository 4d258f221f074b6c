"""Alerts: what is worth a person's attention, told once, in groups, and told to be over."""
