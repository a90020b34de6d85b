"""The Sphinx extensions that build the site beside Jupyter Book, and what finishes its pages."""
