"""The pictures of the control room in the documentation, taken of real fleets."""
