"""Reports: tables for a terminal, JSON documents, pictures."""
