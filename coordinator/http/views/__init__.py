"""From what is known to what the API says of it: pure renderings."""
