"""The database: SQLite in WAL mode with one writer; one repository module per noun."""
