"""Benchmarks that print a table and write JSON: numbers in the documentation come from here."""
