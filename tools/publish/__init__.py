"""What leaves the repository as a file: the site and the notebooks packed, the book printed."""
