"""What outlives the broker, if it is asked to: retained messages and lasting sessions."""
