"""The tests, by kind; only what they share is a package."""
