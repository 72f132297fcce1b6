"""Machine-learning models: cards, verified loading, device choice, and the only imports of their runtimes."""
