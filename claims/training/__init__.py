"""How the meaning model is trained: sentences, noise as recognition makes it, features, regression."""
