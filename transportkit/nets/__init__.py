"""Networks that methods share. Import the names from `transportkit`."""
