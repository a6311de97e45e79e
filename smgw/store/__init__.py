"""What the gateway keeps, in one encrypted database: readings and what is owed of them, profiles, orders, logs."""
