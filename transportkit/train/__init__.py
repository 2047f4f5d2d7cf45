"""Trainers. Import the names from `transportkit`."""
