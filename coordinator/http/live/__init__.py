"""What is known of the fleet now, and how it reaches those who watch."""
