"""The coordinator: a pure core decides, a plan says what is wanted, a shell does it."""
