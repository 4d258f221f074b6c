"""The whole fleet in one seeded, virtual world: production decisions, simulated everything else."""
