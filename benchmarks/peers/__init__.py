"""fleetbus beside what a user would pick instead, in one session on one machine."""
