"""The contracts. Import the names from `transportkit`; this package is empty so that its light
modules (`params`, `spec`, `choice`, `record`, `span`, `status`) load without torch."""
