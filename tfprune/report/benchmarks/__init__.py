"""Results of `tfprune benchmark` as a page, a table and JSON."""
