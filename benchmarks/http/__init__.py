"""What the control room costs, and how quickly it answers."""
