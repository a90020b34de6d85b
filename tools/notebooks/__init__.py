"""Running the chapters and saving their outputs; the working copy of the exercises."""
