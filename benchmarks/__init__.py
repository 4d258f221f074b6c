"""Measurements: each prints what it measured, and fails beyond its target."""
