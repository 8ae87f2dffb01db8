"""Tables, queries, migrations: SQLite and PostgreSQL from one model layer."""
