"""What the next task costs, from end to end, while ever more of them wait."""
