"""The directory: people, teams, duty rotas, absences, customers, products, and the whole of it as a file."""
