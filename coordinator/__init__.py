"""The coordinator: a pure core that decides, a plan that says what is wanted, a shell that does it."""
