"""The watch of the control room: it looks at the fleet, keeps figures, and raises alerts."""
