"""Tables, queries and migrations: SQLite and PostgreSQL from one model layer."""
