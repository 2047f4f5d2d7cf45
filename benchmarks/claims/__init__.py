"""What the claims made for electrostatic field matching are worth."""
