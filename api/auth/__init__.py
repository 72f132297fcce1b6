"""Who makes a request: passwords, sessions, keys for machines, and what each route asks for."""
