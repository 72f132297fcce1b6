"""What the query projection learns from, and how: pairs of a query and what hosts say for it."""
