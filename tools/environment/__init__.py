"""What a machine has to have: the environment and its pins, Binder's image, a browser, git."""
