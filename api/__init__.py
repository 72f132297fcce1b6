"""The service: FastAPI application, routes, guards, and a small page to search and watch."""
