"""What the HTTP API says and takes, as pydantic models: its own words, not the domain's."""
